#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What ktrun sees of a kernel before it boots: its options, whether its image is whole and can be entered; the known
# faults of QEMU.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

NEEDED='BLK_DEV_INITRD BINFMT_SCRIPT BINFMT_ELF DEVTMPFS TMPFS PROC_FS SYSFS NET SIGNALFD INOTIFY_USER FILE_LOCKING
	POSIX_TIMERS VIRTIO_CONSOLE VIRTIO_PCI'

# config OPTION...: a whole configuration, which has all that a guest needs but these.
config() {
	echo 'CONFIG_64BIT=y'
	for config_option in $NEEDED SCHED_CLASS_EXT BPF_SYSCALL DEBUG_INFO_BTF PRINTK FTRACE DEBUG_FS CGROUPS UNIX98_PTYS \
		SERIAL_8250_CONSOLE; do
		case " $* " in
		*" $config_option "*) ;;
		*) echo "CONFIG_$config_option=y" ;;
		esac
	done
}

# kernel DIRECTORY: a kernel that has no configuration inside.
kernel() {
	mkdir -p "$1"
	ln -sf "$KT_TOP/build/kernel/image" "$1/image"
}

test_each_option_that_a_guest_needs_is_named_before_the_boot() {
	kernel k
	for option in $NEEDED; do
		config $option >k/config
		assert_run_is_refused "cannot run a guest: CONFIG_$option is not set \\(.+\\): .*k/image, according to .*k/config\$" -k k/image
	done
	config TMPFS VIRTIO_PCI >k/config
	assert_run_is_refused 'CONFIG_TMPFS is not set .*, CONFIG_VIRTIO_PCI is not set' -k k/image
	echo '# CONFIG_TMPFS is not set' >k/config
	assert_run_is_refused 'CONFIG_TMPFS' -k k/image
}

test_what_a_run_goes_without_is_said() {
	kernel k
	config PRINTK FTRACE DEBUG_FS CGROUPS UNIX98_PTYS SERIAL_8250_CONSOLE >k/config
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -k k/image -- true
	assert_status 0
	for option in PRINTK FTRACE DEBUG_FS CGROUPS UNIX98_PTYS SERIAL_8250_CONSOLE; do
		assert_matches "goes without an option of the kernel: CONFIG_$option is not set \\(.+\\)" err
	done
	ktrun -q -k k/image -- true
	assert_empty err
	config SCHED_CLASS_EXT >k/config
	ktrun -k k/image -- true
	assert_no_match SCHED_CLASS_EXT err
	ktrun -k k/image -s "$KT_TOP/build/scx_demo" -- true
	assert_matches 'CONFIG_SCHED_CLASS_EXT' err
}

test_a_configuration_is_found_where_kernels_have_it() {
	kernel 'tree/arch/x86/boot'
	mv tree/arch/x86/boot/image tree/arch/x86/boot/bzImage
	config TMPFS >tree/.config
	assert_run_is_refused 'tree/.config$' -k tree/arch/x86/boot/bzImage
	kernel named
	mv named/image named/vmlinux-6.1.0-test
	config TMPFS >named/config-6.1.0-test
	assert_run_is_refused 'named/config-6.1.0-test$' -k named/vmlinux-6.1.0-test
	kernel alone
	release=$(cat "$KT_TOP/build/kernel/version")
	config TMPFS >"alone/config-$release"
	assert_run_is_refused "alone/config-${release%%+*}[^/]*\$" -k alone/image
	mv "alone/config-$release" alone/config-6.1.0-other
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -k alone/image -- true
	assert_status 0
	mkdir inside
	cp "$KT_TOP/build/kernel/image" inside/image
	rodata=$(readelf -SW inside/image | sed -n 's/.* \.rodata *PROGBITS *[0-9a-f]* *\([0-9a-f]*\) .*/\1/p')
	{ printf IKCFG_ST && config TMPFS | gzip -c && printf IKCFG_ED; } |
		dd of=inside/image conv=notrunc oflag=seek_bytes seek=$((0x$rodata + 100)) 2>/dev/null
	config >inside/config
	assert_run_is_refused 'inside/image \(CONFIG_IKCONFIG\)$' -k inside/image
}

# lie FIELD VALUE: in each section of the image, or in its header (e_shoff).
lie() {
	cp "$KT_TOP/build/kernel/image" lying/image
	"$KT_PYTHON" - "$1" "$2" <<'END'
import struct, sys
field, value = sys.argv[1], struct.pack("<Q", int(sys.argv[2], 16))
with open("lying/image", "r+b") as image:
    head = image.read(64)
    table, count = struct.unpack_from("<Q", head, 40)[0], struct.unpack_from("<H", head, 60)[0]
    offset = {"sh_offset": 24, "sh_size": 32}.get(field)
    for at in [table + 64 * number + offset for number in range(count)] if offset else [40]:
        image.seek(at)
        image.write(value)
END
}

# QEMU boots by the segments, and minds no section.
test_sections_that_lie_hide_neither_the_image_nor_its_release() {
	mkdir lying
	for field in e_shoff sh_offset sh_size; do
		for value in 0x4000000000000000 0x7fffffffffffffff 0x8000000000000000 0xffffffffffffffff; do
			lie "$field" "$value"
			ktrun -n -k lying/image -- true
			assert_status 0
			assert_no_match 'Traceback|Errno' err
		done
	done
	launcher 'from launcher.kernel.image import read_kernel
print(read_kernel("lying/image").release)' >said
	assert_file_text "$(cat "$KT_TOP/build/kernel/version")" said
}

test_modules_that_are_known_are_no_missing_option() {
	kernel k
	config VIRTIO_PCI >k/config
	echo CONFIG_VIRTIO_PCI=m >>k/config
	assert_run_is_refused 'the kernel has CONFIG_VIRTIO_PCI=m, and its modules are not known' -k k/image
}

