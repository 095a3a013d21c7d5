#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun's verdict: the table of docs/use/verdicts.md, its order, and that nothing of the guest's can forge it.
# The frames are prepared; that a guest sends them is shown in test/vm.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

# verdict_of WORD CODE OPTIONS ITEM...: with these frames and options (one string), the verdict is this one.
verdict_of() {
	word=$1
	code=$2
	options=$3
	shift 3
	streams "$@"
	# shellcheck disable=SC2086  # a list of words
	ktrun $options
	assert_verdict "$word" "$code"
}

SCHED="-s $KT_TOP/build/scx_demo"

test_all_went_well_is_pass() {
	verdict_of pass 0 "$SCHED -- true" $READY $ATTACHED $STARTED $ENDED $OUT0 $STOPPED $EXIT
	verdict_of pass 0 "-- true" $READY $STARTED $ENDED $OUT0 $EXIT
	verdict_of pass 0 "$SCHED" $READY $ATTACHED $STOPPED $EXIT
	verdict_of pass 0 "" $READY $EXIT
	assert_value reason null
}

SUB_DUMP='scx-dump-end=number=1\x20type=error\x20kind=1025\x20complete=1\x20rule=counter\x20bytes=1\x20lines=1\x20lost=0\x20unsent=0'

test_the_reason_of_a_death_is_not_that_of_a_sub_scheduler_or_of_another_one() {
	sub="sched-state=sub-attached\x20ms=1\x20sub=28\x20name=demo\x20cgroup=/a"
	verdict_of sched-died 202 "$SCHED -- true" $READY $ATTACHED $sub \
		"$SUB_DUMP\x20sub=28\x20name=demo\x20cgroup=/a\x20reason=scx_bpf_error\x20(sub)" \
		"sched-state=sub-ejected\x20ms=2\x20sub=28\x20name=demo\x20kind=1025\x20reason=scx_bpf_error" \
		'sched-state=killed\x20ms=400\x20signal=9\x20core=0' sched-exit#i32:137 $OUT0 $EXIT
	assertTrue "the signal: $(value reason)" "value reason | grep -q 'killed after 0.40 s by signal 9'"
	assertFalse "the sub-scheduler's reason: $(value reason)" "value reason | grep -q scx_bpf_error"
	assert_matches '^  sub-sched  demo /a: ejected \(scx_bpf_error\)$' err
	assert_matches '^  dump 1     error 1025 of demo /a, complete' err
	verdict_of sched-died 202 "$SCHED -- true" $READY $ATTACHED \
		"$SUB_DUMP\x20sub=0\x20name=other\x20cgroup=\x20reason=scx_bpf_error\x20(other)" $DIED $OUT0 $EXIT
	assertFalse "another scheduler's reason: $(value reason)" "value reason | grep -q scx_bpf_error"
	verdict_of sched-died 202 "$SCHED -- true" $READY $ATTACHED \
		"$SUB_DUMP\x20sub=0\x20name=demo\x20cgroup=\x20reason=scx_bpf_error\x20(own)" $DIED $OUT0 $EXIT
	assertTrue "its own reason: $(value reason)" "value reason | grep -qF 'scx_bpf_error (own)'"
}

EXIT_LINE='sched-log====SCHED_OUTPUT_START=== sched-log=demo:\x20EXIT:\x20unregistered\x20from\x20the\x20main\x20kernel\x20(cpu\x201\x20going\x20offline)\ndemo:\x20back\x20again\n sched-log====SCHED_OUTPUT_END==='
CPU_GONE='sched-state=detached\x20ms=200\x20name=demo\x20kind=66\x20reason=unregistered\x20from\x20the\x20main\x20kernel:\x20cpu\x201\x20going\x20offline'

