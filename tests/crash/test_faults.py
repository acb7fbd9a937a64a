"""Two of the faults of `make crash`, which goes through the whole table; and what it prints."""

import re
from pathlib import Path

import pytest

from tests.crash.faults import FAULTS
from tests.crash.nursery import nursery
from tests.crash.stage import Fault, Met, one_fault, table

SHORT = [fault for fault in FAULTS if fault.name in {"Valkey emptied", "image API: head cut"}]
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


@pytest.mark.parametrize("fault", SHORT, ids=lambda fault: fault.name)
async def test_nobody_pays_for_what_went_wrong(fault: Fault) -> None:
    async with nursery() as there:
        met = await one_fault(fault, there)
    assert met.violations == [], met.log


def test_what_the_operator_is_told_that_people_read_is_what_a_fault_looks_for() -> None:
    _, _, after = OPERATIONS.read_text().partition("\n## When something around it fails\n")
    quoted = re.findall('"([^"]+)"', after.partition("\n## ")[0])

    assert len(quoted) == 4
    assert [each for each in quoted if not any(re.search(f.said, each) for f in FAULTS)] == []


def test_what_this_machine_could_not_make_is_counted() -> None:
    said = table([Met("disk full", skipped="no rights"), Met("Valkey emptied", said="✅")])

    assert said.splitlines()[-1] == "1 skipped: disk full"
    assert "skipped" not in table([Met("Valkey emptied", said="✅")])