# The one that make kernel makes.
test_make_kernel_makes_the_same_check() {
	config TMPFS BINFMT_SCRIPT CGROUPS >wanted.config
	run "$KT_TOP/scripts/check-kernel-config.sh" wanted.config
	assert_status 1
	assert_file_text 'CONFIG_BINFMT_SCRIPT is not set: needed for /init, a shell script
CONFIG_TMPFS is not set: needed for /tmp, /run and /dev/shm
CONFIG_CGROUPS is not set: without it, a run lacks /sys/fs/cgroup' out
	config CGROUPS >wanted.config
	run "$KT_TOP/scripts/check-kernel-config.sh" wanted.config
	assert_status 0
	run "$KT_TOP/scripts/check-kernel-config.sh" missing
	assert_status 2
	kernel k
	cp wanted.config k/config-1.2.3
	run "$KT_TOP/scripts/find-kernel-config.sh" "$PWD/k/image" no-elf 1.2.3 "$PWD/copy"
	assert_status 0
	assert_file_text "$PWD/k/config-1.2.3" out
	assert_same_bytes wanted.config copy
}

# bzimage BYTES: a header that names 4 setup sectors and 16 * 256 bytes of code, in a file of this size.
bzimage() {
	"$KT_PYTHON" -c 'import struct, sys
head = bytearray(1024)
head[0x1f1] = 4
head[0x1f4:0x1f8] = struct.pack("<I", 256)
head[0x202:0x206] = b"HdrS"
sys.stdout.buffer.write(bytes(head).ljust(8192, b"\0")[:int(sys.argv[1])])' "$1"
}

test_a_truncated_image_is_refused() {
	bzimage 6656 >whole
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -k whole -- true
	assert_status 0
	bzimage 6655 >shorter
	assert_run_is_refused 'kernel is truncated: .*shorter has 6655 bytes, and its header says 6656$' -k shorter
	head -c 3000000 "$KT_TOP/build/kernel/image" >shorter
	assert_run_is_refused 'kernel is truncated: .*shorter has 3000000 bytes' -k shorter
	for size in 20 63 64 100; do
		head -c "$size" "$KT_TOP/build/kernel/image" >shorter
		assert_run_is_refused "kernel is truncated: .*shorter has $size bytes" -k shorter
	done
}

test_an_elf_image_without_the_entry_that_qemu_needs_is_refused() {
	"$KT_PYTHON" -c 'import sys
data = open(sys.argv[1], "rb").read()
assert data.count(b"\x04\0\0\0\x08\0\0\0\x12\0\0\0Xen\0") + data.count(b"\x04\0\0\0\x04\0\0\0\x12\0\0\0Xen\0") == 1
for size in (4, 8):
    data = data.replace(b"\x04\0\0\0" + bytes([size]) + b"\0\0\0\x12\0\0\0Xen\0", b"\x04\0\0\0" + bytes([size]) + b"\0\0\0\x13\0\0\0Xen\0")
open("vmlinux", "wb").write(data)' "$KT_TOP/build/kernel/image"
	assert_run_is_refused 'no PVH entry \(CONFIG_PVH\), .*give the bzImage' -k vmlinux
}

# cpu: the CPU model that QEMU got.
cpu() {
	sed -n '/^-cpu$/{n;p;}' stub/args
}

# elf_kernel FILE RELEASE: what ktrun reads of an ELF image: its header, here without segments, and the first line.
elf_kernel() {
	{ head -c 20 "$KT_TOP/build/kernel/image" && head -c 44 /dev/zero; } >"$1"
	printf 'Linux version of somebody\nLinux version %s (somebody@here)' "$2" >>"$1"
}

test_a_fault_of_a_qemu_is_gone_round_by_its_version_and_accelerator_and_the_kernel() {
	elf_kernel old 6.12.95+deb12-amd64
	elf_kernel new 6.18.0
	elf_kernel unknown something
	streams $READY $STARTED $OUT0 $EXIT
	for case in old:7.2.22:,-cx16 new:7.2.22: unknown:7.2.22: old:8.0.0: old:nonsense:; do
		version=${case#*:}
		touch "$KTRUN_QEMU" # a program of another time is asked again
		STUB_QEMU_VERSION="emulator version ${version%:*}" ktrun -k "${case%%:*}" -- true
		assertEquals "$case" "max,-erms,-fsrm${case##*:}" "$(cpu)"
		assert_matches '^tcg,thread=single$' stub/args
	done
	touch "$KTRUN_QEMU"
	launcher 'from launcher.machine.qemu_faults import words_for
print(*(words_for(version, accel, arch, "6.17.13").cpu for version, accel, arch in (
    ((7, 1), "tcg", "x86_64"), ((7, 2), "tcg", "x86_64"), ((7, 2), "kvm", "x86_64"), ((7, 2), "tcg", "aarch64"),
    ((8, 0), "tcg", "x86_64"), ((11, 1), "tcg", "x86_64"), (None, "tcg", "x86_64"))), sep="|")' >words
	assert_file_text '|,-cx16|||||' words
}

test_the_loops_of_a_jiffy_follow_from_the_frequency_and_hz() {
	kernel k
	config >k/config
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -k k/image -- true
	assert_no_match 'lpj=' stub/args
	echo CONFIG_HZ=250 >>k/config
	ktrun -k k/image -- true
	khz=$(sed -n 's/^tsc_early_khz=\([0-9]*\) .*/\1/p' stub/args)
	assert_matches "^tsc_early_khz=$khz lpj=$((khz * 4)) console=" stub/args
}

. shunit2
