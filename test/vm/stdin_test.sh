#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun's stdin in a real guest: whole, to its end, and never waited for. Three VMs: one that reads all of
# it in turn, one whose input never ends, one whose script is the input.

# shellcheck disable=SC1091,SC2016,SC2154 # what is sourced sets them; text for the guest's shell
. "$KT_TEST_LIB/vm.sh"

# vm_with_input NAME ARG...: as vm(), with this function's own stdin.
vm_with_input() {
	vm_name=$1
	shift
	timeout -k 20 $((VM_CEILING + 40)) "$KTRUN" -t "$VM_CEILING" -o "$VMS/$vm_name" "$@" \
		>"$VMS/$vm_name.out" 2>"$VMS/$vm_name.err"
	echo $? >"$VMS/$vm_name.status"
}

oneTimeSetUp() {
	bytes 24000000 >"$FILES/big"
	vm_with_input big -m 300 -- tee /dev/stderr <"$FILES/big"
	yes "never ends" | vm_with_input endless -- sh -c 'head -n 1; echo done; exit 6'
	cat >"$FILES/script" <<-'END'
		printf 'a\000b\377'
		echo "to stderr" >&2
		tty
		exit 4
	END
	vm_with_input script -- sh <"$FILES/script"
}

test_24_mb_of_any_bytes_come_and_go_whole() {
	look big
	assert_verdict pass 0
	assert_same_bytes "$FILES/big" "$out"
	assert_same_bytes "$FILES/big" "$art/stdout"
	assert_same_bytes "$FILES/big" "$art/stderr"
}

test_an_input_without_end_does_not_keep_the_run() {
	look endless
	assert_verdict fail 6
	assertEquals "never ends done" "$(tr '\n' ' ' <"$out" | sed 's/ $//')"
	assert_nothing_left endless
}

test_a_script_on_stdin_runs_and_its_streams_stay_apart() {
	look script
	assert_verdict fail 4
	printf 'a\000b\377not a tty\n' >expected
	assert_same_bytes expected "$out"
	assert_file_text 'to stderr' "$art/stderr"
}

. shunit2
