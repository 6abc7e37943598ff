"""What the measuring tools make of their figures."""

from dataclasses import replace
from pathlib import Path

import pytest

from tools.broker_bench import QUICK, Bar, bars, rows, table
from tools.crowd import Seen
from tools.load import medians
from tools.soak import Line, report, slope


def line(minute: float, resident: int) -> Line:
    return Line(minute, resident, 30, 2, 1.0, 10, 0, 1, 1.0, 2.0, 0, 0)


def test_a_slope_is_told_in_kib_an_hour() -> None:
    assert slope([line(minute, 1000 + 3 * minute) for minute in range(10)]) == pytest.approx(180)


@pytest.mark.parametrize(("each_minute", "verdict"), [(0, ": flat"), (30, ": flat"), (40, ": NOT flat")])
def test_memory_is_flat_or_not(each_minute: int, verdict: str, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("all is well\n")
    lines = [line(minute, 5000 * min(minute, 20) + each_minute * minute) for minute in range(1, 41)]
    assert verdict in report(lines, Seen(), log)


def test_a_short_soak_tells_nothing(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("Traceback (most recent call last):\n")
    told = report([line(1, 1000), line(2, 9000)], Seen(), log)
    assert "Too short" in told
    assert "error: 1" in told


@pytest.mark.parametrize(
    ("bar", "verdict"),
    [
        (Bar("memory", "KiB", 32.0), "met"),
        (Bar("memory", "KiB", 31.0), "NOT MET"),
        (Bar("ratio", "KiB", 0.5, "all"), "met"),
        (Bar("ratio", "KiB", 0.4, "all"), "NOT MET"),
        (Bar("ratio", "KiB", 0.5, "all", at_least=True), "met"),
        (Bar("ratio", "KiB", 0.6, "all", at_least=True), "NOT MET"),
        (Bar("ratio", "KiB", 0.6, "nothing"), "not measured"),
    ],
)
def test_a_bar_is_met_or_not(bar: Bar, verdict: str) -> None:
    assert bar.judge({"KiB": 32.0, "all": 64.0}).endswith(f": {verdict}")


def test_each_figure_of_a_bar_is_in_the_table() -> None:
    keys = {row.key for row in rows(QUICK)}
    assert {key for bar in bars(QUICK) for key in (bar.key, bar.to) if key} <= keys


def test_a_table_has_both_numbers_and_tells_whose_limit_they_are() -> None:
    busy = {"qos0": 41234.0, "qos0 client": 1.5}
    told = table({"embedded": {"qos0": 1234.5, "qos0 client": 0.4}, "Mosquitto": busy}, replace(QUICK, connections=()))
    assert "| QoS 0, one to one, 100 B (messages/s) | 1,234 | 41,234* |" in told


def test_medians_of_what_was_measured() -> None:
    assert medians([{"a": 1.0}, {"a": 5.0, "b": 7.0}, {"a": 2.0}, {}]) == {"a": 2.0, "b": 7.0}
