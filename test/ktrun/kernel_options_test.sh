#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --check and --kernel-config: which options of a configuration are missing, and all that are needed.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/stub.sh"

setUp() {
	mkdir -p tree/arch
	run "$KTRUN" --kernel-config
	{ echo CONFIG_X86_64=y && cat out; } >tree/.config
}

check() { # KERNEL
	run "$KTRUN" -k "$1" --check
}

without() { # OPTION...
	for option; do sed -i "s/^CONFIG_$option=y/# CONFIG_$option is not set/" tree/.config; done
}

test_the_fragment_has_all_that_is_checked_and_nothing_is_missing_of_it() {
	check tree
	assert_status 0
	assert_file_text "$PWD/tree/.config: no option is missing" out
	assert_empty err
}

test_each_option_that_is_missing_is_named_with_what_it_is_for() {
	without TMPFS SCHED_CLASS_EXT DEBUG_FS 9P_FS
	check tree
	assert_status 1
	assert_file_text 'CONFIG_TMPFS is not set: needed for /tmp, /run and /dev/shm
CONFIG_SCHED_CLASS_EXT is not set: needed for schedulers written in BPF (sched_ext)
CONFIG_DEBUG_FS is not set: without it, a run lacks the count of bytes that were sent, which proves that none is missing
CONFIG_9P_FS is not set: needed for --ro and --rw' out
}

test_only_what_no_guest_or_no_scheduler_runs_without_gives_code_1() {
	for option in SERIAL_8250_CONSOLE VIRTIO_CONSOLE VIRTIO_PCI DEVTMPFS TMPFS BLK_DEV_INITRD FTRACE DEBUG_FS \
		BPF_SYSCALL DEBUG_INFO_BTF CGROUPS; do
		setUp
		without "$option"
		check tree
		case $option in
		SERIAL_8250_CONSOLE | FTRACE | DEBUG_FS | CGROUPS) assert_status 0 ;;
		*) assert_status 1 ;;
		esac
		assert_matches "^CONFIG_$option is not set: .+" out
		assertEquals "lines for $option" 1 "$(wc -l <out)"
	done
}

test_a_module_is_enough_where_modules_are_known() {
	sed -i 's/^CONFIG_VIRTIO_CONSOLE=y/CONFIG_VIRTIO_CONSOLE=m/' tree/.config
	check tree
	assert_status 0
	check tree/.config
	assert_status 0
	cp tree/.config alone
	check alone
	assert_status 1
	assert_file_text 'CONFIG_VIRTIO_CONSOLE is a module, not built in: needed for the ports for results and wake bytes' out
	sed -i 's/^CONFIG_TMPFS=y/CONFIG_TMPFS=m/' tree/.config
	check tree
	assert_status 1
	assert_matches '^CONFIG_TMPFS is a module, not built in: ' out
}

test_an_image_is_checked_by_the_configuration_that_it_was_built_with() {
	mkdir k
	ln -s "$KT_TOP/build/kernel/image" k/image
	sed '/^CONFIG_TMPFS=/d' "$KT_TOP/build/kernel/config" >k/config
	check k/image
	assert_status 1
	assert_matches '^CONFIG_TMPFS is not set' out
	check k
	assert_status 1
	check "$KT_TOP/build/kernel"
	assert_status 0
}

test_what_is_no_configuration_is_refused() {
	check nowhere
	assert_refused
	assert_matches "kernel not found: $PWD/nowhere\$" err
	echo text >text
	check text
	assert_refused
	assert_matches "not a kernel image .*: $PWD/text\$" err
	mkdir empty
	check empty
	assert_refused
	sed -i 's/^CONFIG_X86_64=y/CONFIG_RISCV=y/' tree/.config
	check tree
	assert_refused
	assert_matches "neither CONFIG_X86_64 nor CONFIG_ARM64 is set, .*: $PWD/tree\$" err
	run "$KTRUN" -k tree --check -q
	assert_refused
	assert_matches 'only -k goes with it: -q' err
}

test_the_fragment_is_for_one_architecture() {
	run "$KTRUN" --kernel-config=aarch64
	assert_status 0
	assert_matches '^CONFIG_SERIAL_AMBA_PL011_CONSOLE=y$' out
	assert_no_match 8250_CONSOLE out
	{ echo CONFIG_ARM64=y && cat out; } >tree/.config
	check tree
	assert_status 0
	run "$KTRUN" --kernel-config
	assert_matches '^CONFIG_SERIAL_8250_CONSOLE=y$' out
	assert_no_match PL011 out
	run "$KTRUN" --kernel-config=riscv
	assert_refused
	assert_matches 'neither x86_64 nor aarch64: riscv' err
}

# The minimal kernel of the tests, which is built of a list of its own, has what the table asks for.
test_the_minimal_kernel_lacks_no_option_that_every_run_may_need() {
	{ echo CONFIG_X86_64=y && cat "$KT_TOP/scripts/kernel-minimal.config"; } >tree/.config
	check tree
	assert_status 0
	assert_no_match 'without it' out
}

. shunit2