# The log has the reason of the restart, and no word about the end.
test_the_reason_of_a_death_is_not_that_of_an_earlier_restart() {
	detached='sched-state=detached\x20ms=400\x20name=demo\x20kind=64\x20reason=unregistered\x20from\x20user\x20space'
	killed='sched-state=killed\x20ms=400\x20signal=11\x20core=0'
	for own_end in "$detached" ''; do
		verdict_of sched-died 202 "$SCHED -- true" $READY $ATTACHED $CPU_GONE $ATTACHED $EXIT_LINE $own_end $DIED $killed \
			sched-exit#i32:139 $OUT0 $EXIT
		assert_value reason 'the scheduler died during the run: killed after 0.40 s by signal 11 (SIGSEGV): demo: back again'
	done
	verdict_of sched-bad-exit 212 "$SCHED -- true" $READY $ATTACHED $CPU_GONE $ATTACHED $STARTED $OUT0 $EXIT_LINE $detached \
		'sched-state=stopped\x20code=3' $EXIT
	assert_value reason 'the scheduler, asked to end, ended with code 3: demo: back again'
}

# One that did not attach again has died of it.
test_the_reason_of_a_restart_that_never_came_is_told() {
	verdict_of sched-died 202 "$SCHED -- true" $READY $ATTACHED $CPU_GONE $EXIT_LINE $DIED \
		'sched-state=exited\x20ms=400\x20code=3' sched-exit#i32:3 $OUT0 $EXIT
	assertTrue "the reason: $(value reason)" "value reason | grep -qF 'EXIT: unregistered from the main kernel (cpu 1'"
}

test_a_scheduler_that_was_killed_for_lack_of_memory() {
	killed='sched-state=killed\x20ms=400\x20signal=9\x20core=0'
	printf '[    1.0] booted\n[    2.0] Out of memory: Killed process 12 (%s) total-vm:9kB\n' scx_other scx_demo >stub/console
	verdict_of sched-died 202 "$SCHED -- true" $READY $ATTACHED $DIED $killed sched-exit#i32:137 $OUT0 $EXIT
	assertTrue "$(value reason)" "value reason | grep -qF '(SIGKILL): Out of memory: Killed process 12 (scx_demo)'"
	printf '[    1.0] booted\n[    2.0] Out of memory: Killed process 12 (%s) total-vm:9kB\n' scx_other >stub/console
	verdict_of sched-died 202 "$SCHED -- true" $READY $ATTACHED $DIED $killed sched-exit#i32:137 $OUT0 $EXIT
	assertFalse "another process: $(value reason)" "value reason | grep -qF 'Out of memory'"
}

test_a_payload_that_was_killed_for_lack_of_memory() {
	printf '[    1.0] booted\n[    2.0] Out of memory: Killed process 12 (stress) total-vm:9kB\n' >stub/console
	verdict_of fail 137 "-- true" $READY $STARTED $ENDED exec-exit#i32:137 $EXIT
	assert_value reason 'the payload ended with 137; the kernel had reported: Out of memory: Killed process 12 (stress)'
	verdict_of fail 7 "-- true" $READY $STARTED $ENDED $OUT7 $EXIT
	assert_value reason 'the payload ended with 7'
}

test_no_frame_at_all_is_boot_failed() {
	verdict_of boot-failed 206 "-- true"
}

test_no_sys_ready_comes_before_all_that_the_frames_say() {
	verdict_of boot-failed 206 "$SCHED -- true" lifecycle#phase:1 $ATTACHED $STARTED $OUT0 $EXIT
	verdict_of boot-failed 206 "$SCHED -- true" $DAMAGE $IERR $DIED $OUT7
}

test_no_exit_frame_is_lost_before_damage_and_all_else() {
	verdict_of lost 203 "$SCHED -- true" $READY $ATTACHED $STARTED $ENDED $OUT0 $STOPPED
	verdict_of lost 203 "$SCHED -- true" $READY $DAMAGE $IERR $DIED $OUT7
}

test_damage_is_corrupt_before_all_that_the_frames_say() {
	verdict_of corrupt 207 "$SCHED -- true" $READY $DAMAGE $IERR $DIED $OUT7 $EXIT
	verdict_of corrupt 207 "-- true" $READY $STARTED badcrc:stdout=hello $OUT0 $EXIT
	verdict_of corrupt 207 "-- true" $READY $STARTED $OUT0 $DAMAGE $EXIT
}

