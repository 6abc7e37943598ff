#!/bin/sh
# Provisions many boards: an image of flash memory for each line of a CSV file.
#
#     many.sh boards.csv images [options of `talkstick device add`, such as --wifi shed]
#
# The first line of the file is a heading, each other MAC,NAME,OWNER, without quotes; NAME and OWNER may be empty. The
# password of the Wi-Fi is in TALKSTICK_WIFI_PASSWORD. A board that has an image is left alone, so run it again when a
# line was mended. It exits with 1 where a line failed; what is wrong was said.

usage() {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
    exit 2
}

[ $# -ge 2 ] && [ -r "$1" ] || usage >&2
list=$1 folder=$2
shift 2
mkdir -p "$folder" && chmod 700 "$folder" || exit 1

failed=0
first=yes
while IFS=, read -r mac name owner || [ -n "$mac" ]; do
    owner=$(printf %s "$owner" | tr -d '\r') name=$(printf %s "$name" | tr -d '\r') mac=$(printf %s "$mac" | tr -d '\r')
    if [ -n "$first" ] || [ -z "$mac" ]; then
        first=
        continue
    fi
    image=$folder/$(printf %s "$mac" | tr A-Z a-z | tr -cd a-z0-9).bin
    if [ -e "$image" ]; then
        echo "$mac: has an image already"
    elif talkstick device add "$mac" ${name:+--name "$name"} ${owner:+--owner "$owner"} --nvs "$image" "$@" \
        >/dev/null </dev/null; then
        echo "$mac: $image"
    else
        echo "$mac: failed" >&2
        failed=1
    fi
done <"$list"
exit $failed
