"""A few rounds of the fuzzer; `make fuzz MINUTES=…` has many."""

import pytest

from tests.fuzz.loop import Fuzzer
from tests.fuzz.targets import fuzzers


@pytest.mark.parametrize("name", ["comment", "webhook"])
def test_nothing_that_is_sent_breaks_anything(name: str) -> None:
    fuzzer = fuzzers(1)[name]

    assert fuzzer.run(lambda rounds: rounds >= 300) is None
    assert len(fuzzer.corpus) > len(fuzzers(1)[name].corpus)  # it has found new ways


def test_the_fuzzer_finds_what_is_behind_a_few_steps() -> None:
    def wrong(data: bytes) -> None:
        if b"/batch" in data and data.startswith(b"x"):
            raise KeyError(data)

    found = Fuzzer(wrong, [b"/batch"], [b"x", b"/batch"], seed=3).run(
        lambda rounds: rounds >= 20_000
    )

    assert found
    assert isinstance(found.fault, KeyError)


def test_the_same_seed_tries_the_same() -> None:
    tried: list[list[bytes]] = [[], []]
    for each in tried:
        Fuzzer(each.append, [b"a"], [b"b"], seed=5).run(lambda rounds: rounds >= 50)

    assert tried[0] == tried[1]
