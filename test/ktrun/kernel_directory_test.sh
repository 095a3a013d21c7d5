#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# -k DIR: which image, configuration and modules ktrun takes of a build tree and of a directory as ktbox and Debian have
# it, and what it refuses. The tree has the layout of one that was built, with the image and the configuration of the
# default kernel in it; the modules are made up.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

RELEASE=$(cat "$KT_TOP/build/kernel/version")
RELEASE_ERE=$(echo "$RELEASE" | sed 's/[+.]/\\&/g')

# boots IMAGE ARG...: QEMU gets this image.
boots() {
	image=$1
	shift
	streams $READY ${more:-} $STARTED $OUT0 $EXIT
	ktrun "$@" -- true
	assert_status 0
	assertEquals "the image" "$image" "$(sed -n '/^-kernel$/{n;p;}' stub/args)"
}

# from_guest FILE: of what ktrun added to the initramfs.
from_guest() {
	tail -c +$(($(wc -c <"$KT_TOP/build/initramfs.cpio") + 1)) stub/initrd |
		cpio -i --quiet --to-stdout --no-absolute-filenames "$1" "./$1" 2>cpio.err
}

# bzimage FILE RELEASE: what ktrun reads of one.
bzimage() {
	mkdir -p "$(dirname "$1")"
	"$KT_PYTHON" -c 'import struct, sys
head = bytearray(1024)
head[0x1f1] = 1
head[0x202:0x206] = b"HdrS"
head[0x20e:0x210] = struct.pack("<H", 0x100)
head[0x300:] = (sys.argv[2] + " (somebody@here) #1 SMP").encode().ljust(256, b"\0")
open(sys.argv[1], "wb").write(bytes(head))' "$1" "$2"
}

# tree DIRECTORY: as make leaves it, with virtio built in and no module.
tree() {
	mkdir -p "$1/arch/x86/boot" "$1/include/config" "$1/kernel/sched"
	ln -s "$KT_TOP/build/kernel/image" "$1/vmlinux"
	bzimage "$1/arch/x86/boot/bzImage" "$RELEASE"
	cp "$KT_TOP/build/kernel/config" "$1/.config"
	echo "$RELEASE" >"$1/include/config/kernel.release"
	: >"$1/modules.order"
	: >"$1/Module.symvers"
	printf 'kernel/drivers/virtio/%s.ko\n' virtio virtio_ring virtio_pci >"$1/modules.builtin"
	printf 'kernel/drivers/char/virtio_console.ko\n' >>"$1/modules.builtin"
}

# module TREE PATH USES [VERMAGIC]: the symbols that kmod reads: the module's own, and those of the ones that it uses.
module() {
	mkdir -p "$1/$(dirname "$2")"
	symbol=$(basename "$2" | tr - _)
	{
		echo "__attribute__((section(\"__ksymtab_strings\"))) const char names[] = \"symbol_$symbol\";"
		echo "__attribute__((section(\".modinfo\"))) const char depends[] = \"depends=$3\";"
		echo "__attribute__((section(\".modinfo\"))) const char vermagic[] = \"vermagic=${4:-$RELEASE SMP}\";"
		for used in $(echo "$3" | tr ,- ' _'); do echo "extern int symbol_$used; int *use_$used = &symbol_$used;"; done
	} >module.c
	gcc -c -o "$1/$2.ko" module.c
	echo "$2.o" >>"$1/modules.order"
}

shared_modules() { # TREE [VERMAGIC]
	module "$1" fs/netfs/netfs '' "${2:-}"
	module "$1" net/9p/9pnet netfs "${2:-}"
	module "$1" net/9p/9pnet_virtio 9pnet "${2:-}"
	module "$1" fs/9p/9p 9pnet,netfs "${2:-}"
}

