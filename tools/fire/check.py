"""Judge a history by what was heard, knowing nothing of the server: ``python -m tools.fire.check history.jsonl``."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from tools.fire import answers, rules
from tools.fire.history import Record, read
from tools.fire.proof import Violation, gather

RULES = (*rules.RULES, *answers.RULES)

_SHOWN = 50


def check(records: Iterable[Record]) -> list[Violation]:
    """Return what was broken, floor by floor."""
    _, floors = gather(records)
    return [violation for floor in floors for rule in RULES for violation in rule(floor)]


def told(violations: Sequence[Violation]) -> str:
    """Return what was broken, in words: how often each rule was, and where."""
    if not violations:
        return f"{len(RULES)} rules, no violations."
    counted = Counter(violation.rule for violation in violations)
    lines = [f"{len(violations)} violations: " + ", ".join(f"{rule} {count}" for rule, count in counted.items())]
    return "\n".join([*lines, *map(str, violations[:_SHOWN])])


@click.command()
@click.argument("history", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def main(history: Path) -> None:
    """Judge a history; fail where a promise was broken."""
    violations = check(read(history))
    click.echo(told(violations))
    if violations:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
