# Where the machine begins: its reset vector is the start of its read-only memory, 0x50000000.
    .section .reset, "ax"
    .globl _start
    .align 4
_start:
    j 1f
    .align 4
    .literal_position
1:
    movi a1, stack_top
    movi a0, begin
    callx0 a0

# simcall(number, a, b, c): ask the simulator. Numbers and arguments are in the registers where a function has them.
    .text
    .globl simcall
    .align 4
simcall:
    simcall
    ret
