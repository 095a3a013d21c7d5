#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# pack-initramfs.sh BUSYBOX ROOTFS STAGE OUT [LISTER]: make the base initramfs, an uncompressed newc archive.
# In:   BUSYBOX, the static binary. LISTER, the same BusyBox for this machine, prints the list of its links; without
#       it, BUSYBOX does. ROOTFS, laid out as the guest sees it. SOURCE_DATE_EPOCH, the time of every entry.
# Out:  OUT; its last entry is /.ktbox/base.complete, by which /init knows that all of it was unpacked. STAGE, its
#       content as a directory. Owner, order, times and modes do not depend on the user, so the same input gives the
#       same bytes. It has no device files: the kernel makes /dev/console. Root is not needed.
# Exit: 0; 1.

set -eu

busybox=${1:?usage: pack-initramfs.sh BUSYBOX ROOTFS STAGE OUT}
rootfs=${2:?} stage=${3:?} out=${4:?} lister=${5:-$1}
umask 022

# Sets all modes to 755 or 644, whatever umask the checkout was made with.
copy_rootfs() {
	rm -rf "$stage"
	cp -RP "$rootfs" "$stage"
	chmod -R u=rwX,go=rX "$stage"
}

# A third of what /init reads is comments, which cost a guest under TCG 8 ms. A line stays a line, so that its
# number in a message is right. No text of /init begins with # inside of quotes.
remove_comments() {
	for file in "$stage"/lib/ktbox/*.sh; do
		sed 's/^[[:blank:]]*#.*//' "$file" >"$file.new"
		mv "$file.new" "$file"
	done
}

make_directories() {
	for name in bin sbin dev proc sys run var mnt usr/sbin .ktbox; do
		mkdir "$stage/$name"
	done
	ln -s ../run "$stage/var/run"
	mkdir -m 700 "$stage/root"
	mkdir -m 1777 "$stage/tmp"
}

# For ktrun --test: this machine's, from the package shunit2, where Debian has it. Between its functions and its main
# part, it reads judge.sh when kt-test runs it.
install_shunit2() {
	shunit2=$(command -v shunit2) || {
		echo "pack-initramfs: no shunit2 in PATH: is the package shunit2 installed?" >&2
		exit 1
	}
	last=$(grep -n '^}$' "$shunit2" | tail -n 1)
	if [ -z "$last" ] || ! grep -q '^_shunit_execSuite() {$' "$shunit2" || ! grep -q '^_shunit_execSuite$' "$shunit2"; then
		echo "pack-initramfs: $shunit2 is not a shunit2 like version 2.1.8" >&2
		exit 1
	fi
	mkdir "$stage/usr/share/shunit2"
	# shellcheck disable=SC2016 # for the guest
	sed "${last%%:*}"'a [ -z "${KT_TEST_STATE:-}" ] || . "$KT_TEST_DIR/judge.sh"' "$shunit2" \
		>"$stage/usr/share/shunit2/shunit2"
	chmod 755 "$stage/usr/share/shunit2/shunit2"
	ln -s ../share/shunit2/shunit2 "$stage/usr/bin/shunit2"
	ln -s ../../shunit2/shunit2 "$stage/usr/share/ktbox/test/shunit2" # whatever PATH the user has set
}

install_busybox() { # with relative links, which also work in a chroot of the stage
	install -m 755 "$busybox" "$stage/bin/busybox"
	"$lister" --list-full | while read -r path; do
		case $path in
		bin/busybox) continue ;;
		bin/*) target=busybox ;;
		usr/*/*) target=../../bin/busybox ;;
		*/*) target=../bin/busybox ;;
		*) target=bin/busybox ;;
		esac
		ln -s "$target" "$stage/$path"
	done
	[ -h "$stage/bin/sh" ] || {
		echo "pack-initramfs: $lister has no shell, or does not run on this machine" >&2
		exit 1
	}
}

entries() { # parents first, the marker last
	(cd "$stage" && find . -mindepth 1 | cut -c 3- | LC_ALL=C sort)
	echo .ktbox/base.complete
}

pack() {
	find "$stage" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	(cd "$stage" && cpio --quiet --create --format=newc --owner=0:0 --reproducible) >"$out.new"
	mv "$out.new" "$out"
}

copy_rootfs
remove_comments
make_directories
install_shunit2
install_busybox
entries >"$stage.list"
: >"$stage/.ktbox/base.complete"
pack <"$stage.list"
rm -f "$stage.list"
