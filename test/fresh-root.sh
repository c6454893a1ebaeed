#!/bin/sh
# Proves, in a Debian that has just been born, that `make deps` brings everything that `make build` and the tests need.
#
# Usage (root, mmdebstrap, about 1 GB and some minutes): test/fresh-root.sh [SUITE [COMMAND ...]]
#   SUITE    trixie (default: its own Node 20 and npm) or bookworm (which has Node 18: this machine's Node is copied in)
#   COMMAND  what to run there after `make deps`, each a shell line; default `make build`
# It works on what is committed and installs nothing here. Mounts, processes and network namespaces are in namespaces of
# their own and end with it; the kernel is this machine's.
set -eu
fail() { echo "fresh-root: $*" >&2; exit 1; }
say() { echo "fresh-root: $*"; }

inside() {
    chroot "$root" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt sh -ec "cd /root/rollcall; $*"
}

# The second half: alone with its mounts and processes.
prove() {
    root=$1
    shift
    # Entering a network namespace needs a root that is a mount.
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount -t sysfs sys "$root/sys"
    mount --rbind /dev "$root/dev"
    say "Node $(inside node --version), npm $(inside npm --version)"
    inside make deps
    grep -q "the machine's own" "$root/usr/sbin/policy-rc.d" || fail "policy-rc.d was not put back"
    [ ! -e "$root/usr/sbin/policy-rc.d.kept-by-rollcall" ] || fail "the kept policy-rc.d was left behind"
    for process in "$root"/proc/[0-9]*; do
        case $(readlink "$process/root" 2>/dev/null) in
        "$root") fail "a package started $(tr '\0' ' ' <"$process/cmdline")" ;;
        esac
    done
    say "make deps a second time:"
    inside make deps
    inside 'node -e "require(\"pcap\"); require(\"koffi\"); console.log(\"pcap and koffi load\")"'
    for command in "$@"; do
        say "$command"
        inside "$command"
    done
}

if [ "${1:-}" = --prove ]; then
    shift
    prove "$@"
    exit 0
fi

suite=${1:-trixie}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- 'make build'
source_tree=$(cd "$(dirname "$0")/.." && pwd)
[ "$(id -u)" = 0 ] || fail "root is needed"
command -v mmdebstrap >/dev/null || fail "mmdebstrap is missing: apt-get install mmdebstrap"
root=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-root.XXXXXX")
trap 'rm -rf --one-file-system "$root"' EXIT
trap 'exit 130' INT TERM

include=ca-certificates,git,make
[ "$suite" != trixie ] || include=$include,nodejs,npm
say "making a $suite root with $include"
mmdebstrap --quiet --variant=minbase --include="$include" --aptopt='APT::Install-Recommends "false"' "$suite" "$root"
# What this machine needs to reach its package sources, a root of its own needs too: the resolver and added authorities.
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
if [ "$suite" != trixie ]; then
    node=$(readlink -f "$(command -v node)")
    npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
    say "copying this machine's Node $(node --version) in"
    cp "$node" "$root/usr/local/bin/node"
    mkdir -p "$root/usr/local/lib/node_modules" "$root/usr/local/include"
    cp -a "$npm" "$root/usr/local/lib/node_modules/npm"
    ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
    headers=$(dirname "$(dirname "$node")")/include/node
    [ ! -d "$headers" ] || cp -a "$headers" "$root/usr/local/include/"
fi
mkdir -p "$root/root/rollcall" "$root/run/netns"
git -C "$source_tree" archive HEAD | tar -x -C "$root/root/rollcall"
# A machine's own policy, which must be there again afterwards.
printf '#!/bin/sh\n# the machine'"'"'s own\nexit 0\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"

unshare --mount --propagation private --pid --fork --kill-child sh "$0" --prove "$root" "$@"
say "passed on $suite"
