# The instruction set of the ESP32-C3, compiled by Debian's gcc and run by QEMU's machine `virt`.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR rv32)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

set(CMAKE_C_COMPILER riscv64-unknown-elf-gcc)
set(CMAKE_ASM_COMPILER riscv64-unknown-elf-gcc)
set(CMAKE_C_FLAGS_INIT "-march=rv32imc -mabi=ilp32 --specs=picolibc.specs")
set(CMAKE_ASM_FLAGS_INIT "-march=rv32imc -mabi=ilp32")

set(CMAKE_CROSSCOMPILING_EMULATOR
    qemu-system-riscv32 -machine virt -cpu rv32,a=false,f=false,d=false -bios none -nographic -monitor none -kernel)
set(BARE_ORIGIN 0x80000000)
