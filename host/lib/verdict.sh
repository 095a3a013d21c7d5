# The verdict: one word, one exit code, one reason.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   the table of docs/verdicts.md as code, in its order; the first that holds.
# In:    $out/result.json as ktrecv wrote it (flat, one key a line, strings escaped, so no guest text can
#        forge a line); console.log and qemu.log for reasons, and for --fail-on-warn; run_*, opt_*. Out:
#        verdict, verdict_code, verdict_reason, res_*, and what dumps.sh and console.sh find.
# Exit:  none of its own.
#
# A verdict comes from frames. "pass" needs each piece of evidence to be there, not just the absence of
# bad news.
# shellcheck disable=SC2015,SC2034,SC2154

decide_verdict() {
	trap '' HUP INT QUIT TERM
	read_result
	list_dumps
	find_error_dump
	read_console
	verdict='' verdict_code='' verdict_reason=''
	judge_launcher || judge_guest || judge_scheduler || judge_end || judge_kernel || judge_payload
}

give() { # VERDICT CODE REASON
	verdict=$1 verdict_code=$2 verdict_reason=$3
}

judge_launcher() {
	if [ -n "$run_error" ]; then give error 205 "$run_error"
	elif [ -n "$run_interrupted" ]; then give interrupted 130 "stopped by $run_interrupted"
	elif [ -n "$run_full" ]; then give output-limit 211 "$(describe_full_file)"
	elif [ -n "$run_timed_out" ]; then give timeout 204 "not done after $opt_limit s: $(describe_silence)"
	elif [ "$run_reader_status" -gt 2 ]; then give error 205 "$(reader_error)"
	elif ! is_ready && qemu_refused; then give error 205 "QEMU did not start: $(qemu_message)"
	else return 1
	fi
}

judge_guest() {
	if ! is_ready; then give boot-failed 206 "$(end_of_guest "the guest never said that it is ready")"
	elif [ "$res_exit_code" = null ]; then give lost 203 "$(end_of_guest "the VM ended without an exit frame")"
	elif [ "$res_damaged" != 0 ]; then give corrupt 207 "$res_damaged damaged places in the guest's stream"
	elif [ "$res_complete" = false ]; then give corrupt 207 "the guest's stream: $(describe_missing)"
	elif [ "$res_init_error" != null ]; then give init-failed 209 "$res_init_error"
	else return 1
	fi
}

judge_scheduler() {
	died_because=''
	[ "$res_died_reason" = null ] || died_because=": $res_died_reason"
	[ "$res_ejected_reason" = null ] || died_because=": the kernel has thrown it out, $res_ejected_reason"
	[ -z "$error_reason" ] || died_because=": $error_reason"
	if [ "$res_died" = true ] && [ "$res_attached" != true ]; then
		give sched-failed 200 "the scheduler ended before it was attached$died_because"
	elif [ "$res_not_attached" = true ]; then
		give sched-not-attached 201 "the scheduler did not attach: $res_not_attached_reason"
	elif [ "$res_died" = true ] && [ -z "$opt_expect_death" ]; then
		give sched-died 202 "the scheduler died during the run$died_because"
	elif [ "$res_died" != true ] && [ -n "$opt_expect_death" ]; then
		give sched-survived 208 "the scheduler was expected to die"
	elif [ -n "$opt_scheduler" ] && [ "$res_attached" != true ]; then
		give sched-not-attached 201 "no frame says that the scheduler was attached"
	else return 1
	fi
}

# An exit frame says how the guest ended. It is 0, or something that came before it explains it.
judge_end() {
	if [ "$res_exec_exit_code" = null ] && [ -n "$opt_command$opt_shell" ]; then
		give init-failed 209 "the payload's status never came"
	elif ! payload_failed && [ "$res_exit_code" != 0 ]; then
		give init-failed 209 "the guest ended with $res_exit_code, and nothing that it sent says why"
	else return 1
	fi
}

judge_kernel() {
	[ -n "$opt_fail_on_warn" ] && [ "$con_warned" -gt 0 ] || return 1
	give kernel-warned 210 "kernel reports on the console: $con_warned, the first: $con_warn"
}

