#!/bin/sh
# Runs in the arm64 machine, as its first process' only child: the native tests, the parts that are loaded, the agent with both
# backends, and scenarios of the lab. Everything is in this folder; `scenarios` has the pattern of those to play,
# `slower` how much more patient than usual the rigs are.
#
# Ends by a line "arm64: exit CODE" on the console.
set -u
cd "$(dirname "$0")" || exit 1
ROLLCALL_LAB_SLOWER=$(cat slower)
export ROLLCALL_LAB_SLOWER ROLLCALL_VLANS_WANTED=1
failed=0
began=$(date +%s)

# What is done, and how long it took here: an emulated machine's time is no figure of anything else.
step() {
    name=$1
    shift
    start=$(date +%s)
    if "$@" >/tmp/step.log 2>&1; then verdict=ok; else verdict=FAILED failed=1; fi
    echo "arm64: $verdict: $name ($(($(date +%s) - start)) s)"
    [ "$verdict" = ok ] || sed 's/^/    /' /tmp/step.log
}

smoke() { node test/rigs/lab/smoke.mjs "$1"; }
loads() {
    found=$(stand-in/rollcall one 'two words') || return 1
    echo "$found"
    for wanted in '"lmdb":"stored"' '"pcap":"libpcap version' '"sessionTimeout":"27"' '"words":["one","two words"]'; do
        case $found in *"$wanted"*) ;; *) echo "it does not say $wanted"; return 1 ;; esac
    done
}

# Debian's packages here are unpacked and not configured, so dpkg knows of none.
installs() {
    dpkg --force-depends --install rollcall.deb && rollcall --version && ln -s /usr/lib/rollcall dist
}
purges() {
    dpkg --force-depends --purge rollcall || return 1
    for left in /usr/bin/rollcall /usr/lib/rollcall /etc/rollcall /var/lib/rollcall; do
        [ ! -e "$left" ] || { echo "$left is left"; return 1; }
    done
}

echo "arm64: Linux $(uname -r) on $(uname -m), Node $(node --version)"
# Addresses are laid out within what the sanitizer's shadow expects.
sysctl -qw vm.mmap_rnd_bits=24
for test in native/*_test; do step "native: $(basename "$test")" "$test"; done
step 'koffi, pcap, lmdb and the native library load' loads
step 'our package is installed by dpkg' installs
step 'the agent on the simulator, stopped and started again' smoke sim
step 'the agent on a bridge of this kernel, stopped and started again' smoke switchdev
node test/rigs/lab/play.mjs "$(cat scenarios)" || failed=1
step 'purge leaves nothing' purges
echo "arm64: exit $failed after $(($(date +%s) - began)) s"
