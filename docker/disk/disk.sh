#!/bin/bash
# What brokerd has done to the disk of a broker: an ext4 file system in a sparse file on a loop device. Everything may be repeated.
#
# The file is in the volume at /disk, and /dev is the host's:
#   disk ensure LINK BYTES UID GID   makes or enlarges the file system, and attaches it so that LINK leads to its device
#   disk attach LINK                 attaches what is there
#   disk detach LINK                 takes it off its device
# Where the file system is mounted at /data:
#   disk fill BYTES                  leaves so much free space
#   disk drain                       undoes that
set -euo pipefail
umask 077

image=/disk/disk.img
# There while the file may be larger than the file system in it.
growing=/disk/growing
ballast=/data/.brokerd-ballast

# 3: somebody has to do something about the host.
unfit() { printf '%s\n' "$*" >&2; exit 3; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# The loop devices that the file is attached to: none or one.
attached() { losetup --noheadings --output NAME --associated "$image"; }

# Links to a device that led to another disk before would lead to this one.
forget_links_to() {
  local link
  for link in /dev/brokerd-*/*; do
    if [ -L "$link" ] && [ "$(readlink "$link")" = "$1" ] && [ "$link" != "$2" ]; then rm -f "$link"; fi
  done
}

attach() {
  local link=$1 device
  [ -e "$image" ] || die "the disk's file is not there: its volume was emptied or made anew"
  [ -c /dev/loop-control ] ||
    unfit "the host has no loop devices, which sized volumes need: load the kernel's module (modprobe loop), or set runtime.sized_volumes to false"
  device=$(attached)
  if [ -z "$device" ]; then device=$(losetup --find --show "$image"); fi
  forget_links_to "$device" "$link"
  # Another disk's detach may take the directory away in between.
  for _ in 1 2 3; do
    mkdir -p "${link%/*}"
    if ln -sfn "$device" "$link.new"; then break; fi
  done
  mv -fT "$link.new" "$link"
}

make() {
  local bytes=$1 owner=$2
  rm -f "$image.new"
  truncate -s "$bytes" "$image.new"
  # One inode for 64 KiB: both engines have few files, and large ones. Nobody's share is kept back.
  mkfs.ext4 -q -F -m 0 -i 65536 -e remount-ro -E "root_owner=$owner,lazy_itable_init=1,lazy_journal_init=1" "$image.new"
  mv "$image.new" "$image"
}

# Only while nobody uses it: what can't be done now is done the next time.
enlarge() {
  local bytes=$1 device status=0
  device=$(attached)
  if [ -z "$device" ]; then device=$(losetup --find --show "$image"); fi
  # 1: it has mended something; 8: among others, that it is in use.
  e2fsck -f -p "$device" >&2 || status=$?
  case $status in 0 | 1) ;; 8) return 0 ;; *) die "the file system is damaged: e2fsck ends with $status" ;; esac
  # A device does not notice that its file has grown.
  losetup --detach "$device"
  : >"$growing"
  if [ "$(stat -c %s "$image")" -lt "$bytes" ]; then truncate -s "$bytes" "$image"; fi
  e2fsck -f -p "$image" >&2 || [ $? = 1 ]
  resize2fs "$image" >&2
  rm "$growing"
}

ensure() {
  local link=$1 bytes=$2 owner=$3:$4
  if [ ! -e "$image" ]; then make "$bytes" "$owner"; fi
  if [ -e "$growing" ] || [ "$(stat -c %s "$image")" -lt "$bytes" ]; then enlarge "$bytes"; fi
  attach "$link"
}

detach() {
  local link=$1 device
  rm -f "$link" "$link.new"
  rmdir "${link%/*}" 2>/dev/null || true
  if [ -e "$image" ]; then
    for device in $(attached); do losetup --detach "$device"; done
  fi
}

free() { echo $(($(stat -f -c '%a * %S' /data))); }

fill() {
  local leave=$1 size
  if [ -e "$ballast" ]; then return; fi
  rm -f "$ballast.new"
  size=$(($(free) - leave))
  : >"$ballast.new"
  # What can't be had as a whole is taken as far as it goes, by both.
  if [ "$size" -gt 0 ]; then fallocate -l "$size" "$ballast.new" 2>/dev/null || true; fi
  if [ "$leave" = 0 ]; then dd if=/dev/zero bs=4096 oflag=append conv=notrunc of="$ballast.new" 2>/dev/null || true; fi
  [ "$(free)" -lt $((leave + 1048576)) ] || die "there are $(free) bytes left"
  mv "$ballast.new" "$ballast"
}

drain() { rm -f "$ballast" "$ballast.new"; }

case ${1:-} in
  ensure | attach | detach)
    exec 9>/disk/lock
    flock 9
    "$@"
    ;;
  fill | drain) "$@" ;;
  *) die "usage: disk ensure|attach|detach LINK …, disk fill BYTES, disk drain" ;;
esac