test_a_stream_with_bytes_missing_is_corrupt() {
	verdict_of corrupt 207 "-- true" $READY $STARTED $OUT0 'fin=\xff\x0f\x00\x00\x00\x00\x00\x00' exit#i32:0
	verdict_of corrupt 207 "-- true" $READY $STARTED $OUT0 exit#i32:0
	assert_matches 'corrupt.*an exit frame without a fin frame' err
	assert_value complete false
	assert_value missing_bytes null
	assert_value fin_seen false
}

test_init_error_comes_after_what_frames_say_of_the_scheduler_and_before_all_that_is_missing() {
	verdict_of sched-failed 200 "$SCHED -- true" $READY $IERR $DIED $OUT7 $EXIT
	verdict_of sched-not-attached 201 "$SCHED -- true" $READY $IERR $NOT_ATTACHED $EXIT
	verdict_of sched-died 202 "$SCHED -- true" $READY $ATTACHED $STARTED $IERR $DIED $OUT7 $EXIT
	verdict_of init-failed 209 "$SCHED -- true" $READY $IERR $EXIT
	verdict_of init-failed 209 "$SCHED --expect-death -- true" $READY $ATTACHED $IERR $OUT0 $EXIT
	verdict_of init-failed 209 "$SCHED -- true" $READY $ATTACHED $STARTED $IERR $OUT7 $STOPPED_BADLY $EXIT
	assert_value init_error 'payload: it broke'
}

test_a_failed_line_of_a_script_is_a_verdict_when_nothing_else_is_wrong() {
	verdict_of init-failed 209 "$SCHED -- true" $READY $SCRIPT_ERROR $ATTACHED $STARTED $OUT0 $STOPPED fin exit#i32:209
	assert_value reason 'script: /sched_enable:2: no'
	verdict_of fail 7 "$SCHED -- true" $READY $SCRIPT_ERROR $ATTACHED $STARTED $OUT7 $STOPPED $EXIT
	assert_matches '^  script     /sched_enable:2: no' err
	verdict_of sched-died 202 "$SCHED -- true" $READY $SCRIPT_ERROR $ATTACHED $STARTED $DIED $OUT0 $EXIT
	assert_matches '^  script     /sched_enable:2: no' err
	verdict_of sched-bad-exit 212 "$SCHED -- true" $READY $SCRIPT_ERROR $ATTACHED $STARTED $OUT0 $STOPPED_BADLY fin exit#i32:209
	verdict_of init-failed 209 "-- true" $READY $SCRIPT_ERROR $IERR $STARTED $OUT0 fin exit#i32:209
	assert_value reason 'payload: it broke'
}

test_a_scheduler_that_ends_badly_when_asked_to_is_sched_bad_exit() {
	for code in 1 2 126 127 130 134 137 139 255; do
		verdict_of sched-bad-exit 212 "$SCHED -- true" $READY $ATTACHED $STARTED $OUT7 "sched-state=stopped\x20code=$code" $EXIT
	done
	verdict_of sched-bad-exit 212 "$SCHED" $READY $ATTACHED "sched-state=stopped\x20code=x" $EXIT
	for code in 0 143; do # what it was asked with is no crash
		verdict_of pass 0 "$SCHED -- true" $READY $ATTACHED $STARTED $OUT0 "sched-state=stopped\x20code=$code" $EXIT
	done
}

