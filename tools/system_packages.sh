#!/bin/sh
# Install what the tests need from the system, where it is missing: Mosquitto, and what builds, runs and checks the
# firmware. With --missing only name the packages.
set -eu

# Debian keeps the broker in /usr/sbin, which is not on everybody's path.
PATH="$PATH:/usr/sbin:/usr/local/sbin"

# What has to be there, a command or a file, and Debian's package that brings it.
needed() {
    cat <<'END'
mosquitto                                               mosquitto
mosquitto_pub                                           mosquitto-clients
mosquitto_sub                                           mosquitto-clients
gcc                                                     gcc
g++                                                     g++
/usr/include/stdio.h                                    libc6-dev
cmake                                                   cmake
ninja                                                   ninja-build
pkg-config                                              pkg-config
/usr/include/mosquitto.h                                libmosquitto-dev
/usr/include/openssl/ssl.h                              libssl-dev
/usr/include/cmocka.h                                   libcmocka-dev
cppcheck                                                cppcheck
riscv64-unknown-elf-gcc                                 gcc-riscv64-unknown-elf
/usr/lib/picolibc/riscv64-unknown-elf/picolibc.specs    picolibc-riscv64-unknown-elf
xtensa-lx106-elf-gcc                                    gcc-xtensa-lx106
/usr/lib/xtensa-lx106-elf/picolibc.specs                picolibc-xtensa-lx106-elf
qemu-system-riscv32                                     qemu-system-misc
qemu-system-xtensa                                      qemu-system-misc
END
}

missing() {
    needed | while read -r thing package; do
        case $thing in
            /*) [ -e "$thing" ] ;;
            *) command -v "$thing" >/dev/null 2>&1 ;;
        esac || echo "$package"
    done | sort -u
}

packages=$(missing | tr '\n' ' ')
if [ "${1:-}" = --missing ]; then
    echo "$packages"
    exit 0
fi
[ -n "$packages" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "The tests need what Debian's packages bring: $packages" >&2
    echo "Install that (the broker: brew, dnf or pacman install mosquitto) and try again; or leave the firmware out:" >&2
    echo ".venv/bin/python -m pytest --ignore tests/firmware" >&2
    exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "As root: apt-get install $packages" >&2; exit 1; }
    as_root=sudo
fi
command -v mosquitto >/dev/null 2>&1 && was_here=yes || was_here=
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    # The package would start a service on port 1883, which is Talkstick's own.
    printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
    $as_root chmod +x $policy
    trap '$as_root rm -f $policy' EXIT
fi
$as_root apt-get update -qq
# shellcheck disable=SC2086  # one word for each package
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
if [ -z "$was_here" ] && [ -d /run/systemd/system ]; then
    $as_root systemctl disable --quiet mosquitto
fi
packages=$(missing | tr '\n' ' ')
[ -z "$packages" ] || { echo "Still missing, though installed: $packages" >&2; exit 1; }
