#!/bin/sh
# Brings what the compiler of another machine needs of that machine's libraries: Debian's packages, unpacked into a folder
# of their own. Nothing is installed, and dpkg hears of no other architecture.
#
# Usage: board/sysroot.sh TARGET      linux-arm64-glibc (libpcap), linux-x64-musl or linux-arm64-musl (musl)
# Leaves .cache/sysroot/TARGET/ and a file `made` beside its folders; does nothing if that is there. Takes mmdebstrap, about
# 5 seconds, and the network.
# Debian 12, so that what is linked against it runs on 12 and later.
set -eu
fail() { echo "sysroot: $*" >&2; exit 1; }

case ${1:-} in
linux-arm64-glibc) architecture=arm64 packages=libpcap0.8-dev ;;
linux-arm64-musl) architecture=arm64 packages=musl-dev,linux-libc-dev ;;
linux-x64-musl) architecture=amd64 packages=musl-dev,linux-libc-dev ;;
*) fail "there is nothing to bring for '${1:-}': it is one of linux-arm64-glibc, linux-x64-musl, linux-arm64-musl" ;;
esac
root=$(cd "$(dirname "$0")/.." && pwd)/.cache/sysroot/$1
[ ! -e "$root/made" ] || exit 0
command -v mmdebstrap >/dev/null || fail "mmdebstrap is missing: apt-get install mmdebstrap"

mkdir -p "$(dirname "$root")"
part=$(mktemp -d "$root.part-XXXXXX")
log=$part.log
trap 'rm -rf "$part" "$log"' EXIT
trap 'exit 130' INT TERM
mmdebstrap --quiet --variant=extract --architectures="$architecture" --include="$packages" bookworm "$part" >"$log" 2>&1 ||
    { tail -n 20 "$log" >&2; fail "Debian's packages $packages for $architecture could not be brought"; }
touch "$part/made"
chmod 755 "$part"
rm -rf "$root"
mv "$part" "$root"
