#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What /init does so that nothing of a run is missing without being known: the fin frame, the
# acknowledgement, the live log, an ejection that is told at once; and what only the reference's host
# gets.
# shellcheck disable=SC2016,SC2317  # the stubs' behaviour is text; shunit2 calls the tests

. "$KT_TEST_LIB/boot.sh"

port_has_sent() { # BYTES
	mkdir -p root/sys/kernel/debug/virtio-ports
	printf 'name: ktstr-bulk\nbytes_sent: %s\nbytes_received: 0\n' "$1" \
		>root/sys/kernel/debug/virtio-ports/vport0p1
}

test_fin_has_what_the_kernel_says_that_the_port_has_sent() {
	port_has_sent 4711
	boot
	assert_order 'ktpipe got TERM' 'ktsend fin 4711' 'ktsend exit 0'
}

test_fin_is_unknown_where_the_kernel_does_not_tell() {
	boot
	assert_order 'ktpipe got TERM' 'ktsend fin unknown' 'ktsend exit 0'
}

# A sender that is killed in the middle of a write: its bytes are counted after fin has been read.
test_fin_is_sent_again_when_another_sender_came_in_between() {
	port_has_sent 4711
	when ktsend 'case $1$2 in
		fin4711) sent=5000 ;;
		fin5000) sent=5024 ;;
		esac
		[ -z "${sent:-}" ] || echo "bytes_sent: $sent" >"$KTBOX_ROOT/sys/kernel/debug/virtio-ports/vport0p1"'
	boot
	assert_order 'ktsend fin 4711' 'ktsend fin 5000' 'ktsend exit 0'
	assert_times 2 '^ktsend fin'
}

test_an_acknowledgement_that_comes_ends_the_wait() {
	cmdline ktbox.ack=1
	when ktsend '[ "$1" != -b ] || ktlatch set artifacts_received'
	note_latch_calls
	boot
	for shell in $BOOT_SHELLS; do
		assert_matches '^wait .*artifacts_received' "$shell/latch_calls"
		assertTrue "acknowledged under $shell" "[ -e $shell/run/kt/artifacts_received ]"
	done
	assert_order 'kthvc' 'ktsend exec-exit' 'kthvc' 'ktsend fin unknown' 'ktsend -b exit 0' 'reboot -f'
}

test_an_acknowledgement_that_does_not_come_is_not_waited_for_forever() {
	cmdline ktbox.ack=1
	boot
	assert_order 'ktsend -b exit 0' 'reboot -f'
}

test_the_live_log_is_sent_as_it_grows_and_not_as_a_block() {
	cmdline ktbox.live_log=1
	when ktdump 'case $1 in -f) trap on_term TERM; ktlatch set log_ready; stay ;; esac'
	when ktexitmon 'echo log >"$KTBOX_ROOT/tmp/sched.log"; ktlatch set sched_attached; stay'
	boot
	assert_did 'ktdump -f ./sched.fifo -c /tmp/sched.log -t'
	assert_order 'ktexitmon -l ./sched.fifo' 'ktdump got TERM' 'ktsend exit 0'
	assert_did_not '^ktdump /tmp/sched.log'
}

test_a_live_log_without_a_terminal_is_a_fifo() {
	cmdline ktbox.live_log=1 ktbox.log_tty=0
	when ktdump 'case $1 in -f) trap on_term TERM; [ -p "$2" ] && note a fifo; stay ;; esac'
	boot
	assert_did 'ktdump -f ./sched.fifo -c /tmp/sched.log' 'a fifo'
	assert_exit 0
}

test_a_log_whose_terminal_can_not_be_made_is_sent_at_the_end() {
	cmdline ktbox.live_log=1
	when ktdump 'case $1 in -f) exit 1 ;; esac'
	when ktexitmon 'echo log >"$KTBOX_ROOT/tmp/sched.log"; ktlatch set sched_attached; stay'
	boot
	assert_did 'ktexitmon -l /tmp/sched.log /scheduler' 'ktdump /tmp/sched.log'
	assert_did_not '^ktsend init-error'
	assert_exit 0
}

test_a_live_log_that_was_not_sent_whole_is_an_error() {
	cmdline ktbox.live_log=1
	when ktdump 'case $1 in -f) trap "exit 1" TERM; ktlatch set log_ready; stay ;; esac'
	boot
	assert_order 'ktsend init-error teardown: the scheduler' 'ktsend exit 209'
	assert_exit 209
}

test_an_ejection_is_reported_at_once_though_the_process_lives_on() {
	when ktexec 'ktlatch set payload_runs; stay'
	when ktexitmon 'ktlatch set sched_attached; ktlatch wait payload_runs
		ktlatch set sched_ejected; ktlatch set sched_detached; a_moment; note a moment has passed; stay'
	boot
	assert_order 'ktsend lifecycle scheduler-died the kernel ejected it' 'a moment has passed' \
		'ktexec got TERM' 'ktsend exit 202'
	assert_exit 202
}

test_what_only_the_references_host_asks_for_is_left_out_for_ktrun() {
	boot
	assert_did_not '^ktrelay|kern-addrs'
}

# for_the_reference MACHINE: the host is the reference's, and the guest is such a machine.
for_the_reference() {
	ln -s "$KT_TEST_LIB/boot-stub.sh" root/stubs/uname
	when uname "echo $1"
	echo console=ttyS0 >root/proc/cmdline
	printf '  01000000-0225b8af : Kernel code\n' >root/proc/iomem
	printf 'ffffffff81000000 T _text\nffffffff82a856a8 D page_offset_base\n' >root/proc/kallsyms
	when ktexec 'ktlatch wait addresses_sent; exit 0'
	when ktsend '[ "$1" != kern-addrs ] || ktlatch set addresses_sent; note "ktsend $*"'
}

test_the_references_host_gets_the_relay_and_the_addresses() {
	for_the_reference x86_64
	boot
	assert_order 'ktsend sys-ready' 'ktrelay ktstr-stats /var/run/scx/root/stats'
	assert_order 'ktsend kern-addrs 0x1 0xffffffff82a856a8 0xffffffff81000001' 'ktsend exit 0'
}

test_a_kernel_whose_mapping_was_moved_further_than_its_memory_has_addresses_too() { # KASLR
	for_the_reference x86_64
	sed -i s/ffffffff81000000/ffffffffa1000000/ root/proc/kallsyms
	boot
	assert_order 'ktsend kern-addrs 0xffffffffe0000001 0xffffffff82a856a8 0xffffffffa1000001' 'ktsend exit 0'
}

test_the_addresses_of_another_architecture_are_unknown() {
	for_the_reference aarch64
	boot
	assert_order 'ktsend kern-addrs 0 0 0' 'ktsend exit 0'
}

. shunit2
