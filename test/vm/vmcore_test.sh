#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# --vmcore: the memory of a guest that panics, is lost or reaches the limit, opened by drgn.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

TIME_LIMIT=25 # seconds, boot included: long enough for the boot on a loaded machine

oneTimeSetUp() {
	vm_heard before panic --vmcore -- sh -c "echo before; $GO; echo c >/proc/sysrq-trigger"
	vm limit --vmcore -t "$TIME_LIMIT" -- sh -c 'echo ready; exec sleep 600'
	vm passed --vmcore -- true
	vm small --vmcore --max-output 8M -- reboot -f
	vm_begin killed --vmcore -- sh -c 'echo ready; exec sleep 600'
	if vm_hears ready; then kill -KILL "$(vm_qemu)"; fi
	vm_finish
	XDG_CACHE_HOME=$FILES/cache vm warm --vmcore --warm -- sh -c 'echo c >/proc/sysrq-trigger'
}

# drgn_says NAME: what drgn reads from the run's vmcore, in the file "said".
drgn_says() {
	drgn --no-default-symbols -q -c "$VMS/$1/vmcore" "$KT_TOP/test/tools/vmcore.py" "$VMS/$1/vmcore" \
		>said 2>said.err
	kt_verdict $? "drgn: $(tail -n 3 said.err)"
}

assert_opens() { # NAME
	release=$(cat "$KT_TOP/build/kernel/version")
	drgn_says "$1"
	assert_file_text "VMCOREINFO $release
memory Linux $release" said
}

bytes_of_vmcore() {
	sed -n 's/^  "vmcore": {"bytes":\([0-9a-z]*\),.*/\1/p' "$result"
}

test_the_memory_of_a_panic_opens_with_its_kernel_s_addresses() {
	look panic
	assert_verdict lost 203
	assert_value_matches reason 'Kernel panic - not syncing: sysrq triggered crash'
	assert_file_text before "$art/stdout"
	assert_opens panic
	assertEquals "bytes in result.json" "$(wc -c <"$art/vmcore")" "$(bytes_of_vmcore)"
	assert_matches '^  vmcore     [0-9.]+ MiB, taken at the end of the guest$' "$err"
	assert_nothing_left panic
}

test_the_memory_at_the_limit_opens_and_the_guest_still_comes_to_its_end() {
	look limit
	assert_verdict timeout 204
	assert_opens limit
	assertNotEquals "exit frame" null "$(value exit_code)"
	assert_matches '^  vmcore     [0-9.]+ MiB, taken at the time limit$' "$err"
}

test_the_memory_of_a_resumed_guest_opens() {
	look warm
	assert_verdict lost 203
	assert_value start warm
	assert_opens warm
}

test_a_run_that_passes_leaves_none() {
	look passed
	assert_verdict pass 0
	assertFalse "a vmcore" "[ -e $art/vmcore ]"
	assert_value vmcore '{"bytes":null,"problem":null}'
	assert_no_match vmcore "$err"
}

test_a_vmcore_that_is_larger_than_its_half_of_the_limit_is_not_kept() {
	look small
	assert_verdict lost 203
	assertFalse "a vmcore" "[ -e $art/vmcore ]"
	assert_matches '^  vmcore     none: it takes more than its half of --max-output, 4096 KiB$' "$err"
	assert_nothing_left small
}

test_a_qemu_that_is_gone_leaves_none_and_the_summary_says_so() {
	look killed
	assert_verdict lost 203
	assertFalse "a vmcore" "[ -e $art/vmcore ]"
	assert_matches '^  vmcore     none: QEMU ' "$err"
}

test_a_replay_keeps_the_vmcore_and_says_the_same() {
	cp -R "$VMS/panic" copy
	run "$KTRUN" --replay copy
	assert_status 203
	cmp copy/vmcore "$VMS/panic/vmcore"
	kt_verdict $? "the vmcore has changed"
	assert_matches '^  vmcore     [0-9.]+ MiB, taken at the end of the guest$' err
}

# shellcheck disable=SC1091
. shunit2
