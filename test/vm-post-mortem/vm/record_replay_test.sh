#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# --record-replay and --repeat, with a real QEMU: the death of a scheduler and a run that reaches its limit come out the
# same, and gdb goes backwards in the first.

# shellcheck disable=SC1091,SC2016,SC2154 # what is sourced sets them; $pc is gdb's
. "$KT_TEST_LIB/vm.sh"

FUNCTION=scx_bpf_error_bstr # which the demo scheduler calls once

oneTimeSetUp() {
	vm names --append nokaslr -- grep " $FUNCTION\$" /proc/kallsyms
	vm death --record-replay -s "$DEMO" -a "--error-after 300" -- sleep 600
	vm limit --record-replay -t 25 -- sh -c 'echo ready; exec sleep 600'
	for name in death limit; do
		"$KTRUN" --repeat "$VMS/$name" >"$VMS/$name.again" 2>&1
		echo $? >>"$VMS/$name.again"
	done
	debug "$VMS/death"
}

# debug DIR: gdb at the end of the recording, back to the call, and one instruction more.
debug() {
	address=0x$(cut -d ' ' -f 1 "$VMS/names.out")
	"$KTRUN" --repeat "$1" --gdb 2>"$VMS/debug.err" &
	debug_pid=$!
	wait_until "grep -q 'the guest stands at its end' '$VMS/debug.err'"
	port=$(sed -n "s/.*target remote :\([0-9]*\)'.*/\1/p" "$VMS/debug.err")
	timeout 400 gdb -nx -batch -ex 'set architecture i386:x86-64' -ex 'set remotetimeout 120' \
		-ex "target remote :$port" -ex "break *$address" -ex 'reverse-continue' -ex 'printf "at %#lx\n", $pc' \
		-ex 'reverse-stepi' -ex 'printf "before %#lx\n", $pc' -ex kill >"$VMS/gdb" 2>&1 </dev/null
	wait "$debug_pid"
	echo $? >"$VMS/debug.status"
}

assert_repeated() { # NAME
	assert_matches '^ktrun: the same, byte by byte: bulk.bin [1-9][0-9]* bytes, console.log [1-9][0-9]* bytes' \
		"$VMS/$1.again"
	assertEquals "exit code" 0 "$(tail -n 1 "$VMS/$1.again")"
}

test_a_recorded_death_is_a_death_like_any_other() {
	look death
	assert_verdict sched-died 202
	assert_dump_whole 1
	assert_value_matches record_replay '^\{"bytes":[1-9][0-9]*,"problem":null\}$'
	assert_matches '^  recorded   [0-9.]+ MiB; ktrun --repeat runs the guest again$' "$err"
	assert_nothing_left death
}

test_it_comes_out_the_same_byte_by_byte() {
	assert_repeated death
}

test_what_ktrun_sent_at_the_limit_is_in_the_recording_too() {
	look limit
	assert_verdict timeout 204
	assert_matches 'sysrq: Show State' "$art/console.log"
	assert_repeated limit
}

test_a_changed_run_is_not_the_same() {
	cp -R "$VMS/death" changed
	printf x | dd of=changed/console.log bs=1 seek=100 conv=notrunc 2>/dev/null
	run "$KTRUN" --repeat changed
	assert_status 1
	assert_matches '^ktrun: console.log \(console\) is not the same: it differs from byte 100 of ' err
}

test_gdb_goes_back_to_the_call_and_to_the_instruction_before_it() {
	assert_matches '^at 0x[0-9a-f]+$' "$VMS/gdb"
	assertEquals "where it stops" "$address" "$(sed -n 's/^at //p' "$VMS/gdb")"
	assertNotEquals "one instruction before ($(cat "$VMS/gdb"))" "$address" "$(sed -n 's/^before //p' "$VMS/gdb")"
	assert_matches '^before 0xffffffff[0-9a-f]{8}$' "$VMS/gdb"
	assertEquals "exit code" 0 "$(cat "$VMS/debug.status")"
}

# shellcheck disable=SC1091
. shunit2
