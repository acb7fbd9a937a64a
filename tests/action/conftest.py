"""The Action as a workflow starts it: each step of action.yml, with the image API on loopback."""

from collections.abc import AsyncIterator

import pytest

from tests.action.expressions import Expressions, expressions


@pytest.fixture
async def github_expressions() -> AsyncIterator[Expressions]:
    async with expressions() as found:
        yield found
