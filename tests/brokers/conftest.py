"""Each broker is started once for all tests that leave no traces behind."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.brokers.brokers import BROKERS, Site
from tests.brokers.guest import at_rest


@pytest.fixture(scope="package", params=BROKERS)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with one broker after the other."""
    with BROKERS[request.param](tmp_path_factory.mktemp(request.param)) as made:
        yield made


@pytest.fixture
def site(shared: Site) -> Site:
    """The server, when it has done with what the test before asked."""
    asyncio.run(at_rest(shared))
    return shared
