#!/bin/sh
# Proves that what is shipped for arm64 runs there: boots an arm64 machine (QEMU without KVM: Debian 13's kernel and packages),
# and in it runs the native tests under the sanitizers, loads koffi, pcap and lmdb, installs our package, starts the agent on the
# simulator and on a bridge, and plays scenarios of the lab with the real peers, VLANs among them.
#
# Usage (root): test/arm64.sh [PATTERN]      PATTERN: scenarios whose name has it; default: one of each kind. '' plays all
# ROLLCALL_LAB_SLOWER: how often longer than usual the rigs wait, and T is (default 8; more where others use the processors).
# Needs the package (`make deb ARCH=arm64`), what `make bundle TARGET=linux-arm64-glibc` needs, qemu-system-aarch64
# and mke2fs. The exit code is that of what failed there, 2 if it did not get as far. The machine's root is made once (test/arm64/root.sh); nothing else is left behind.
set -eu
self=arm64
fail() { echo "$self: $*" >&2; exit 2; }
began=$(date +%s)
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || fail "it has to be root"
for tool in qemu-system-aarch64 mke2fs aarch64-linux-gnu-g++ mmdebstrap; do
    command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install qemu-system-arm e2fsprogs g++-aarch64-linux-gnu mmdebstrap"
done
TARGET=linux-arm64-glibc
SOME='supplicant-logoff: out at once|^handshake-timeout|in by its MAC; out with its link|a VLAN of the server, by id and by name'
pattern=${1-$SOME}
package=dist-deb/rollcall_$(node -p 'require("./package.json").version')_arm64.deb
[ -f "$package" ] || fail "there is no $package: make deb ARCH=arm64"

root=$(sh test/arm64/root.sh)
# shellcheck source=test/machine-console.sh
. test/machine-console.sh

# What goes into it. The rigs of the lab look for dist/ and docs/ three folders above themselves; dist/ will be the package's.
payload=$work/payload
rigs=$payload/test/rigs/lab
mkdir -p "$payload/native" "$payload/docs" "$rigs"
make -s -C native TARGET=$TARGET all tests >&2
cp native/build/$TARGET/*_test "$payload/native/"
cp "$package" "$payload/rollcall.deb"
node board/bundle.mjs --target $TARGET --out "$payload/stand-in" --entry test/rigs/bundle-stand-in.ts >/dev/null
for program in play smoke; do
    node_modules/.bin/esbuild "test/arm64/$program.ts" --bundle --platform=node --target=node20 --format=esm --outfile="$rigs/$program.mjs" \
        --banner:js='import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' --log-level=warning
done
cp docs/asyncapi.yaml "$payload/docs/"
cp test/arm64/main.sh "$payload/"
echo "$pattern" >"$payload/scenarios"
echo "${ROLLCALL_LAB_SLOWER:-8}" >"$payload/slower"
mke2fs -q -t ext4 -O '^has_journal' -d "$payload" "$work/payload.ext4" 256M >"$work/log" || { cat "$work/log" >&2; fail "the payload could not be packed"; }

# Cortex-A72: `max` has pointer authentication, which is slow to emulate. The disks stay as they are: what is written is forgotten.
echo "arm64: booting after $(($(date +%s) - began)) s"
qemu-system-aarch64 -machine virt -cpu cortex-a72 -accel tcg,thread=multi -smp 2 -m 2048 -nographic -no-reboot -nic none \
    -kernel "$root/vmlinuz" -append 'console=ttyAMA0 root=/dev/nvme0n1 rw quiet panic=-1 mitigations=off init=/sbin/init' \
    -drive "file=$root/root.ext4,format=raw,if=none,id=root,snapshot=on" -device nvme,drive=root,serial=root \
    -drive "file=$work/payload.ext4,format=raw,if=virtio,snapshot=on" \
    </dev/null >"$work/console" 2>&1 &
await_machine
echo "arm64: the whole took $(($(date +%s) - began)) s"
exit "$code"
