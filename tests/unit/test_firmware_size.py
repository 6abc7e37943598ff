"""What the tools of a compiler say about the core is read, and held against the budget."""

from tools.firmware_size import Core, faults, read, table

SECTIONS = """\
   text\t   data\t    bss\t    dec\t    hex\tfilename
   1002\t      0\t      0\t   1002\t    3ea\tbadge.c.obj (ex core/libtalkstick.a)
    500\t      4\t      8\t    512\t    200\ttext.c.obj (ex core/libtalkstick.a)
"""
STRUCTURES = "00000000 00001274 R size_of_ts_device\n"
SYMBOLS = """\

badge.c.obj:
00000000 T ts_badge
         U ts_text
         U memcpy
         U __udivdi3

text.c.obj:
00000000 T ts_text
         U malloc
         U __adddf3
"""
GOOD = Core({"badge": 1000}, {"ts_device": 4000}, {}, [])


def test_what_the_tools_print_is_read() -> None:
    core = read(SECTIONS, STRUCTURES, SYMBOLS)
    assert core.code == {"badge": 1002, "text": 500}
    assert core.memory == {"ts_device": 0x1274}
    assert core.data == {"text.c.obj": 12}
    assert core.foreign == ["__adddf3", "malloc"]  # floating point is foreign, too


def test_what_is_within_its_budget_has_no_fault() -> None:
    assert faults("rv32", GOOD, {"code": 1000, "ts_device": 4000}) == []


def test_what_is_beyond_it_has_or_without_one() -> None:
    assert faults("rv32", GOOD, {"code": 999}) == [
        "rv32: code takes 1000 bytes, of 999",
        "rv32: ts_device has no budget",
    ]


def test_a_core_that_keeps_or_needs_something_is_at_fault() -> None:
    core = GOOD._replace(data={"text.c.obj": 12}, foreign=["malloc"])
    assert faults("rv32", core, {"code": 1000, "ts_device": 4000}) == [
        "rv32: text.c.obj keeps 12 bytes of data of its own",
        "rv32: the core needs malloc",
    ]


def test_the_table_has_a_column_for_each_machine() -> None:
    assert list(table({"rv32": GOOD, "lx106": GOOD._replace(code={"badge": 900})})) == [
        "| bytes | rv32 | lx106 |",
        "|---|---:|---:|",
        "| `badge.c` | 1,000 | 900 |",
        "| **code and constants** | 1,000 | 900 |",
        "| **RAM of a `ts_device`** | 4,000 | 4,000 |",
    ]
