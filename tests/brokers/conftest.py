"""Each broker is started once for all tests that leave no traces behind."""

from collections.abc import Iterator

import pytest

from tests.brokers.brokers import BROKERS, Site


@pytest.fixture(scope="package", params=BROKERS)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with one broker after the other."""
    with BROKERS[request.param](tmp_path_factory.mktemp(request.param)) as made:
        yield made
