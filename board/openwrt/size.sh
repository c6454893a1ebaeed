#!/bin/sh
# Says what the package for OpenWrt takes on flash, beside Node: built and installed by its own Makefile, with this machine's compiler
# in place of the SDK's. The builds of koffi and lmdb are those for musl; libportauth and pcap's binding are this machine's, which
# differ by some kB.
#
# Usage: board/openwrt/size.sh      after board/openwrt/source.sh; x86_64. Takes mksquashfs, with OpenWrt's settings (xz, 256 kB).
# Fails if it is more than the goal.
set -eu
GOAL_KB=8192
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

node=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
for headers in "$node/include/node" /usr/include/node /usr/local/include/node /usr/include/nodejs/src; do
    [ ! -e "$headers/node.h" ] || break
done
if ! make -C rollcall TOPDIR="$PWD/sdk" INCLUDE_DIR="$PWD/sdk" DL_DIR=. BUILD_DIR="$work/build" DESTDIR="$work/root" NODE_HEADERS="$headers" install >"$work/log" 2>&1; then
    cat "$work/log" >&2
    exit 1
fi
kilobytes() { find "$@" -type f -exec cat {} + | wc -c | awk '{ printf "%d", ($1 + 1023) / 1024 }'; }
squashed() {
    mksquashfs "$1" "$work/image" -comp xz -b 256k -noappend -no-progress -all-root >/dev/null 2>&1
    size=$(wc -c <"$work/image")
    echo $(((size + 1023) / 1024))
}
cd "$work/root"
lib=usr/lib/rollcall
printf '%8s kB  %s\n' \
    "$(find $lib -maxdepth 1 -name '*.js' -exec cat {} + | wc -c | awk '{ printf "%d", ($1 + 1023) / 1024 }')" 'the agent, and the packages bundled with it' \
    "$(kilobytes $lib/libportauth.so $lib/rollcall-lock)" 'libportauth.so and rollcall-lock' \
    "$(kilobytes $lib/node_modules/koffi $lib/node_modules/@koromix)" 'koffi' \
    "$(kilobytes $lib/node_modules/lmdb $lib/node_modules/@lmdb $lib/node_modules/msgpackr $lib/node_modules/ordered-binary $lib/node_modules/weak-lru-cache $lib/node_modules/@harperfast)" 'lmdb, and what it needs' \
    "$(kilobytes $lib/node_modules/radius)" 'radius, with its dictionaries' \
    "$(kilobytes $lib/node_modules/pcap)" 'pcap' \
    "$(kilobytes etc lib)" 'init script, configuration and the like'
whole=$(kilobytes .)
printf '%8s kB  in all; goal: at most %s\n' "$whole" "$GOAL_KB"
printf '%8s kB  as squashfs (xz, 256 kB), as it is in an image\n' "$(squashed .)"
[ "$whole" -le "$GOAL_KB" ]
