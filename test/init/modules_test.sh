#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# /init's modules and shared folders: when they come, and what happens when one fails.
# shellcheck disable=SC2016,SC2317  # the stubs' behaviour is text; shunit2 calls the tests

. "$KT_TEST_LIB/boot.sh"

test_modules_are_loaded_in_order_before_the_ports_are_needed() {
	printf 'virtio\nvirtio_pci\n' >root/.ktbox/modules
	boot
	assert_order 'chrt' 'insmod /.ktbox/modules.d/virtio.ko' 'insmod /.ktbox/modules.d/virtio_pci.ko' \
		'ktport ktstr-bulk' 'ktsend exit 0'
}

test_a_module_that_is_not_taken_ends_the_run_and_is_named() {
	printf 'virtio\nvirtio_pci\n' >root/.ktbox/modules
	when insmod 'exit 1'
	boot
	assert_did_not '^ktexec'
	assert_in dev/ttyS1 '^ktbox: modules: the kernel refused virtio$'
	assert_times 1 '^insmod'
}

test_shares_are_mounted_before_the_scheduler_and_the_payload() {
	printf '9p ro ktbox0 /mnt/a b\n9p rw ktbox1 /srv/x\n' >root/.ktbox/shares
	boot
	assert_order 'ktsend lifecycle init-started' \
		'mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=262144 ktbox0 /mnt/a b' \
		'mount -t 9p -o rw,trans=virtio,version=9p2000.L,msize=262144 ktbox1 /srv/x' 'ktexitmon -l' 'ktexec'
	for shell in $BOOT_SHELLS; do
		assertTrue "the folder under $shell" "[ -d '$shell/mnt/a b' ]"
	done
	assert_exit 0
}

test_a_share_that_can_not_be_mounted_ends_the_run() {
	echo '9p ro ktbox0 /mnt/a' >root/.ktbox/shares
	when mount '[ "$2" != 9p ]'
	boot
	assert_did_not '^ktex'
	assert_did "ktsend init-error shares: cannot mount /mnt/a: does this kernel have virtio-9p?"
	assert_exit 209
}

test_without_any_nothing_is_done() {
	boot
	assert_did_not '^insmod'
	assert_did_not '9p'
	assert_exit 0
}

. shunit2
