from collections.abc import Iterator

import pytest

from tests import buckets


@pytest.fixture(scope="module")
def store() -> Iterator[buckets.Bucket]:
    with buckets.bucket() as made:
        yield made


@pytest.fixture
def bucket(store: buckets.Bucket) -> buckets.Bucket:
    """An empty one."""
    store.wreck()
    store.make()
    return store