test_a_build_tree_is_a_kernel() {
	tree tree
	boots "$PWD/tree/vmlinux" -k tree
	sed -i '/^CONFIG_PVH=/d' tree/.config
	boots "$PWD/tree/arch/x86/boot/bzImage" -k tree
	echo CONFIG_PVH=y >>tree/.config
	rm tree/vmlinux
	boots "$PWD/tree/arch/x86/boot/bzImage" -k tree
}

test_the_environment_may_name_a_directory() {
	tree tree
	KTRUN_KERNEL=tree
	export KTRUN_KERNEL
	boots "$PWD/tree/vmlinux"
	unset KTRUN_KERNEL
}

# dry_run_in DIRECTORY ARG...
dry_run_in() {
	directory=$1
	shift
	run sh -c 'cd "$1" && shift && exec "$@" -n -- true' sh "$directory" "$KTRUN" "$@"
	assert_status 0
}

test_in_a_build_tree_its_kernel_is_the_default_one() {
	tree tree
	dry_run_in tree
	assert_matches "-kernel $PWD/tree/vmlinux " out
	assert_matches "^ktrun: kernel: that of this build tree, $PWD/tree \\(-k names another one\\)\$" err
	dry_run_in tree -k "$KT_TOP/build/kernel/image"
	assert_matches "-kernel $KT_TOP/build/kernel/image " out
	assert_no_match 'this build tree' err
	rm tree/vmlinux tree/arch/x86/boot/bzImage
	run sh -c 'cd tree && exec "$1" --bisect bad=fail -- true' sh "$KTRUN"
	assert_status 125
	assert_matches 'kernel tree without an image' err
	echo '# Busybox version: 1.37.0' >tree/.config
	dry_run_in tree
	assert_matches "-kernel $KT_TOP/build/kernel/image " out
}

test_options_that_a_tree_lacks_are_named_before_the_boot() {
	tree tree
	whole=$(cat tree/.config)
	more=$ATTACHED
	for option in BLK_DEV_INITRD DEVTMPFS TMPFS VIRTIO_CONSOLE VIRTIO_PCI; do
		echo "$whole" | sed "s/^CONFIG_$option=.*/# CONFIG_$option is not set/" >tree/.config
		assert_run_is_refused "cannot run a guest: CONFIG_$option is not set \\(.+\\): .*tree/vmlinux, according to .*tree/.config\$" -k tree
	done
	for option in SERIAL_8250_CONSOLE FTRACE DEBUG_FS CGROUPS BPF_SYSCALL DEBUG_INFO_BTF SCHED_CLASS_EXT; do
		echo "$whole" | sed "s/^CONFIG_$option=.*/# CONFIG_$option is not set/" >tree/.config
		boots "$PWD/tree/vmlinux" -k tree -s "$KT_TOP/build/scx_demo"
		assert_matches "goes without an option of the kernel: CONFIG_$option is not set" err
	done
	echo "$whole" >tree/.config
	boots "$PWD/tree/vmlinux" -k tree -s "$KT_TOP/build/scx_demo"
	assert_no_match CONFIG_ err
	more=
}

test_modules_come_from_where_they_lie_in_the_tree() {
	tree tree
	shared_modules tree
	echo drivers/net/never_built.o >>tree/modules.order
	module tree kernel/sched/unrelated ''
	mkdir in
	boots "$PWD/tree/vmlinux" -k tree --ro in:/mnt/in
	from_guest .ktbox/modules >list
	assert_file_text 'netfs
9pnet
9pnet_virtio
9p' list
	from_guest .ktbox/modules.d/9p.ko >9p.ko
	assert_same_bytes tree/fs/9p/9p.ko 9p.ko
	rm tree/fs/9p/9p.ko
	assert_run_is_refused "the kernel's module 9p is neither built in nor in $PWD/tree" -k tree --ro in:/mnt/in
}

