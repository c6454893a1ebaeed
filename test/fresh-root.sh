#!/bin/sh
# Proves, in a Debian that has just been born, that `make deps` brings everything that `make build` and the tests need.
#
# Usage (root, mmdebstrap, about 1 GB and some minutes): test/fresh-root.sh [SUITE [GOAL ...]]
#   SUITE  trixie (default: its own Node 20 and npm 9 or later) or bookworm (which has Node 18: this machine's is copied in)
#   GOAL   what to make after deps; default `build`
# It installs nothing here. Network namespaces made by goals in there are those of this machine's kernel.
set -eu
suite=${1:-trixie}
[ $# -eq 0 ] || shift
goals=${*:-build}
source_tree=$(cd "$(dirname "$0")/.." && pwd)
fail() { echo "fresh-root: $*" >&2; exit 1; }
say() { echo "fresh-root: $*"; }

[ "$(id -u)" = 0 ] || fail "root is needed"
command -v mmdebstrap >/dev/null || fail "mmdebstrap is missing: apt-get install mmdebstrap"

root=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-root.XXXXXX")
leave() {
    for mount in proc sys/fs/cgroup sys run dev; do umount -R -l "$root/$mount" 2>/dev/null || true; done
    # Never through a mount that is still there.
    rm -rf --one-file-system "$root"
}
trap leave EXIT
trap 'exit 130' INT TERM

include=ca-certificates,git,make
case $suite in
trixie) include=$include,nodejs,npm ;;
esac
say "making a $suite root with $include"
mmdebstrap --quiet --variant=minbase --include="$include" --aptopt='APT::Install-Recommends "false"' "$suite" "$root"
# What this machine needs to reach its package sources, a root of its own needs too: the resolver and added authorities.
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
case $suite in
trixie) ;;
*)
    node=$(readlink -f "$(command -v node)")
    npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
    say "copying this machine's Node $(node --version) in"
    cp "$node" "$root/usr/local/bin/node"
    mkdir -p "$root/usr/local/lib/node_modules" "$root/usr/local/include"
    cp -a "$npm" "$root/usr/local/lib/node_modules/npm"
    ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
    headers=$(dirname "$(dirname "$node")")/include/node
    [ ! -d "$headers" ] || cp -a "$headers" "$root/usr/local/include/"
    ;;
esac
mkdir -p "$root/root/rollcall" "$root/run/netns"
git -C "$source_tree" archive HEAD | tar -x -C "$root/root/rollcall"
# A machine's own policy, which must be there again afterwards.
printf '#!/bin/sh\n# the machine'"'"'s own\nexit 0\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"

mount -t proc proc "$root/proc"
mount -t sysfs sys "$root/sys"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/dev"
inside() {
    chroot "$root" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt sh -ec "cd /root/rollcall; $*"
}
say "Node $(inside node --version), npm $(inside npm --version)"
inside make deps
grep -q "the machine's own" "$root/usr/sbin/policy-rc.d" || fail "policy-rc.d was not put back"
[ ! -e "$root/usr/sbin/policy-rc.d.kept-by-rollcall" ] || fail "the kept policy-rc.d was left behind"
# Whatever runs with this root as its own was started by a package.
for process in /proc/[0-9]*; do
    [ "$(readlink "$process/root" 2>/dev/null)" != "$root" ] || fail "$(tr '\0' ' ' <"$process/cmdline") was started"
done
say "the second time:"
inside make deps
inside 'node -e "require(\"pcap\"); require(\"koffi\"); console.log(\"pcap and koffi load\")"'
for goal in $goals; do
    say "make $goal"
    inside make "$goal"
done
say "passed on $suite"
