"""Machines that share a database, a queue and a store: one that dies is replaced by the others."""

from pathlib import Path

import pytest

from tests.adapters.ledger.conftest import postgres_server, postgres_url  # noqa: F401
from tests.crash.machines import Plan, survive

pytestmark = pytest.mark.long


async def test_workers_that_die_are_replaced_by_other_machines(
    tmp_path: Path,
    postgres_url: str,  # noqa: F811
) -> None:
    plan = Plan(runs=8, images=3, webs=2, workers=3, seed=6, deaths=3, every_images=5)

    seen = await survive(tmp_path, postgres_url, plan)

    assert not seen.violations, f"{seen.page()}\n{seen.log}"
    assert seen.kills == plan.deaths
    assert plan.runs * plan.images - seen.doubts <= seen.billed <= plan.runs * plan.images
