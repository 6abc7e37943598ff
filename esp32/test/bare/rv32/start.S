# Where the machine begins: with -bios none the boot code of `virt` jumps to the start of its memory.
    .section .reset, "ax"
    .globl _start
_start:
    la sp, stack_top
    call begin