payload_failed() {
	[ "$res_exec_exit_code" != null ] && [ "$res_exec_exit_code" != 0 ]
}

judge_payload() {
	if judge_tests; then :
	elif payload_failed; then
		give fail "$res_exec_exit_code" "the payload ended with $res_exec_exit_code"
		keep_code_nonzero
	else give pass 0 ''
	fi
}

# A process can end with 1 to 255 only: what a guest invents beyond that must not come out as 0.
keep_code_nonzero() {
	case $verdict_code in
	[1-9] | [1-9][0-9] | 1[0-9][0-9] | 2[0-4][0-9] | 25[0-5]) ;;
	*) verdict_code=255 ;;
	esac
}

is_ready() {
	[ "$res_sys_ready" = true ]
}

# QEMU that refuses its arguments ends with an error before the guest has printed anything.
qemu_refused() {
	[ -z "$run_qemu_killed" ] && [ "$run_qemu_status" -ne 0 ] && [ ! -s "$out/console.log" ]
}

reader_error() {
	printf %s "the guest's stream can't be decoded: $(head -n 1 "$work/ktrecv.err"), status $run_reader_status"
}

# What the guest never said is as ktrecv writes it for an empty stream.
read_result() {
	res_exit_code=null res_exec_exit_code=null res_sched_exit_code=null res_sys_ready=false res_init_error=null
	res_attached=false res_name=null res_died=false res_died_reason=null res_not_attached=false
	res_not_attached_reason=null res_end=null res_started=false res_elapsed_ms=null res_damaged=0
	res_ejected=false res_ejected_reason=null res_bytes=0 res_complete=null res_missing=0 res_truncated=false
	res_tests_passed=0 res_tests_failed=0 res_tests_skipped=0
	[ -r "$out/result.json" ] || return 0
	# without the lists: a line of megabytes takes the shell minutes
	grep '^  "[a-z_]*": [^[]' "$out/result.json" >"$work/values"
	while IFS= read -r res_line; do
		case $res_line in
		'  "'*'": '*) take_result "$res_line" ;;
		esac
	done <"$work/values"
}

take_result() { # LINE
	res_key=${1#'  "'}
	res_key=${res_key%%'"'*}
	res_value=${1#*'": '}
	res_value=${res_value%,}
	case $res_value in
	'"'*'"') res_value=${res_value#'"'}; json_plain "${res_value%'"'}"; res_value=$plain ;;
	esac
	case $res_key in
	bytes) take_integer && res_bytes=$res_value ;;
	complete) res_complete=$res_value ;;
	missing_bytes) take_integer && res_missing=$res_value ;;
	truncated) res_truncated=$res_value ;;
	exit_code) take_integer && res_exit_code=$res_value ;;
	exec_exit_code) take_integer && res_exec_exit_code=$res_value ;;
	sched_exit_code) take_integer && res_sched_exit_code=$res_value ;;
	elapsed_ms) take_integer && res_elapsed_ms=$res_value ;;
	damaged) take_integer && res_damaged=$res_value ;;
	tests_passed) take_integer && res_tests_passed=$res_value ;;
	tests_failed) take_integer && res_tests_failed=$res_value ;;
	tests_skipped) take_integer && res_tests_skipped=$res_value ;;
	sys_ready) res_sys_ready=$res_value ;;
	init_error) res_init_error=$res_value ;;
	scheduler_attached) res_attached=$res_value ;;
	scheduler_name) res_name=$res_value ;;
	scheduler_ejected) res_ejected=$res_value ;;
	scheduler_ejected_reason) res_ejected_reason=$res_value ;;
	scheduler_died) res_died=$res_value ;;
	scheduler_died_reason) res_died_reason=$res_value ;;
	scheduler_not_attached) res_not_attached=$res_value ;;
	scheduler_not_attached_reason) res_not_attached_reason=$res_value ;;
	scheduler_end) res_end=$res_value ;;
	payload_started) res_started=$res_value ;;
	esac
}

take_integer() {
	case ${res_value#-} in
	'' | *[!0-9]*) return 1 ;;
	esac
}
