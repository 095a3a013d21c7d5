#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --ro, --rw and --modules: what QEMU and the guest are told, the order of modules, and what is refused
# before anything starts. The modules are made up: a symbol of each, and the symbols that it uses.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

refuses() { # WORD ARG...
	word=$1
	shift
	ktrun "$@"
	assert_refused
	assertTrue "$word is not in: $(cat err)" "grep -qF -- '$word' err"
}

passes() { # ARG...
	streams $READY $STARTED $OUT0 $EXIT
	ktrun "$@" -- true
	assert_status 0
	mv stub/args args
}

test_a_real_path_that_would_be_read_as_two_is_refused() {
	mkdir a a:b
	ln -s a:b link
	refuses 'a colon or a newline' --rw "$PWD/link:/mnt" -- true
}

# from_guest FILE: of what ktrun added to the initramfs.
from_guest() {
	tail -c +$(($(wc -c <"$KT_TOP/build/initramfs.cpio") + 1)) stub/initrd |
		cpio -i --quiet --to-stdout --no-absolute-filenames "$1" "./$1" 2>cpio.err
}

# kernel: a folder with a kernel that has no modules known.
kernel() {
	mkdir kernel
	cp -s "$KT_TOP/build/kernel/image" kernel/image
}

# module DIRECTORY NAME USES: the symbols that kmod reads: NAME's own, and those of the modules that it uses.
module() {
	mkdir -p "$1/kernel/some/where"
	{
		echo "__attribute__((section(\"__ksymtab_strings\"))) const char names[] = \"symbol_$(echo "$2" | tr - _)\";"
		echo "__attribute__((section(\".modinfo\"))) const char depends[] = \"depends=$3\";"
		for used in $(echo "$3" | tr ,- ' _'); do echo "extern int symbol_$used; int *use_$used = &symbol_$used;"; done
	} >module.c
	gcc -c -o "$1/kernel/some/where/$2.ko" module.c
}

modules() {
	module "$1" 9p 9pnet,netfs
	module "$1" netfs ''
	module "$1" 9pnet netfs
	module "$1" 9pnet_virtio 9pnet,virtio_ring
	module "$1" virtio-ring virtio
	module "$1" unrelated ''
	printf 'kernel/drivers/virtio/%s.ko\n' virtio virtio-pci virtio_console >"$1/modules.builtin"
}

# assert_in_order NAME...: in the file `list`.
assert_in_order() {
	printf '%s\n' "$@" >names
	assertEquals "the order of $*" "$*" "$(grep -xFf names list | tr '\n' ' ' | sed 's/ $//')"
}

test_shares_are_devices_and_the_guest_knows_where_they_go() {
	kernel
	modules kernel/modules
	mkdir 'a,b' shared
	passes -k kernel/image --ro "a,b:/mnt/a b" --rw shared
	grep -qxF "local,id=share0,path=$PWD/a,,b,security_model=none,multidevs=remap,readonly=on" args
	assertTrue "the first share" $?
	grep -qxF "local,id=share1,path=$PWD/shared,security_model=none,multidevs=remap" args
	assertTrue "the second share" $?
	from_guest .ktbox/shares >shares
	assert_file_text "9p ro ktbox0 /mnt/a b
9p rw ktbox1 $PWD/shared" shares
}

test_modules_come_with_what_they_depend_on_in_front() {
	kernel
	modules elsewhere
	mkdir in
	passes -k kernel/image --modules elsewhere --ro in:/mnt/in
	from_guest .ktbox/modules >list
	assert_in_order netfs 9pnet 9pnet_virtio
	assert_in_order virtio_ring 9pnet_virtio
	assert_in_order netfs 9pnet 9p
	assertEquals "modules" 5 "$(wc -l <list)"
	from_guest .ktbox/modules.d/9p.ko >9p.ko
	assert_same_bytes elsewhere/kernel/some/where/9p.ko 9p.ko
}

test_compressed_modules_are_unpacked() {
	kernel
	modules kernel/modules
	cp kernel/modules/kernel/some/where/9p.ko plain
	xz kernel/modules/kernel/some/where/9p.ko
	gzip kernel/modules/kernel/some/where/netfs.ko
	zstd -q --rm kernel/modules/kernel/some/where/9pnet.ko
	mkdir in
	passes -k kernel/image --ro in:/mnt/in
	from_guest .ktbox/modules.d/9p.ko >9p.ko
	assert_same_bytes plain 9p.ko
	assertEquals 5 "$(from_guest .ktbox/modules | wc -l)"
}

test_the_ports_come_as_modules_where_they_are_not_built_in() {
	kernel
	modules kernel/modules
	: >kernel/modules/modules.builtin
	module kernel/modules virtio ''
	module kernel/modules virtio_pci virtio,virtio_ring
	module kernel/modules virtio_console virtio_ring
	passes -k kernel/image
	from_guest .ktbox/modules >list
	assert_in_order virtio virtio_ring virtio_pci
	assert_in_order virtio_ring virtio_console
	assertEquals "modules" 4 "$(wc -l <list)"
}

test_a_missing_module_is_named() {
	kernel
	modules kernel/modules
	mkdir in
	rm kernel/modules/kernel/some/where/netfs.ko
	refuses netfs -k kernel/image --ro in:/mnt/in -- true
	passes -k kernel/image
	: >kernel/modules/modules.builtin
	refuses virtio_pci -k kernel/image -- true
}

test_a_kernel_without_9p_is_named() {
	kernel
	mkdir in
	echo '# CONFIG_NET_9P is not set' >kernel/config
	refuses CONFIG_NET_9P_VIRTIO -k kernel/image --ro in:/mnt/in -- true
	printf 'CONFIG_NET_9P_VIRTIO=m\nCONFIG_9P_FS=m\n' >kernel/config
	refuses --modules -k kernel/image --ro in:/mnt/in -- true
	echo 'CONFIG_VIRTIO_CONSOLE=m' >kernel/config
	refuses CONFIG_VIRTIO_CONSOLE=m -k kernel/image -- true
	printf 'CONFIG_NET_9P_VIRTIO=y\nCONFIG_9P_FS=y\n' >kernel/config
	passes -k kernel/image --ro in:/mnt/in
}

test_folders_that_can_not_be_shared() {
	kernel
	mkdir in
	echo file >file
	refuses no/folder --ro no/folder -- true
	refuses file --rw file:/mnt/file -- true
	refuses 'one colon' --ro in:/mnt/in:ro -- true
	for guest in / /usr /usr/bin /bin /etc/x /proc /sys /dev/shm /tmp mnt/in /mnt/../etc /mnt//in; do
		refuses "$guest" --ro "in:$guest" -- true
	done
	refuses --modules --modules in -- true
	mkdir closed
	chmod 555 closed
	ktrun_of_a_user -o "$PWD/art" --rw closed:/mnt/c -- true
	assert_refused
	assert_matches closed err
}

test_what_a_shared_directory_would_hide_is_refused() {
	kernel
	modules modules
	mkdir -p share folder
	echo y >y
	echo z | tee share/z >folder/z
	for words in '-i y:/opt/s/y' '-i folder:/opt/s/deep' '-i y:/opt/s' '-i folder/z:/opt/s/z'; do
		refuses '--ro: /opt/s would hide /opt/s' -k kernel/image --modules modules --ro share:/opt/s $words -- true
	done
	refuses '--rw: /tmp/s would hide /tmp/s/y' -k kernel/image --modules modules --rw share:/tmp/s -i y:/tmp/s/y -- true
	passes -k kernel/image --modules modules --ro share:/opt/s -i share/z:/opt/s/z -i y:/opt/s2
}

. shunit2
