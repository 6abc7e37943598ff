"""Each case runs on the brokers that it is about."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.brokers import KINDS, Broker
from tests.conformance.case import Case, corner
from tests.rig import WITHIN_S

_BRIEFLY_S = 0.3
_CONFORMING = ("embedded", "mosquitto")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks."""
    for mark in ("proves(*statements)", "defect(number, form)", "differs(broker, why)", "only(*brokers)"):
        config.addinivalue_line("markers", f"{mark}: see tests/conformance/case.py")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a case on the brokers that it is about."""
    if "broker" not in metafunc.fixturenames:
        return
    only = metafunc.definition.get_closest_marker("only")
    kinds = [*(only.args if only else _CONFORMING)]
    if metafunc.definition.get_closest_marker("defect"):
        kinds.append("plain amqtt")
    metafunc.parametrize("broker", kinds, indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Expect the known failures, strictly: a broker that was mended makes the suite say so."""
    needless = [item for item in items if not all(form in item.name for _, form in _defects(item))]
    config.hook.pytest_deselected(items=needless)
    items[:] = [item for item in items if item not in needless]
    for item in items:
        known = [f"defect {number}" for number, _ in _defects(item)]
        known += [why for broker, why in (mark.args for mark in item.iter_markers("differs")) if broker == _kind(item)]
        for why in known:
            item.add_marker(pytest.mark.xfail(reason=why, raises=AssertionError, strict=True))


def _defects(item: pytest.Item) -> list[tuple[int, str]]:
    """Return the defects that make an item fail, and in which form: none but on plain amqtt."""
    return [mark.args for mark in item.iter_markers("defect")] if _kind(item) == "plain amqtt" else []


def _kind(item: pytest.Item) -> str | None:
    """Return the kind of broker that an item runs on."""
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    kind = parameters.get("broker")
    return kind if isinstance(kind, str) else None


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Run one of the brokers."""
    directory: Path = tmp_path_factory.mktemp(request.param.replace(" ", "-"))
    running = KINDS[request.param](directory)
    running.start()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def case(broker: Broker, request: pytest.FixtureRequest) -> Iterator[Case]:
    """Give a case its corner of the broker; and little patience, where it is expected to fail."""
    with corner(broker, _BRIEFLY_S if request.node.get_closest_marker("xfail") else WITHIN_S) as case:
        yield case
