#!/bin/sh
# Runs a command of this tree on another kernel: QEMU without KVM, this machine's own files as its root (read-only, changes
# go to memory), ten times slower than here or more. For what this machine's kernel lacks, VLAN filtering for one.
#
# Usage (root): test/other-kernel.sh KERNEL.deb COMMAND [ARGUMENT ...]
#   KERNEL.deb   a linux-image-*-amd64 package with 9p (not a "cloud" one), as `apt-get download` leaves it
#   COMMAND      run in the top folder of this tree, e.g. node_modules/.bin/vitest run --project lab test/lab/vlan.test.ts
# Needs qemu-system-x86_64, busybox (static), cpio, dpkg-deb, kmod, xz. The exit code is the command's, 2 if it did not get
# as far. Nothing is left behind.
set -eu
self=other-kernel
fail() { echo "$self: $*" >&2; exit 2; }
[ $# -ge 2 ] || { sed -n '5,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ "$(id -u)" = 0 ] || fail "it has to be root"
[ -f "$1" ] || fail "there is no kernel package '$1': \`apt-cache search linux-image\` lists them, \`apt-get download\` brings one"
for tool in qemu-system-x86_64 busybox cpio dpkg-deb modprobe depmod xz; do
    command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install qemu-system-x86 busybox-static cpio dpkg kmod xz-utils"
done
package=$(readlink -f "$1")
shift
tree=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=test/machine-console.sh
. "$tree/test/machine-console.sh"

dpkg-deb -x "$package" "$work/kernel" || fail "$package is no Debian package"
release=$(basename "$(echo "$work"/kernel/lib/modules/*)")
image=$work/kernel/boot/vmlinuz-$release
[ -f "$image" ] || fail "$package holds no kernel: it takes linux-image-VERSION-amd64, not the package that depends on it"
depmod -b "$work/kernel" "$release"

# What it takes to mount the root; everything else is loaded from there.
first=$work/first
mkdir -p "$first/bin" "$first/modules" "$first/lower" "$first/memory" "$first/root"
cp "$(command -v busybox)" "$first/bin/busybox"
modprobe -d "$work/kernel" -S "$release" --show-depends -a virtio_pci 9pnet_virtio 9p overlay >"$work/needed" ||
    fail "$release cannot mount this machine's files: it takes a kernel with 9p, not a cloud one"
sed -n 's/^insmod \([^ ]*\).*/\1/p' "$work/needed" | awk '!seen[$0]++' >"$work/order"
while read -r module; do
    name=$(basename "$module" .xz)
    case $module in *.xz) xz -dc "$module" ;; *) cat "$module" ;; esac >"$first/modules/$name"
    echo "$name" >>"$first/modules/order"
done <"$work/order"
cat >"$first/init" <<'INIT'
#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r name; do insmod "/modules/$name"; done </modules/order
mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,ro,cache=loose host /lower
mount -t tmpfs memory /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/lower,upperdir=/memory/upper,workdir=/memory/work overlay /root
mount --move /proc /root/proc
mount --move /sys /root/sys
mount --move /dev /root/dev
mkdir -p /root/dev/pts /root/dev/shm
mount -t devpts pts /root/dev/pts
mount -t tmpfs shm /root/dev/shm
mount -t tmpfs run /root/run
mount -t tmpfs tmp /root/var/tmp
exec switch_root /root /bin/sh "$(sed -n 's/.*rollcall=\([^ ]*\).*/\1/p' /root/proc/cmdline)"
INIT
chmod +x "$first/init" "$first/bin/busybox"
(cd "$first" && ln -s bin/busybox bin/sh 2>/dev/null || true; find . | cpio -o -H newc --quiet | gzip -1) >"$work/initramfs"

quoted=
for word in "$@"; do quoted="$quoted '$(printf %s "$word" | sed "s/'/'\\\\''/g")'"; done
# ROLLCALL_LAB_SLOWER stretches the lab's waits (test/rigs/lab/patience.ts).
cat >"$work/second" <<SECOND
export PATH=/usr/local/sbin:$PATH HOME=/root LANG=C.UTF-8 ROLLCALL_LAB_SLOWER=8
mkdir -p /lib/modules /run/netns
ln -sfn "$work/kernel/lib/modules/$release" "/lib/modules/$release"
date -s @$(date +%s) >/dev/null
ip link set lo up
echo "other-kernel: Linux \$(uname -r)"
cd "$tree"
# Through cat: what writes to a terminal draws on it.
{ $quoted; echo "other-kernel: exit \$?"; } 2>&1 | cat
echo o >/proc/sysrq-trigger
sleep 60
SECOND

# Without cmpxchg16b: QEMU 7.2 gets it wrong, and Linux 6.12 crashes in its allocator. Without what protects a kernel from
# strangers, which is of no use here and slow.
qemu-system-x86_64 -accel tcg,thread=multi -smp 2 -cpu max,-cx16 -m 4096 -nographic -no-reboot -nic none \
    -kernel "$image" -initrd "$work/initramfs" \
    -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
    -append "console=ttyS0 quiet panic=-1 sysrq_always_enabled mitigations=off init_on_alloc=0 no5lvl nosmap nosmep \
transparent_hugepage=always rollcall=$work/second" </dev/null >"$work/console" 2>&1 &
await_machine
exit "$code"
