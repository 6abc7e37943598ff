"""Which word may have been meant."""

from backend.core.nearest import nearest


def test_the_most_alike_comes_first() -> None:
    assert nearest("leas_s", ["idle_s", "lease_s", "leased"]) == ["lease_s"]
    assert nearest("es-mx", ["en-us", "es-m", "es-419", "es-mx2"], 2) == ["es-mx2", "es-m"]


def test_case_does_not_matter_and_a_word_is_told_as_it_is() -> None:
    assert nearest("LEASE_s", ["lease_s"]) == ["lease_s"]
    assert nearest("talkstick_prot", ["TALKSTICK_PORT"]) == ["TALKSTICK_PORT"]


def test_what_is_like_nothing_is_told_nothing() -> None:
    assert nearest("q", ["lease_s", "idle_s"]) == []
    assert nearest("lease_s", []) == []


def test_of_a_long_word_the_beginning_is_looked_at() -> None:
    assert nearest("lease_seconds" + "_" * 27 + "x" * 100_000, ["lease_seconds" + "_" * 27]) != []
