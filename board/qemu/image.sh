#!/bin/sh
# Makes the disk and the kernel of a bootable switch, or finds them where they were made before.
#
# Usage (root): board/qemu/image.sh PACKAGE.deb        prints the folder that holds `kernel` and `disk` (ext4, raw)
#   PACKAGE.deb        Rollcall's own, for amd64 (`make deb`)
#   ROLLCALL_QEMU_CACHE   where both halves are kept (default: cache/ beside this script)
# Debian's part is made once for each list of packages (a minute, needs Debian's archive), the switch once for each .deb
# and each change here (some seconds). Promises: no mount, nothing started, nothing left behind but the cache; two that run
# at the same time wait for each other; what is half made is never found.
set -eu
fail() { echo "qemu image: $*" >&2; exit 1; }
say() { echo "qemu image: $*" >&2; }
[ $# = 1 ] || { sed -n '4,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ -f "$1" ] || fail "there is no package '$1': \`make deb\` makes it"
[ "$(id -u)" = 0 ] || fail "root is needed"
package=$(readlink -f "$1")
here=$(cd "$(dirname "$0")" && pwd)
cache=${ROLLCALL_QEMU_CACHE:-$here/cache}
mkdir -p "$cache"
for tool in mmdebstrap mke2fs flock sha256sum zstd; do
    command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install mmdebstrap e2fsprogs util-linux zstd"
done

SUITE=trixie
KEPT=3
packages=$(sed 's/#.*//' "$here/packages" | xargs | tr ' ' ',')

digest() { sha256sum | cut -c1-16; }
# Of what is inside, whatever the names of the folders above it.
contents() { (cd "$1" && find . -type f -exec sha256sum {} + -o -type l -printf '%p %l\n' | sort); }
base=base-$( { echo "$SUITE $packages"; sed -n '/^make_base()/,/^}/p' "$0"; } | digest)
image=switch-$( { echo "$base"; cat "$0" "$package"; contents "$here/root"; } | digest)

# Documents and translations are not for a switch. The kernel mounts its root by itself (its NVMe and ext4 are no modules), so
# that there is no initramfs to be made, or to be waited for.
make_base() {
    INITRD=No mmdebstrap --quiet --variant=minbase --include="$packages" --aptopt='APT::Install-Recommends "false"' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' "$SUITE" "$1"
}

# What a boot waits for, and what a switch without a screen, a mail, a TPM or an update by itself has no use for. Under TCG each
# unit costs a tenth of a second, each generator a third.
MASKED='apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer systemd-tmpfiles-clean.timer
e2scrub_reap.service ldconfig.service getty.target systemd-update-utmp.service systemd-update-utmp-runlevel.service
systemd-hwdb-update.service systemd-journal-catalog-update.service systemd-update-done.service systemd-firstboot.service
systemd-logind.service systemd-user-sessions.service systemd-binfmt.service systemd-sysusers.service systemd-random-seed.service
systemd-boot-random-seed.service systemd-pstore.service systemd-remount-fs.service systemd-journal-flush.service
systemd-network-generator.service systemd-udev-load-credentials.service systemd-hibernate-clear.service
systemd-tmpfiles-setup-dev.service systemd-tmpfiles-setup-dev-early.service kmod-static-nodes.service
systemd-ask-password-console.path systemd-ask-password-wall.path remote-fs.target swap.target
systemd-creds.socket systemd-initctl.socket systemd-hostnamed.socket systemd-sysext.socket systemd-pcrextend.socket
systemd-pcrlock.socket systemd-tpm2-setup.service systemd-tpm2-setup-early.service
dev-hugepages.mount dev-mqueue.mount run-lock.mount tmp.mount sys-kernel-debug.mount sys-kernel-tracing.mount
sys-kernel-config.mount sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount
modprobe@configfs.service modprobe@drm.service modprobe@fuse.service modprobe@efi_pstore.service modprobe@dm_mod.service
modprobe@loop.service'
# Rules of udev that a network card, a disk and a serial line do without.
RULES='60-autosuspend 60-cdrom_id 60-dmi-id 60-drm 60-evdev 60-fido-id 60-infiniband 60-input-id 60-persistent-alsa
60-persistent-input 60-persistent-storage-mtd 60-persistent-storage-tape 60-persistent-storage 60-persistent-v4l 60-sensor
60-serial 64-btrfs 70-camera 70-joystick 70-memory 70-mouse 70-power-switch 70-touchpad 70-uaccess 71-seat 73-seat-late
73-special-net-names 75-net-description 75-probe_mtd 78-sound-card 81-net-dhcp 90-iocost'

# Interface n of the machine has 02:52:00:00:00:<n> (test/rigs/qemu/machine.ts): what it is called.
name_interfaces() {
    folder=$1/etc/systemd/network
    for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
        printf '[Match]\nMACAddress=02:52:00:00:00:%02x\n[Link]\nName=lan%d\n' "$n" "$n" >"$folder/10-lan$n.link"
    done
    printf '[Match]\nMACAddress=02:52:00:00:00:fd\n[Link]\nName=mgmt0\n' >"$folder/10-mgmt0.link"
    printf '[Match]\nMACAddress=02:52:00:00:00:fe\n[Link]\nName=up0\n' >"$folder/10-up0.link"
}

# The ELF image inside a bzImage (Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length): QEMU starts it
# without the seconds that an emulated processor takes to unpack it.
unpack_kernel() {
    number() { od -An -t u"$2" -j "$1" -N "$2" "$3" | tr -d ' '; }
    start=$((($(number 497 1 "$1") + 1) * 512 + $(number 584 4 "$1")))
    length=$(($(number 588 4 "$1") - 4)) # its last four octets are the size of what is packed
    tail -c +$((start + 1)) "$1" | head -c "$length" | zstd -qdc >"$2" || fail "the kernel cannot be unpacked"
}

make_image() {
    root=$1/root
    mkdir "$root"
    tar -x -C "$root" -f "$cache/$base.tar"
    cp -a "$here/root/." "$root/"
    name_interfaces "$root"
    cp "$package" "$root/rollcall.deb"
    # Nothing is started: there is no systemd there to be told.
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
        dpkg --install --force-confold /rollcall.deb >"$1/log" 2>&1 || { tail -n 20 "$1/log" >&2; fail "the package does not install"; }
    rm "$root/rollcall.deb"
    mkdir -p "$root/etc/systemd/system-generators" "$root/etc/udev/rules.d"
    for unit in $MASKED; do ln -sfn /dev/null "$root/etc/systemd/system/$unit"; done
    for rules in $RULES; do ln -sfn /dev/null "$root/etc/udev/rules.d/$rules.rules"; done
    for generator in "$root"/usr/lib/systemd/system-generators/*; do
        ln -s /dev/null "$root/etc/systemd/system-generators/$(basename "$generator")"
    done
    chroot "$root" env SYSTEMD_IN_CHROOT=1 systemctl --quiet enable bridge.service console.service qemu-guest-agent.service rollcall.service
    chroot "$root" env SYSTEMD_IN_CHROOT=1 systemctl --quiet disable systemd-timesyncd.service systemd-networkd.service 2>/dev/null
    chroot "$root" passwd --quiet --delete root
    echo sw1 >"$root/etc/hostname"
    : >"$root/etc/fstab"
    rm -f "$root/etc/resolv.conf" "$root"/var/cache/apt/*.bin
    # A machine that has an identity is not on its first boot, which would set all units to their defaults.
    echo 726f6c6c63616c6c2d7177656d752d31 >"$root/etc/machine-id"
    unpack_kernel "$root"/boot/vmlinuz-* "$1/kernel"
    rm -f "$root"/boot/*
    mke2fs -q -t ext4 -L rollcall -E root_owner=0:0 -d "$root" "$1/disk" 1G >/dev/null
    rm -rf "$root" "$1/log"
}

exec 9>"$cache/lock"
flock 9
work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
if [ ! -f "$cache/$base.tar" ]; then
    say "making $base: Debian $SUITE with $packages"
    make_base "$work/base.tar" || fail "mmdebstrap could not make it"
    rm -f "$cache"/base-*.tar
    mv "$work/base.tar" "$cache/$base.tar"
fi
if [ ! -d "$cache/$image" ]; then
    say "making $image: $(basename "$package")"
    mkdir "$work/image"
    make_image "$work/image"
    mv "$work/image" "$cache/$image"
fi
touch "$cache/$image"
# The oldest go; one that runs keeps its disk, which it has open.
find "$cache" -maxdepth 1 -name 'switch-*' -printf '%T@ %p\n' | sort -rn | tail -n "+$((KEPT + 1))" | cut -d' ' -f2- | xargs -r rm -rf
echo "$cache/$image"
