"""A few rounds of the fuzzer; `make fuzz MINUTES=…` has many."""

from pathlib import Path

import pytest

from tests.fuzz.run import fuzz
from tests.fuzz.targets import TARGETS

pytest.importorskip("atheris")  # it is made for some machines only


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_that_is_sent_breaks_anything(name: str, tmp_path: Path) -> None:
    found = fuzz(name, tmp_path, 1, "-runs=1500")

    assert not found.fault
    assert found.rounds >= 1500
    assert found.kept > len(TARGETS[name].corpus)  # it has found new ways


def test_the_fuzzer_finds_what_is_behind_a_few_steps(tmp_path: Path) -> None:
    found = fuzz("planted", tmp_path, 3, "-runs=100000")

    assert "KeyError" in found.fault
    assert found.data.startswith(b"x")
    assert b"/batch" in found.data
