#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The payload on a real kernel: its code is ktrun's, its two streams come back apart and byte for byte, and
# its arguments reach it exactly as typed.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

NEWLINE='
'

# quoted_run NAME ARG...: the payload prints its arguments, a NUL behind each, and exits 7.
quoted_run() {
	printf '%s\0' "$@" >"$FILES/arguments"
	# shellcheck disable=SC2016  # for the guest's shell
	vm quoted -- sh -c 'printf "%s\0" "$@"; cat /proc/sys/vm/swappiness >&2; exit 7' name "$@"
}

oneTimeSetUp() {
	bytes 5000000 1 >"$FILES/one.bin"
	bytes 1000000 2 >"$FILES/two.bin"
	vm streams -s "$DEMO" --dmesg -i "$FILES/one.bin" -i "$FILES/two.bin" \
		-- sh -c 'cat /include-files/one.bin & cat /include-files/two.bin >&2; wait'
	# shellcheck disable=SC2016  # meant literally
	quoted_run 'two  spaces' "it's" 'say "hi"' "a${NEWLINE}b$NEWLINE" '*' '/proc/s*' \
		'$HOME' '${HOME}' '`id`' '$(id)' '' \
		'back\slash' '\n' '-n' '#' '~' ';' '&' '|' '<x>' '!' "'" '"' "'\\''" 'é' '	' ''
	vm code_202 -- sh -c 'exit 202'
	vm missing -- no_such_command
}

test_a_run_with_a_scheduler_and_a_payload_that_ends_with_0_passes() {
	look streams
	assert_verdict pass 0
	assert_value exec_exit_code 0
	assert_value exit_code 0
	assert_value scheduler_attached true
	assert_value scheduler_name scx_demo
	assert_value scheduler_died false
	assert_value sched_exit_code null
	assert_value payload_started true
	assert_value damaged 0
	assert_value truncated false
}

test_the_scheduler_of_a_run_that_passes_is_stopped_and_its_log_is_there() {
	look streams
	assert_value scheduler_end 'stopped code=0'
	assert_matches '^scx_demo: attached' "$art/sched.log"
	assert_value sched_log_blocks 1
	assert_no_match 'sched_ext_dump' "$art/console.log"
}

test_stdout_and_stderr_come_back_live_and_as_artifacts_byte_for_byte() {
	look streams
	assert_same_bytes "$FILES/one.bin" "$out"
	assert_same_bytes "$FILES/one.bin" "$art/stdout"
	assert_same_bytes "$FILES/two.bin" "$art/stderr"
	head -c 1000000 "$err" >err.head
	assert_same_bytes "$FILES/two.bin" err.head
	assert_value stdout_bytes 5000000
	assert_value stderr_bytes 1000000
}

test_bytes_of_a_run_are_the_stream_s() {
	look streams
	payload stdout "$art/bulk.bin" >decoded
	assert_same_bytes "$FILES/one.bin" decoded
	assertEquals "last frame" exit "$(types_in "$art/bulk.bin" | sed 's/.* //')"
}

test_the_guest_counts_its_time_by_the_frequency_that_it_was_told() {
	look streams
	told=$(sed -n 's/.*tsc_early_khz=\([0-9]*\)[0-9]\{3\} .*/\1/p' "$art/dmesg" | head -n 1)
	assertNotNull "$told"
	assert_matches "tsc: Detected $told\.[0-9]* MHz" "$art/dmesg"
}

test_dmesg_is_an_artifact_when_asked_for_and_only_then() {
	look streams
	assert_matches 'Linux version ' "$art/dmesg"
	look quoted
	assert_empty_or_missing "$art/dmesg"
}

test_the_code_of_the_payload_is_the_code_of_ktrun() {
	look quoted
	assert_verdict fail 7
	assert_value exec_exit_code 7
	assert_value scheduler_attached false
}

test_arguments_reach_the_payload_exactly() {
	look quoted
	assert_same_bytes "$FILES/arguments" "$out"
	assert_same_bytes "$FILES/arguments" "$art/stdout"
}

test_without_an_enable_script_the_kernel_has_its_default() {
	look quoted
	assert_file_text 60 "$art/stderr"
}

test_a_payload_that_ends_with_202_failed_and_no_scheduler_died() {
	look code_202
	assert_verdict fail 202
	assert_value scheduler_died false
}

test_a_payload_that_is_not_there_fails_with_127() {
	look missing
	assert_verdict fail 127
	assert_matches no_such_command "$art/stderr"
}

. shunit2