test_a_module_of_another_release_is_refused() {
	tree tree
	shared_modules tree "6.1.0-other SMP"
	mkdir in
	assert_run_is_refused "the kernel is $RELEASE_ERE, and its module is for 6.1.0-other: .*/tree/.*\\.ko\$" -k tree --ro in:/mnt/in
	shared_modules tree "6.1.0-other SMP modversions"
	boots "$PWD/tree/vmlinux" -k tree --ro in:/mnt/in
}

test_a_tree_of_which_the_image_is_older_than_the_modules_is_refused() {
	tree tree
	echo 6.1.0-other >tree/include/config/kernel.release
	assert_run_is_refused "its image is $RELEASE_ERE, and its modules are 6.1.0-other: run make in $PWD/tree, .* -k $PWD/tree/vmlinux\$" -k tree
	boots "$PWD/tree/vmlinux" -k tree/vmlinux
}

test_a_tree_that_has_no_image_is_refused() {
	mkdir source
	: >source/Kconfig
	: >source/Makefile
	assert_run_is_refused "kernel source without a configuration: .* O=: $PWD/source\$" -k source
	tree tree
	rm tree/vmlinux tree/arch/x86/boot/bzImage
	assert_run_is_refused "without an image \\(vmlinux or arch/x86/boot/bzImage\\): run make in $PWD/tree\$" -k tree
	: >tree/vmlinux
	assert_run_is_refused "not a kernel image .*: $PWD/tree/vmlinux\$" -k tree
}

test_a_tree_for_another_architecture_is_refused() {
	tree tree
	sed -i 's/^CONFIG_X86_64=y/CONFIG_RISCV=y/; s,^# Linux/.*,# Linux/riscv 7.2.0 Kernel Configuration,' tree/.config
	assert_run_is_refused "kernel for another architecture \\(riscv\\): $PWD/tree\$" -k tree
	sed -i 's/^CONFIG_RISCV=y/CONFIG_X86_32=y/' tree/.config
	assert_run_is_refused "for another architecture \\(32-bit x86\\): $PWD/tree\$" -k tree
	sed -i 's/^CONFIG_X86_32=y//; s,^# Linux/.*,# Linux/x86 7.2.0 Kernel Configuration,' tree/.config
	assert_run_is_refused "neither CONFIG_X86_64 nor CONFIG_ARM64 is set, .*: $PWD/tree\$" -k tree
	echo CONFIG_ARM64=y >>tree/.config
	assert_run_is_refused "without an image \\(.*arch/arm64/boot/Image\\): run make in $PWD/tree\$" -k tree
}

test_a_directory_as_ktbox_has_it() {
	mkdir -p ours/modules
	ln -s "$KT_TOP/build/kernel/image" ours/image
	sed '/^CONFIG_TMPFS=/d' "$KT_TOP/build/kernel/config" >ours/config
	assert_run_is_refused "CONFIG_TMPFS is not set .*according to $PWD/ours/config\$" -k ours
	cp "$KT_TOP/build/kernel/config" ours/config
	boots "$PWD/ours/image" -k ours
	boots "$KT_TOP/build/kernel/image" -k "$KT_TOP/build/kernel"
}

