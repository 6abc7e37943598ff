#!/bin/sh
# Install what the tests need from the system: mosquitto's command-line clients.
set -eu
command -v mosquitto_pub >/dev/null 2>&1 && command -v mosquitto_sub >/dev/null 2>&1 && exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "The tests need mosquitto_pub and mosquitto_sub. Install them (macOS: brew install mosquitto;" >&2
    echo "Fedora: dnf install mosquitto; Arch: pacman -S mosquitto) and try again." >&2
    exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "As root: apt-get install mosquitto-clients" >&2; exit 1; }
    as_root=sudo
fi
$as_root apt-get update -qq
$as_root apt-get install -y -qq --no-install-recommends mosquitto-clients
