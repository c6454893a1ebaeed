#!/bin/sh
# Makes the root of an arm64 machine: Debian 13's packages, unpacked and not configured (none of their scripts is run, so that
# it takes no arm64 processor), in an ext4 image, and its kernel beside it.
#
# Usage (root): test/arm64/root.sh      prints the folder: .cache/arm64/HASH/ with root.ext4 and vmlinuz
# HASH is that of this file: what is in it decides what is in the image. Made once, in a minute; other folders there are of older
# versions of this file, and removed. Needs mmdebstrap, mke2fs, and the network.
set -eu
fail() { echo "arm64: $*" >&2; exit 1; }

# The kernel for virtual machines has ext4, PCI and NVMe built in, and all of bridge, VLANs and nftables as modules.
KERNEL=linux-image-cloud-arm64
# A system that starts without an init of its own; what our package's scripts call; what the agent needs; its peers, as test/rigs/lab/ starts them.
PACKAGES="base-files,base-passwd,busybox-static,coreutils,dash,bash,grep,sed,mawk,util-linux,mount,procps,kmod
dpkg,tar,diffutils,libc-bin,perl-base,init-system-helpers,systemd
nodejs,libpcap0.8t64,iproute2,nftables
freeradius,freeradius-utils,mosquitto,mosquitto-clients,wpasupplicant,hostapd,iputils-ping,openssl,python3-minimal,tcpdump"

cache=$(cd "$(dirname "$0")/../.." && pwd)/.cache/arm64
folder=$cache/$(sha256sum "$0" | cut -c1-16)
if [ -e "$folder/vmlinuz" ]; then echo "$folder"; exit 0; fi
for tool in mmdebstrap mke2fs depmod; do
    command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install mmdebstrap e2fsprogs kmod"
done
[ "$(id -u)" = 0 ] || fail "root is needed: the image's files are root's"

mkdir -p "$cache"
part=$(mktemp -d "$cache/part-XXXXXX")
trap 'rm -rf --one-file-system "$part"' EXIT
trap 'exit 130' INT TERM
root=$part/root
include=$(echo "$PACKAGES" | tr '\n' ',')$KERNEL
mmdebstrap --quiet --variant=extract --architectures=arm64 --include="$include" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    trixie "$root" >"$part/log" 2>&1 || { tail -n 20 "$part/log" >&2; fail "Debian's packages could not be brought"; }

# What the scripts of the packages would have done, as far as it is needed.
for name in bin sbin lib; do
    [ -e "$root/$name" ] || ln -s "usr/$name" "$root/$name"
done
cat >"$root/sbin/init" <<'INIT'
#!/bin/sh
# The first process: what is to be done is on the second disk.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sys /sys
mountpoint -q /dev || mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
for folder in /dev/shm /run /tmp /var/tmp; do mount -t tmpfs tmpfs "$folder"; done
modprobe virtio_blk
mount /dev/vda /payload
ip link set lo up
sh /payload/main.sh
sync
echo o >/proc/sysrq-trigger
sleep 60
INIT
chmod 755 "$root/sbin/init"
mkdir -p "$root/proc" "$root/sys" "$root/dev" "$root/run" "$root/root" "$root/payload" "$root/tmp" "$root/var/tmp"
# dpkg knows of none of them: it is told to install our package all the same.
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/triggers"
touch "$root/var/lib/dpkg/status" "$root/var/lib/dpkg/available"
cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
printf 'passwd: files\ngroup: files\nhosts: files\n' >"$root/etc/nsswitch.conf"
[ -e "$root/usr/bin/awk" ] || ln -s mawk "$root/usr/bin/awk"
release=$(basename "$root"/usr/lib/modules/*)
depmod -b "$root" "$release"
mv "$root/boot/vmlinuz-$release" "$part/vmlinuz"
rm -rf "${root:?}/boot" "$root/usr/share/doc" "$root/usr/share/man" "$root/usr/share/locale"

mke2fs -q -t ext4 -O '^has_journal' -m 0 -d "$root" "$part/root.ext4" 1200M >"$part/log"
rm -rf "$root" "$part/log"
for old in "$cache"/*; do
    case $old in "$cache"/part-*) ;; *) rm -rf "$old" ;; esac
done
mv "$part" "$folder"
chmod 755 "$folder"
trap - EXIT
echo "$folder"
