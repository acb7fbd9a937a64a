"""Two of the faults of `make crash`, which goes through the whole table."""

import pytest

from tests.crash.faults import FAULTS
from tests.crash.nursery import nursery
from tests.crash.stage import Fault, one_fault

SHORT = [fault for fault in FAULTS if fault.name in {"Valkey emptied", "image API: head cut"}]


@pytest.mark.parametrize("fault", SHORT, ids=lambda fault: fault.name)
async def test_nobody_pays_for_what_went_wrong(fault: Fault) -> None:
    async with nursery() as there:
        met = await one_fault(fault, there)
    assert met.violations == [], met.log
