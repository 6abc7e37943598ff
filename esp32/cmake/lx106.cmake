# Xtensa without register windows, compiled by Debian's gcc and run by QEMU's machine `sim`. The cores of ESP32 and
# ESP32-S3 have windows, and Debian no compiler for them; instructions, data types and alignment are the same.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR lx106)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

set(CMAKE_C_COMPILER xtensa-lx106-elf-gcc)
set(CMAKE_ASM_COMPILER xtensa-lx106-elf-gcc)
set(CMAKE_C_FLAGS_INIT "-mtext-section-literals --specs=/usr/lib/xtensa-lx106-elf/picolibc.specs")
set(CMAKE_ASM_FLAGS_INIT "-mtext-section-literals")

set(CMAKE_CROSSCOMPILING_EMULATOR
    qemu-system-xtensa -M sim -cpu lx106 -semihosting -nographic -monitor none -serial none -kernel)
set(BARE_ORIGIN 0x50000000)
