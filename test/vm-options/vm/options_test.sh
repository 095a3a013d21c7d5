#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Kernels that lack one option each (../kernels): one line names it, from the configuration where there is one, and from
# what the guest shows where there is none; or the run works, and says what it goes without. `make test-options` runs
# it; `make kernel-options` builds the kernels.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

KERNELS=$KT_TOP/build/kernel-options
VM_CEILING=90

# alone NAME ARG...: the image; its configuration is nowhere.
alone() {
	kernel=$1
	shift
	vm "$kernel" -k "$KERNELS/$kernel/image" "$@"
	look "$kernel"
}

# configured NAME ARG...: the image, its configuration beside it.
configured() {
	kernel=$1
	shift
	mkdir -p "$FILES/$kernel"
	cp "$KERNELS/$kernel/image" "$FILES/$kernel/image"
	cp "$KERNELS/$kernel.config" "$FILES/$kernel/config"
	vm "$kernel" -k "$FILES/$kernel/image" "$@"
	look "$kernel"
}

tearDown() {
	[ -z "${kernel:-}" ] || rm -rf "${VMS:?}/$kernel" "${FILES:?}/$kernel"
}

# needed NAME OPTION ERE: no guest runs without it. With the configuration nothing starts; else the reason matches ERE.
needed() {
	configured "$1" -- echo ran
	assertEquals "exit code of ktrun" 205 "$status"
	assert_matches "^ktrun: the kernel cannot run a guest: .*CONFIG_$2 is not set .*according to .*/config\$" "$err"
	assertFalse "nothing has started" "[ -e $art ]"
	alone "$1" -- echo ran
	assert_verdict boot-failed 206
	assert_value_matches reason "$3"
	assert_empty "$out"
}

# unneeded NAME OPTION [ARG...]: the run works, and says what it goes without.
unneeded() {
	option=$2
	name=$1
	shift 2
	configured "$name" "$@" -- echo ran
	assert_verdict pass 0
	assert_matches "^ktrun: the run goes without an option of the kernel: CONFIG_$option is not set" "$err"
	tearDown
	alone "$name" "$@" -- echo ran
	assert_verdict pass 0
	assert_matches '^ran$' "$out"
	assert_matches "^  kernel     lacks (.*, )?CONFIG_$option" "$err"
}

# for_schedulers NAME OPTION VERDICT CODE ERE: without it no scheduler runs.
for_schedulers() {
	configured "$1" -s "$DEMO" -- echo ran
	assert_verdict "$3" "$4"
	assert_matches "^ktrun: the run goes without an option of the kernel: CONFIG_$2 is not set" "$err"
	tearDown
	alone "$1" -s "$DEMO" -- echo ran
	assert_verdict "$3" "$4"
	assert_value_matches reason "$5"
	tearDown
	alone "$1" -- echo ran
	assert_verdict pass 0
}

test_a_whole_kernel_lacks_nothing() {
	configured whole -s "$DEMO" -- echo ran
	assert_verdict pass 0
	assert_no_match CONFIG_ "$err"
	tearDown
	alone whole -s "$DEMO" -- echo ran
	assert_verdict pass 0
	assert_no_match CONFIG_ "$err"
}

test_types_of_an_old_pahole() {
	alone old-pahole -s "$DEMO" -- echo ran
	assert_verdict sched-failed 200
	assert_value_matches reason 'was it made by a pahole before 1\.26\?'
}

PORT='/init: bulk port: there is no port ktstr-bulk: does this kernel have CONFIG_'
test_virtio_console() { needed no-virtio-console VIRTIO_CONSOLE "${PORT}VIRTIO_CONSOLE\\?"; }
test_virtio_pci() { needed no-virtio-pci VIRTIO_PCI "${PORT}VIRTIO_PCI\\?"; }
test_pci() { needed no-pci VIRTIO_PCI "${PORT}PCI\\?"; }
MOUNT='/init: mounts: .* is not mounted: does this kernel have CONFIG_'
test_tmpfs() { needed no-tmpfs TMPFS "${MOUNT}TMPFS\\?"; }
test_devtmpfs() { needed no-devtmpfs DEVTMPFS "${MOUNT}DEVTMPFS\\?"; }
test_proc() { needed no-proc PROC_FS "${MOUNT}PROC_FS\\?"; }
test_sysfs() { needed no-sysfs SYSFS "${MOUNT}SYSFS\\?"; }
test_initrd() { needed no-initrd BLK_DEV_INITRD 'CONFIG_BLK_DEV_INITRD\?'; }
test_script() { needed no-script BINFMT_SCRIPT 'Requested init /init failed .*CONFIG_BINFMT_SCRIPT'; }
test_elf() { needed no-elf BINFMT_ELF 'Requested init /init failed .*CONFIG_BINFMT_ELF'; }
CALLS='/init: kernel: this kernel lacks CONFIG_'
test_signalfd() { needed no-signalfd SIGNALFD "${CALLS}SIGNALFD,"; }
test_inotify() { needed no-inotify INOTIFY_USER "${CALLS}INOTIFY_USER,"; }
test_net() { needed no-net NET "${CALLS}NET,"; }
# Neither a port nor a console: the guest has no way to say anything.
test_tty() { needed no-tty VIRTIO_CONSOLE 'nothing is on the console.*CONFIG_TTY'; }

test_serial_console() { unneeded no-serial-console SERIAL_8250_CONSOLE; }
test_debugfs() { unneeded no-debugfs DEBUG_FS -s "$DEMO"; }
test_cgroups() { unneeded no-cgroups CGROUPS -s "$DEMO"; }
test_ptys() { unneeded no-ptys UNIX98_PTYS; }
test_printk() { unneeded no-printk PRINTK; }
test_tracing() { unneeded no-tracing FTRACE; }

ABSENT='the scheduler did not attach: sched_ext sysfs absent: does this kernel have CONFIG_'
test_sched_ext() { for_schedulers no-sched-ext SCHED_CLASS_EXT sched-not-attached 201 "${ABSENT}SCHED_CLASS_EXT\\?"; }
test_btf() { for_schedulers no-btf DEBUG_INFO_BTF sched-not-attached 201 "${ABSENT}DEBUG_INFO_BTF\\?"; }
test_bpf() { for_schedulers no-bpf BPF_SYSCALL sched-not-attached 201 "${ABSENT}BPF_SYSCALL\\?"; }

. shunit2
