#!/bin/sh
# Brings a Debian 12 or 13 machine that has only Node, npm and git to where `make build` and `make test` work.
#
# Usage: board/deps.sh [packages]      with `packages`, only Debian's packages are seen to.
# Promises: no service is started; apt is not called when nothing is missing; a policy-rc.d of the machine is put back
# as it was, whatever happens; no setting of the user's npm is needed. Bounds: needs root only to install packages.
set -eu
cd "$(dirname "$0")/.."

NODE_WANTED='20.12'

# Compiler and headers; then what the lab needs: namespaces and tables, peers, tools that look at them.
PACKAGES='ca-certificates gcc g++ make patch python3 libc6-dev linux-libc-dev libpcap-dev
iproute2 nftables iputils-ping procps util-linux openssl
dnsmasq-base isc-dhcp-client freeradius freeradius-utils radsecproxy wpasupplicant hostapd eapoltest mosquitto mosquitto-clients chrony tcpdump tshark arp-scan
chromium-headless-shell fonts-dejavu-core curl
debhelper lintian systemd
qemu-system-x86 qemu-utils mmdebstrap e2fsprogs zstd
musl-tools busybox-static shellcheck squashfs-tools'
# Peers that are daemons: those that this script brings are not left enabled for the next start of the machine.
DAEMONS='freeradius mosquitto hostapd radsecproxy chrony'

say() { echo "deps: $*"; }
fail() { echo "deps: $*" >&2; exit 1; }

check_node() {
    command -v node >/dev/null || fail "Node.js is missing; version $NODE_WANTED or later is needed"
    command -v npm >/dev/null || fail "npm is missing; it comes with Node.js, or as Debian's package npm"
    node -e 'const [a, b] = process.versions.node.split(".").map(Number); const [c, d] = process.argv[1].split(".").map(Number);
        process.exit(a > c || (a === c && b >= d) ? 0 : 1)' "$NODE_WANTED" ||
        fail "Node.js $(node --version) is too old; version $NODE_WANTED or later is needed"
}

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null | cut -c2)" = i ]; }

missing_packages() {
    for package in $PACKAGES; do
        is_installed "$package" || echo "$package"
    done
    # Debian's own Node keeps its headers in a package of their own.
    if is_installed nodejs && dpkg-query -W -f='${Source}${Maintainer}' nodejs | grep -qi debian && ! is_installed libnode-dev &&
        [ -z "$(headers_root)" ]; then
        echo libnode-dev
    fi
}

# A policy-rc.d that says "101: action forbidden" keeps invoke-rc.d and deb-systemd-invoke from starting anything.
POLICY=/usr/sbin/policy-rc.d
KEPT=$POLICY.kept-by-rollcall
forbid_services() {
    # One that is there already, left by a run that was killed outright, is the original.
    if [ -e "$POLICY" ] && [ ! -e "$KEPT" ]; then mv "$POLICY" "$KEPT"; fi
    trap 'allow_services' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    printf '#!/bin/sh\n# rollcall: board/deps.sh is at work\nexit 101\n' >"$POLICY"
    chmod 755 "$POLICY"
}
allow_services() {
    trap - EXIT HUP INT TERM
    rm -f "$POLICY"
    if [ -e "$KEPT" ]; then mv "$KEPT" "$POLICY"; fi
}

install_packages() {
    command -v dpkg-query >/dev/null || { say "not a Debian: packages are yours to install: $PACKAGES"; return 0; }
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    [ "$(id -u)" = 0 ] || fail "root is needed to install: $(echo $missing)"
    say "installing Debian packages: $(echo $missing)"
    log=$(mktemp)
    apt-get -q update >"$log" 2>&1 || { tail -n 5 "$log" >&2; say "the package lists could not be renewed; going on with those here"; }
    forbid_services
    # A release may lack one of them: what it has is installed, and the test that needs the rest will say so.
    known=''
    for package in $missing; do
        if apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [^(]'; then known="$known $package"; else say "this release has no package $package"; fi
    done
    if ! DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
        install --no-install-recommends $known >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        fail "apt-get could not install them (its whole output: $log)"
    fi
    allow_services
    rm -f "$log"
    for daemon in $DAEMONS; do
        case " $(echo $known) " in *" $daemon "*) systemctl --quiet disable "$daemon.service" >/dev/null 2>&1 || true ;; esac
    done
}

# Prints the root for node-gyp's --nodedir: the place whose include/node fits the Node that runs. Nothing if there is none,
# and then node-gyp fetches the headers by itself.
headers_root() {
    beside=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
    for root in "$beside" /usr /usr/local /usr/include/nodejs; do
        header=$root/include/node/node_version.h
        [ -e "$header" ] && [ -e "$root/include/node/common.gypi" ] || continue
        version=$(awk '/#define NODE_(MAJOR|MINOR|PATCH)_VERSION /{ printf "%s%s", sep, $3; sep = "." }' "$header")
        if [ "v$version" = "$(node --version)" ]; then
            echo "$root"
            return 0
        fi
    done
}

install_modules() {
    log=$(mktemp)
    # Install scripts are not run: koffi, lmdb and esbuild bring their binaries, and pcap is built below, once, patched.
    if ! npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier >"$log" 2>&1; then
        cat "$log" >&2
        fail "npm ci failed"
    fi
    for file in board/patches/*.patch; do
        name=$(basename "$file" .patch)
        module=node_modules/${name%-*}
        version=$(node -p 'require(process.argv[1]).version' "./$module/package.json")
        [ "$name" = "$(basename "$module")-$version" ] || fail "$file is not for $module $version"
        patch --quiet --forward --directory "$module" --strip 1 <"$file" >"$log" 2>&1 || { cat "$log" >&2; fail "$file does not apply"; }
    done
    root=$(headers_root)
    say "building pcap for Node $(node --version)${root:+ with the headers under $root}"
    # npm exec finds the node-gyp that npm carries, or Debian's; the argument wins over any setting of the user's.
    if ! (cd node_modules/pcap && npm exec -c "node-gyp rebuild --silent ${root:+--nodedir=$root}") >"$log" 2>&1; then
        cat "$log" >&2
        fail "node_modules/pcap could not be built"
    fi
    node -e 'require("pcap"); require("koffi"); require("lmdb")' || fail "a native module does not load"
    rm -f "$log"
}

[ "${1:-}" = packages ] || check_node
install_packages
[ "${1:-}" != packages ] || exit 0
install_modules
say "done"