test_a_directory_as_debian_has_it() {
	bzimage "package/usr/lib/modules/$RELEASE/vmlinuz" "$RELEASE"
	mkdir -p "package/usr/lib/modules/$RELEASE/kernel" package/usr/share/doc
	printf 'kernel/%s.ko\n' virtio_pci virtio_console >"package/usr/lib/modules/$RELEASE/modules.builtin"
	sed '/^CONFIG_TMPFS=/d' "$KT_TOP/build/kernel/config" >"package/usr/lib/modules/$RELEASE/config"
	assert_run_is_refused "CONFIG_TMPFS is not set .*according to $PWD/package/usr/lib/modules/[^/]*/config\$" -k package
	cp "$KT_TOP/build/kernel/config" "package/usr/lib/modules/$RELEASE/config"
	boots "$PWD/package/usr/lib/modules/$RELEASE/vmlinuz" -k package
	boots "$PWD/package/usr/lib/modules/$RELEASE/vmlinuz" -k "package/usr/lib/modules/$RELEASE"
	bzimage "older/boot/vmlinuz-$RELEASE" "$RELEASE"
	cp "$KT_TOP/build/kernel/config" "older/boot/config-$RELEASE"
	mkdir -p older/lib/modules/6.1.0-other/kernel
	assert_run_is_refused "the kernel is $RELEASE_ERE, and the modules in the directory are 6.1.0-other: $PWD/older\$" -k older
	mkdir -p "older/lib/modules/$RELEASE/kernel"
	cp "package/usr/lib/modules/$RELEASE/modules.builtin" "older/lib/modules/$RELEASE"
	boots "$PWD/older/boot/vmlinuz-$RELEASE" -k older
}

test_a_directory_without_a_kernel_is_refused() {
	mkdir empty
	assert_run_is_refused "no kernel in the directory .*: $PWD/empty\$" -k empty
	echo nonsense >empty/vmlinuz
	assert_run_is_refused "not a kernel image .*: $PWD/empty/vmlinuz\$" -k empty
}

test_what_has_an_images_name_and_is_none_is_named() {
	mkdir other
	ln -s nowhere other/vmlinuz
	assert_run_is_refused "kernel not found: $PWD/other/vmlinuz\$" -k other
	rm other/vmlinuz
	mkfifo other/vmlinuz
	assert_run_is_refused "kernel is a pipe, .*: $PWD/other/vmlinuz\$" -k other
	rm other/vmlinuz
	mkdir other/.config other/arch
	assert_run_is_refused "kernel tree: its configuration is not a file: $PWD/other/.config\$" -k other
}

test_two_kernels_in_a_directory_are_refused_by_name() {
	bzimage boot/vmlinuz-6.1.0-one 6.1.0-one
	bzimage boot/vmlinuz-6.1.0-two 6.1.0-two
	assert_run_is_refused "2 kernels in the directory: .*$PWD/boot/vmlinuz-6.1.0-one \\(6.1.0-one\\), $PWD/boot/vmlinuz-6.1.0-two" -k boot
	ln -sf vmlinuz-6.1.0-one boot/vmlinuz
	rm boot/vmlinuz-6.1.0-two
	boots "$PWD/boot/vmlinuz" -k boot
	bzimage boot/bzImage 6.1.0-one
	boots "$PWD/boot/bzImage" -k boot
}

test_gdb_gets_the_vmlinux_of_the_tree() {
	tree tree
	sed -i '/^CONFIG_PVH=/d' tree/.config
	boots "$PWD/tree/arch/x86/boot/bzImage" -k tree --gdb
	assert_matches "gdb $PWD/tree/vmlinux -ex" err
}

test_a_matrix_and_a_comparison_take_directories() {
	tree tree
	printf 'kernel = tree\npayload = one true\n' >matrix
	streams $READY $STARTED $OUT0 $EXIT
	run "$KTRUN" -q -o "$PWD/m" --matrix matrix
	assert_status 0
	assert_matches "'-k' '$PWD/tree' " m/00001.sh
	sed -i 's/tree/none/' matrix
	run "$KTRUN" -q -o "$PWD/m2" --matrix matrix
	assert_status 205
	assert_matches "line 1: kernel not found: $PWD/none\$" err
	mkdir empty
	run "$KTRUN" -q -o "$PWD/c" --runs 1 --compare kernel=tree kernel=empty -- true
	assert_status 205
	assert_matches "kernel=empty\\): no kernel in the directory" err
	run "$KTRUN" -q -o "$PWD/c" --runs 1 --compare kernel=tree kernel=tree/vmlinux -- true
	assert_no_match 'no kernel' err
	assert_matches "\"$PWD/tree\"" c/compare.plan
}

. shunit2
