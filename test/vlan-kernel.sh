#!/bin/sh
# Runs the native library's test against a kernel that filters VLANs, in QEMU without KVM: a bare initramfs with busybox,
# iproute2, the bridge's modules and build/switchdev_test, up in a few seconds. For a machine whose kernel
# has none. Needs a C compiler, qemu-system-x86_64, busybox (static), iproute2, cpio, dpkg-deb.
#   test/vlan-kernel.sh KERNEL.deb     a linux-image-*-cloud-amd64 package, as `apt-get download` leaves it
set -eu
[ $# -eq 1 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
kernel=$(readlink -f "$1")
native=$(cd "$(dirname "$0")/../native" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/modules"

dpkg-deb -x "$kernel" "$work/kernel"
for name in llc stp bridge veth 8021q garp mrp; do
    module=$(find "$work/kernel/lib/modules" -name "$name.ko*" | head -n 1)
    [ -n "$module" ] || continue
    cp "$module" "$root/modules/"
    case $module in *.xz) unxz "$root/modules/$name.ko.xz" ;; esac
done
# Not busybox's shell: it takes its own `ip` for the real one.
for program in "$(command -v ip)" "$(command -v bridge)" "$(command -v dash)"; do
    cp "$program" "$root/bin/"
    ldd "$program" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^[[:space:]]*\(\/lib[^ ]*ld-[^ ]*\).*/\1/p' | while read -r library; do
        mkdir -p "$root$(dirname "$library")"
        cp "$library" "$root$library"
    done
done
cp "$(command -v busybox)" "$root/bin/busybox"
ln -s dash "$root/bin/sh"
for tool in insmod mount poweroff cat uname; do ln -sf busybox "$root/bin/$tool"; done
cc -std=c11 -O1 -D_DEFAULT_SOURCE -D_POSIX_C_SOURCE=200809L -I"$native/include" -I"$native/src" -static -pthread \
    -o "$root/bin/switchdev_test" "$native"/test/switchdev_test.c "$native"/src/*.c

cat > "$root/init" <<'INIT'
#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for m in llc stp bridge veth garp mrp 8021q; do [ -e /modules/$m.ko ] && insmod /modules/$m.ko; done
echo "kernel $(uname -r)"
switchdev_test && echo VERDICT-PASSED
poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) > "$work/initramfs"
# Without cmpxchg16b: QEMU 7.2 gets it wrong, and Linux 6.12 crashes in its allocator.
timeout 120 qemu-system-x86_64 -accel tcg -cpu qemu64,-cx16 -m 256 -nographic -no-reboot -nic none \
    -kernel "$(find "$work/kernel/boot" -name 'vmlinuz-*')" -initrd "$work/initramfs" \
    -append 'console=ttyS0 quiet panic=-1' < /dev/null | tee "$work/console"
grep -q VERDICT-PASSED "$work/console" && ! grep -q 'left out\|does not filter' "$work/console"
