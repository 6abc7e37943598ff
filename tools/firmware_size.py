"""Tell what the core of the firmware takes on a chip, and hold it to its promises.

``python -m tools.firmware_size`` reads what ``make firmware`` has built for the bare machines. It prints a table of the
size of each part, in bytes, and exits with 1 if one of them is beyond esp32/budget.toml, or if the core needs anything
but what moves bytes, or keeps data of its own.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

HOUSE = Path(__file__).parents[1]
BUILT = HOUSE / "build" / "firmware"
BUDGET = HOUSE / "esp32" / "budget.toml"
TOOLS = {"rv32": "riscv64-unknown-elf-", "lx106": "xtensa-lx106-elf-"}

# Beside mem* and strlen: what gcc calls where the machine has no instruction for it, of integers only.
_NEEDED = re.compile(
    r"mem(chr|cmp|cpy|move|set)|strlen|__u?(div|mod|mul)[sd]i3|__(ashl|ashr|lshr)di3|__(clz|bswap)[sd]i2"
)
_MEASURED = "size_of_"


class Core(NamedTuple):
    """What the library is on one machine: bytes of code by file, of RAM by structure; and what it should not have."""

    code: dict[str, int]
    memory: dict[str, int]
    data: dict[str, int]
    foreign: list[str]

    def sizes(self) -> dict[str, int]:
        """Return what has a budget."""
        return {"code": sum(self.code.values())} | self.memory


def measure(machine: str) -> Core:
    """Look at what was built for *machine*."""
    library = BUILT / machine / "core" / "libtalkstick.a"
    structures = BUILT / machine / "test/bare/CMakeFiles/sizes.dir/sizes.c.obj"
    return read(
        _run(TOOLS[machine] + "size", library),
        _run(TOOLS[machine] + "nm", "-S", "--defined-only", structures),
        _run(TOOLS[machine] + "nm", library),
    )


def read(sections: str, structures: str, symbols: str) -> Core:
    """Return what the output of ``size``, of ``nm -S`` and of ``nm`` says."""
    rows = [line.split() for line in sections.splitlines()[1:]]
    code = {row[5].split(".")[0]: int(row[0]) for row in rows}
    data = {row[5]: int(row[1]) + int(row[2]) for row in rows if row[1:3] != ["0", "0"]}
    named = [line.split() for line in structures.splitlines() if _MEASURED in line]
    memory = {row[3].removeprefix(_MEASURED): int(row[1], 16) for row in named}
    kinds = [line.split()[-2:] for line in symbols.splitlines() if re.search(r" [A-Za-z] \S+$", line)]
    own = {name for kind, name in kinds if kind != "U"}
    foreign = {name for kind, name in kinds if kind == "U" and not _NEEDED.fullmatch(name)}
    return Core(code, memory, data, sorted(foreign - own))


def faults(machine: str, core: Core, budget: dict[str, int]) -> list[str]:
    """Return what is wrong with it, a sentence each."""
    sizes = core.sizes()
    return [
        *(
            f"{machine}: {name} takes {sizes[name]} bytes, of {most}"
            for name, most in budget.items()
            if sizes[name] > most
        ),
        *(f"{machine}: {name} has no budget" for name in sizes if name not in budget),
        *(f"{machine}: {name} keeps {size} bytes of data of its own" for name, size in core.data.items()),
        *(f"{machine}: the core needs {name}" for name in core.foreign),
    ]


def table(cores: dict[str, Core]) -> Iterable[str]:
    """Yield the lines of a table, in Markdown."""
    yield "| bytes | " + " | ".join(cores) + " |"
    yield "|---|" + "---:|" * len(cores)
    for part in sorted({part for core in cores.values() for part in core.code}):
        yield _row(f"`{part}.c`", [core.code[part] for core in cores.values()])
    for name in next(iter(cores.values())).sizes():
        title = "**code and constants**" if name == "code" else f"**RAM of a `{name}`**"
        yield _row(title, [core.sizes()[name] for core in cores.values()])


def _row(title: str, numbers: Sequence[int]) -> str:
    return f"| {title} | " + " | ".join(f"{number:,}" for number in numbers) + " |"


def _run(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main() -> int:
    """Print the table; return whether something is wrong."""
    budgets = tomllib.loads(BUDGET.read_text())
    cores = {machine: measure(machine) for machine in TOOLS}
    print(*table(cores), sep="\n")
    wrong = [fault for machine, core in cores.items() for fault in faults(machine, core, budgets[machine])]
    print(*wrong, sep="\n", file=sys.stderr, end="\n" if wrong else "")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