test_the_reason_of_a_bad_exit_names_signal_or_code_and_the_log_s_words() {
	log='sched-log====SCHED_OUTPUT_START=== sched-log=free():\x20invalid\x20pointer\n sched-log====SCHED_OUTPUT_END==='
	verdict_of sched-bad-exit 212 "$SCHED -- true" $READY $ATTACHED $STARTED $OUT0 'sched-state=stopped\x20code=139' $log $EXIT
	assert_value reason 'the scheduler, asked to end, ended by signal 11 (SIGSEGV): free(): invalid pointer'
	verdict_of sched-bad-exit 212 "$SCHED -- true" $READY $ATTACHED $STARTED $OUT0 'sched-state=stopped\x20code=137' $EXIT
	assert_value reason 'the scheduler, asked to end, ended by signal 9 (SIGKILL)'
	verdict_of sched-bad-exit 212 "$SCHED -- true" $READY $ATTACHED $STARTED $OUT0 mark#stamp:5:scheduler-kill 'sched-state=stopped\x20code=137' $EXIT
	assert_value reason 'the scheduler, asked to end, ended only when it was killed: it did not react to SIGTERM in time'
	verdict_of sched-bad-exit 212 "$SCHED -- true" $READY $ATTACHED $STARTED $OUT0 'sched-state=stopped\x20code=3' $EXIT
	assert_value reason 'the scheduler, asked to end, ended with code 3'
}

test_after_an_expected_death_the_status_is_no_bad_exit() {
	for code in 1 137 139; do
		verdict_of pass 0 "$SCHED --expect-death -- true" $READY $ATTACHED $STARTED "sched-state=ejected\x20ms=2" $OUT0 "sched-state=stopped\x20code=$code" $EXIT
	done
	verdict_of fail 7 "$SCHED --expect-death -- true" $READY $ATTACHED $STARTED "sched-state=ejected\x20ms=2" $OUT7 $STOPPED_BADLY $EXIT
}

test_a_bad_exit_may_be_allowed() {
	verdict_of pass 0 "$SCHED --allow-bad-exit -- true" $READY $ATTACHED $STARTED $OUT0 $STOPPED_BADLY $EXIT
	verdict_of fail 7 "$SCHED --allow-bad-exit -- true" $READY $ATTACHED $STARTED $OUT7 $STOPPED_BADLY $EXIT
}

test_a_death_before_the_attach_is_sched_failed() {
	verdict_of sched-failed 200 "$SCHED -- true" $READY $DIED $EXIT
	verdict_of sched-failed 200 "$SCHED -- true" $READY $DIED $NOT_ATTACHED $OUT7 $EXIT
	verdict_of sched-failed 200 "$SCHED --expect-death -- true" $READY $DIED $EXIT
}

test_no_attach_is_sched_not_attached() {
	verdict_of sched-not-attached 201 "$SCHED -- true" $READY $NOT_ATTACHED $EXIT
	verdict_of sched-not-attached 201 "$SCHED -- true" $READY $NOT_ATTACHED $STARTED $OUT7 $EXIT
	verdict_of sched-not-attached 201 "$SCHED --expect-death -- true" $READY $NOT_ATTACHED $EXIT
}

test_no_attach_in_time_names_the_seconds_and_the_word_that_changes_them() {
	verdict_of sched-not-attached 201 "$SCHED -- true" $READY $NOT_ATTACHED $EXIT
	assert_value reason 'the scheduler did not attach within 30 s (--append ktbox.attach_timeout=SECS gives it more)'
	streams $READY $NOT_ATTACHED $EXIT
	ktrun $SCHED --append 'ktbox.attach_timeout=9 quiet ktbox.attach_timeout=7' --append xktbox.attach_timeout=8 -- true
	assert_value reason 'the scheduler did not attach within 7 s (--append ktbox.attach_timeout=SECS gives it more)'
	verdict_of sched-not-attached 201 "$SCHED -- true" $READY lifecycle#phase:4:absent $EXIT
	assert_value reason 'the scheduler did not attach: absent'
}

test_a_death_after_the_attach_is_sched_died_before_the_payload() {
	verdict_of sched-died 202 "$SCHED -- true" $READY $ATTACHED $STARTED $DIED $OUT7 $EXIT
	verdict_of sched-died 202 "$SCHED -- true" $READY $ATTACHED $STARTED $OUT0 $DIED $EXIT
}

