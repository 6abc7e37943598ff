#!/bin/sh
# Install what the tests need from the system: Mosquitto, the broker, and its command-line clients.
set -eu

mosquitto_is_here() {
    # Debian keeps the broker in /usr/sbin, which is not on everybody's path.
    PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v mosquitto >/dev/null 2>&1
}

command -v mosquitto_pub >/dev/null 2>&1 && command -v mosquitto_sub >/dev/null 2>&1 && mosquitto_is_here && exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "The tests need mosquitto, mosquitto_pub and mosquitto_sub. Install them (macOS: brew install mosquitto;" >&2
    echo "Fedora: dnf install mosquitto; Arch: pacman -S mosquitto) and try again." >&2
    exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "As root: apt-get install mosquitto mosquitto-clients" >&2; exit 1; }
    as_root=sudo
fi
mosquitto_is_here && was_here=yes || was_here=
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    # The package would start a service on port 1883, which is Talkstick's own.
    printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
    $as_root chmod +x $policy
    trap '$as_root rm -f $policy' EXIT
fi
$as_root apt-get update -qq
$as_root apt-get install -y -qq --no-install-recommends mosquitto mosquitto-clients
if [ -z "$was_here" ] && [ -d /run/systemd/system ]; then
    $as_root systemctl disable --quiet mosquitto
fi
