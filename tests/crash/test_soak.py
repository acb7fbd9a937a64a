"""The judge of a long work says what grows, and only that."""

import pytest

from tests.crash.soak import steepness

SECONDS = [30.0 * n for n in range(40)]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([27.0] * 40, 0),
        ([27.0, 28.0] * 20, 0),  # a connection comes and goes
        ([27.0] * 30 + [45.0, 34.0] + [27.0] * 8, 0),  # a rest that came too early
        ([27.0 + n // 4 for n in range(40)], 1 / 120),  # a file every other minute stays
        ([5000.0 + n + 3000 * (n % 9 == 0) for n in range(40)], 1 / 30),
    ],
)
def test_what_stays_is_told_from_what_comes_and_goes(values: list[float], found: float) -> None:
    assert steepness(SECONDS, values) == pytest.approx(found, rel=0.2)