test_a_death_is_not_explained_by_how_the_process_was_stopped_later() {
	verdict_of sched-died 202 "$SCHED -- true" $READY $ATTACHED $STARTED \
		'sched-state=detached\x20ms=400\x20name=demo\x20kind=65\x20reason=unregistered\x20from\x20BPF' \
		lifecycle#phase:3:gone $OUT0 $STOPPED $EXIT
	assert_value reason 'the scheduler died during the run: gone: unregistered from BPF'
}

test_a_sched_exit_frame_alone_is_a_death() {
	verdict_of sched-died 202 "$SCHED -- true" $READY $ATTACHED $STARTED sched-exit#i32:0 $OUT0 $EXIT
}

test_an_expected_death_leaves_the_word_to_the_payload() {
	verdict_of pass 0 "$SCHED --expect-death -- true" $READY $ATTACHED $STARTED $DIED $OUT0 $EXIT
	verdict_of fail 7 "$SCHED --expect-death -- true" $READY $ATTACHED $STARTED $DIED $OUT7 $EXIT
}

test_an_expected_death_that_did_not_come_is_sched_survived_before_the_payload() {
	verdict_of sched-survived 208 "$SCHED --expect-death -- true" $READY $ATTACHED $STARTED $OUT0 $STOPPED $EXIT
	verdict_of sched-survived 208 "$SCHED --expect-death -- true" $READY $ATTACHED $STARTED $OUT7 $STOPPED $EXIT
}

test_the_code_of_the_payload_is_the_code_of_fail() {
	for code in 1 7 126 127 130 143 200 202 205 255; do
		verdict_of fail "$code" "-- true" $READY $STARTED "exec-exit#i32:$code" $EXIT
	done
}

test_a_code_that_no_process_has_is_still_a_failure() {
	for code in -1 256 512 -2147483648; do
		verdict_of fail 255 "-- true" $READY $STARTED "exec-exit#i32:$code" $EXIT
	done
}

test_the_number_of_the_exit_frame_does_not_make_a_pass() {
	verdict_of fail 7 "-- true" $READY $STARTED $OUT7 $EXIT
}

test_a_payload_without_a_status_is_no_pass() {
	verdict_of init-failed 209 "-- true" $READY $STARTED $ENDED $EXIT
}

test_a_scheduler_without_an_attach_is_no_pass() {
	streams $READY $STARTED $OUT0 $EXIT
	# shellcheck disable=SC2086
	ktrun $SCHED -- true
	assertNotEquals "status" 0 "$status"
	assertNotEquals "verdict" pass "$(value verdict)"
}

test_what_follows_the_exit_frame_does_not_count() {
	verdict_of pass 0 "-- true" $READY $STARTED $OUT0 $EXIT $IERR $DAMAGE
}

test_a_kernel_panic_is_named_by_its_line() {
	printf '[    1.0] before\r\n[    2.5] Kernel panic - not syncing: %s\r\n[    2.6] CPU: 0\r\n' \
		'sysrq triggered crash' >stub/console
	verdict_of lost 203 "-- true" $READY $STARTED
	value reason >reason.out
	assert_matches 'Kernel panic - not syncing: sysrq triggered crash$' reason.out
	assert_matches 'Kernel panic - not syncing: sysrq triggered crash' err
}

test_a_guest_that_prints_a_panic_line_and_ends_in_order_passes() {
	echo 'Kernel panic - not syncing: a joke' >stub/console
	verdict_of pass 0 "-- true" $READY $STARTED $OUT0 $EXIT
}

test_a_report_that_a_process_prints_is_none_of_the_kernel() {
	printf '[    1.0] booted\r\nWARNING: of a process\r\n' >stub/console
	verdict_of pass 0 "--fail-on-warn -- true" $READY $STARTED $OUT0 $EXIT
	assert_value kernel_report_count 0
	printf '[    1.0] booted\r\npayload[    2.0] WARNING: of the kernel\r\n' >stub/console
	verdict_of kernel-warned 210 "--fail-on-warn -- true" $READY $STARTED $OUT0 $EXIT
}

