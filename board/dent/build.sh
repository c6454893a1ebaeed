#!/bin/sh
# Makes rollcall_VERSION_ARCH.deb out of a built bundle, with Debian's own tools (debhelper, dpkg-deb).
#
# Usage: board/dent/build.sh [--arch amd64|arm64] [--bundle FOLDER] [--out FOLDER] [--version VERSION]
#   --arch     default amd64; the bundle must be of it
#   --bundle   default dist-linux-x64-glibc or dist-linux-arm64-glibc: what `make bundle` made
#   --out      default dist-deb
#   --version  default that of package.json; a later one (0.1.0+1) for whoever tries an upgrade
# Promises: no root is needed; the same bundle makes the same octets (times are the changelog's, or SOURCE_DATE_EPOCH);
# prints the file's name, and nothing is left behind when it fails. What it needs is in board/deps.sh.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
fail() { echo "deb: $*" >&2; exit 1; }

arch=amd64 bundle='' out=$root/dist-deb version=''
while [ $# -gt 1 ]; do
    case $1 in
    --arch) arch=$2 ;;
    --bundle) bundle=$2 ;;
    --out) out=$2 ;;
    --version) version=$2 ;;
    *) fail "there is no option $1" ;;
    esac
    shift 2
done
[ $# -eq 0 ] || fail "$1 lacks a value"
case $arch in
amd64) bundle=${bundle:-$root/dist-linux-x64-glibc} ;;
arm64) bundle=${bundle:-$root/dist-linux-arm64-glibc} ;;
*) fail "there is no bundle for '$arch': it is amd64 or arm64" ;;
esac
[ -x "$bundle/rollcall" ] || fail "there is no bundle in $bundle: make deb ARCH=$arch"
command -v dh_builddeb >/dev/null || fail "debhelper is missing: apt-get install debhelper"

# The release's version and time are the changelog's first line's and last line's.
released=$(dpkg-parsechangelog -l "$here/debian/changelog" -S Version)
packaged=$(node -p 'require(process.argv[1]).version' "$bundle/package.json")
[ "$released" = "$packaged" ] || fail "board/dent/debian/changelog has version $released, the bundle $packaged"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(dpkg-parsechangelog -l "$here/debian/changelog" -S Timestamp)}
export SOURCE_DATE_EPOCH

# pcap's binding is for one major version of Node, the one that it was built with: this machine's.
major=$(node -p 'process.versions.node.split(".")[0]')
wanted=$(node -p 'require(process.argv[1]).engines.node.replace(/[^0-9.]/g, "")' "$root/package.json")
[ "$major" -le "${wanted%%.*}" ] || wanted=$major

work=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-deb.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
umask 022
cp -R "$here/debian" "$here/examples" "$work/"
cp "$here/lock-file.sh" "$work/lock-file"
# As the units have it.
echo rollcall >"$work/user"
cp "$here/rollcall.yaml" "$root/docs/rollcall.reference.yaml" "$work/"
mkdir "$work/bundle"
(cd "$bundle" && tar --exclude='*.js.map' -cf - .) | tar -xf - -C "$work/bundle"
node "$here/copyright.mjs" "$root/dist" "$bundle" >"$work/debian/copyright"
if [ -n "$version" ] && [ "$version" != "$released" ]; then
    {
        printf 'rollcall (%s) unstable; urgency=medium\n\n  * Built from what is not released yet.\n\n' "$version"
        printf ' -- Rollcall <rollcall@example.org>  %s\n\n' "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
        cat "$here/debian/changelog"
    } >"$work/debian/changelog"
fi

export NODE_DEPENDS="nodejs (>= $wanted), nodejs (<< $((major + 1)))"
(cd "$work" && dpkg-architecture -a "$arch" -c debian/rules binary) >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    fail "the package could not be built"
}
mkdir -p "$out"
name=rollcall_${version:-$released}_$arch.deb
mv "$work/parent/$name" "$out/$name" 2>/dev/null || fail "there is no $name: $(tail -n 3 "$work/log")"
echo "$out/$name"
