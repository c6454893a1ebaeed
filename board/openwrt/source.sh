#!/bin/sh
# Makes the archive that the package for OpenWrt is built from, rollcall-VERSION.tar.gz, and prints its path.
#
# Usage: board/openwrt/source.sh [-o FOLDER] [BUNDLE ...]     default: -o board/openwrt/rollcall linux-x64-musl linux-arm64-musl
# In it: the bundles, without what is compiled from source; libportauth's and pcap's sources; nan's headers. The same tree gives
# the same archive, octet for octet. Takes npm and its registry for what of another processor is not here yet (docs/targets.md).
set -eu
out=board/openwrt/rollcall
if [ "${1:-}" = -o ]; then
    out=$(cd "$2" && pwd)
    shift 2
fi
cd "$(dirname "$0")/../.."
version=$(node -p 'require("./package.json").version')
name=rollcall-$version
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

mkdir -p "$work/$name/native" "$work/none"
[ $# -gt 0 ] || set -- linux-x64-musl linux-arm64-musl
for bundle in "$@"; do
    if ! node board/bundle.mjs --target "$bundle" --partial --native "$work/none" --out "$work/$name/$bundle" >"$work/log" 2>&1; then
        cat "$work/log" >&2
        exit 1
    fi
done
cp -R LICENSE package.json "$work/$name/"
cp -R native/Makefile native/target.mk native/include native/src native/lock "$work/$name/native/"
for module in pcap nan; do
    mkdir -p "$work/$name/node_modules/$module"
    find "node_modules/$module" -maxdepth 1 \( -name '*.h' -o -name '*.cc' -o -iname 'license*' \) -exec cp {} "$work/$name/node_modules/$module/" \;
done
archive=$out/$name.tar.gz
tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${SOURCE_DATE_EPOCH:-0}" -cf - "$name" | gzip -9n >"$archive.part"
mv "$archive.part" "$archive"
echo "$archive"