test_a_qemu_that_does_not_start_is_an_error_in_its_own_words() {
	echo 'qemu: no such machine' >stub/stderr
	echo 1 >stub/code
	streams
	ktrun -- true
	assert_status 205
	assert_matches 'no such machine' err
	assert_value verdict error
}

test_no_text_of_the_guest_forges_a_key() {
	forged='x",\n\x20\x20"verdict":\x20"pass",\n\x20\x20"code":\x200,'
	verdict_of init-failed 209 "-- true" $READY "init-error=$forged" $OUT0 $EXIT
	assertEquals "lines with a verdict" 1 "$(grep -c '^  "verdict"' art/result.json)"
	verdict_of fail 7 "$SCHED -- true" $READY "sched-state=attached\\x20ms=1\\x20name=$forged" \
		$STARTED $OUT7 $EXIT
	verdict_of fail 7 "-- true" $READY "stdout=$forged" $STARTED $OUT7 $EXIT
}

test_result_json_is_json_with_ktrun_s_keys_in_front() {
	verdict_of fail 7 "$SCHED -- true" $READY 'sched-state=attached\x20ms=1\x20name=a"b\\c\xff\x1b' \
		$STARTED $OUT7 $EXIT
	"$KT_PYTHON" -c 'import json, sys
keys = json.load(open(sys.argv[1], encoding="utf-8"))
print(" ".join(keys))' art/result.json >keys
	assert_matches '^verdict code reason wall_ms accel start snapshot_age_secs kernel ' keys
	assert_matches ' exit_code exec_exit_code sched_exit_code .*sched_log_bytes$' keys
	assertEquals "one key a line" "$(wc -w <keys)" "$(grep -c '^  "[a-z_]*": ' art/result.json)"
}

test_stream_json_forges_no_key_of_the_launcher() {
	verdict_of fail 7 "-- true" $READY $STARTED $OUT7 $EXIT
	sed -i '1s/$/ "verdict": "pass", "code": 0,/' art/stream.json
	launcher 'from launcher.judge.rules import judge
from launcher.judge.result import result_bytes, write_result
from launcher.lib.rundir import RunDirectory
with RunDirectory("art") as directory:
    judgement = judge(directory)
    write_result(judgement, result_bytes(judgement))'
	assert_value verdict fail
	assert_value code 7
}

# C1 controls too, which are UTF-8 and drive some terminals.
test_result_json_has_no_raw_control_characters() {
	verdict_of fail 7 "$SCHED -- true" $READY 'sched-state=attached\x20ms=1\x20name=a\xc2\x9b2Jb\x1b\x7f' $STARTED $OUT7 $EXIT
	assert_value scheduler_name 'a\u009b2Jb\u001b\u007f'
	assertEquals "control characters" "" "$("$KT_PYTHON" -c 'import sys
print("".join(c for c in open(sys.argv[1], encoding="utf-8").read() if c != "\n" and not c.isprintable()), end="")' \
		art/result.json | od -An -tx1)"
}

test_the_summary_has_no_control_characters_of_the_guest() {
	printf 'console \033[2J \007 end\n' >stub/console
	verdict_of sched-died 202 "$SCHED -- true" $READY 'init-error=evil\x1b[2J\x07\x08text\xe2\x80\xae' \
		'sched-state=attached\x20ms=1\x20name=a\x1b[2Jname\xc2\x9b' $DIED \
		sched-log====SCHED_OUTPUT_START=== 'sched-log=log\x1b]0;title\x07\n' \
		sched-log====SCHED_OUTPUT_END=== $EXIT
	assert_matches evil err
	assert_matches 'a\?\[2Jname\?\?: attached' err
	assertEquals "control characters" "" "$(LC_ALL=C tr -d '\n -~' <err | od -An -tx1)"
}

test_the_payload_s_streams_are_ktrun_s_own_and_stay_apart() {
	verdict_of pass 0 "-- true" $READY $STARTED 'stdout=to\x20out\n\x00\xff' 'stderr=to\x20err\n' \
		'stdout=more' $OUT0 $EXIT
	printf 'to out\n\000\377more' >expected
	assert_same_bytes expected out
	assert_same_bytes expected art/stdout
	assertEquals 'to err' "$(head -n 1 err)"
	assert_file_text 'to err' art/stderr
}

test_quiet_says_nothing_about_a_pass_and_all_about_a_failure() {
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -q -- true
	assert_status 0
	assert_empty err
	verdict_of fail 7 "-q -- true" $READY $STARTED $OUT7 $EXIT
}

test_time_out_asks_for_a_dump_the_tasks_and_an_orderly_end() {
	# shellcheck disable=SC2016  # for the stub
	echo 'head -c 4 "$hvc.in" >"$stub/wake"; cat "$stub/more" >>"$bulk"' >stub/act
	encode $OUT0 $EXIT >stub/more
	verdict_of timeout 204 "-t 2 -- true" $READY $STARTED
	printf '\321\267\270\323' >expected
	assert_same_bytes expected stub/wake
	assert_value exit_code 0
}

test_a_time_out_that_is_not_heard_kills() {
	# shellcheck disable=SC2016
	echo 'trap "" TERM INT HUP; echo $$ >"$stub/pid"; exec sleep 1000' >stub/act
	verdict_of timeout 204 "-t 1 -- true" $READY $STARTED 'stdout=before'
	assert_file_text before out
	assertFalse "QEMU lives" "kill -0 $(cat stub/pid)"
	assert_no_temporary_folder
}

test_a_run_that_ends_in_time_is_not_timed_out() {
	verdict_of pass 0 "-t 20 -- true" $READY $STARTED $OUT0 $EXIT
}

# No count of the kernel's reports is not "none": --fail-on-warn would pass.
test_a_console_that_can_not_be_read_is_an_error() {
	echo '[    1.000000] WARNING: at somewhere' >stub/console
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -- true
	assert_verdict pass 0
	assertEquals "as it is" 'pass None' "$(judged)"
	rm art/console.log
	mkdir art/console.log
	assertEquals "unreadable" 'error unable to read console.log' "$(judged)"
}

# judged: verdict and reason of art/, by the judge alone.
judged() {
	launcher 'from launcher.judge.rules import judge
from launcher.lib.rundir import RunDirectory
with RunDirectory("art") as directory:
    verdict = judge(directory).verdict
print(verdict.word, verdict.reason)'
}

test_lines_are_the_same_wherever_a_block_of_the_file_ends() {
	launcher 'import launcher.lib.text as text
data = b"".join(b"%d\n" % at + b"x" * at + b"\n\n" for at in (0, 1, 999, 1000, 1001, 2000, 2500)) + b"end"
open("lines", "wb").write(data)
cut = lambda line: [line[at:at + 1000] for at in range(0, max(len(line), 1), 1000)]
expected = [piece for line in data.split(b"\n") for piece in cut(line)]
for text._BLOCK in (1, 7, 1000, 1001, 4096, 262144):
    assert list(text.short_lines("lines")) == expected, text._BLOCK
print(len(expected))' >out
	assert_file_text 26 out
}

# interrupted SIGNAL: ktrun gets it while QEMU runs.
interrupted() {
	# shellcheck disable=SC2016
	echo 'echo $$ >"$stub/pid"; "$KT_BUSYBOX" ktlatch set started; exec sleep 1000' >stub/act
	echo "KT_RUN_DIR=$KT_RUN_DIR; export KT_RUN_DIR" | cat - stub/act >act && mv act stub/act
	streams $READY $STARTED
	rm -rf art
	kt ktlatch reset started
	env --default-signal=INT "$KTRUN" -o "$PWD/art" -- true >out 2>err &
	pid=$!
	wait_latch started
	kill -s "$1" "$pid"
	end_of "$pid"
	assert_verdict interrupted 130
	assertFalse "QEMU lives" "kill -0 $(cat stub/pid)"
	assert_no_temporary_folder
}

test_signals_that_end_a_program_interrupt_and_leave_nothing() {
	for signal in INT TERM HUP USR1 ALRM XCPU; do
		interrupted "$signal"
	done
}

. shunit2
