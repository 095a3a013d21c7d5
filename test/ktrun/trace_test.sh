#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --trace without a VM: the words for the guest, and what ktrun makes of pages and formats that a guest sent,
# right ones and others. The pages are the tests' own (tools/recording.py).

# shellcheck disable=SC1091,SC2154,SC2086,SC2089,SC2090,SC2016 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

N='\x01\x00\x00\x00'
DEFAULT=sched/sched_switch,sched/sched_waking,sched/sched_wakeup_new,sched/sched_migrate_task
DEFAULT=$DEFAULT,sched_ext/sched_ext_event,sched_ext/sched_ext_bypass_lb,sched_ext/sched_ext_dump
STALL='number=1\x20type=error\x20kind=1026\x20complete=1\x20rule=counter\x20bytes=1\x20lines=1\x20lost=0\x20unsent=0'
STALL="$STALL\\x20sub=0\\x20name=demo\\x20cgroup=\\x20reason=runnable\\x20task\\x20stall\\x20(worker[77]\\x20failed"
STALL="scx-dump=\\x01\\x00\\x00\\x00x scx-dump-end=$STALL\\x20to\\x20run\\x20for\\x202.004s)"

recording() {
	"$KT_PYTHON" "$KT_TOP/test/tools/recording.py" "$@"
}

# records CASE ITEM...: sets what the guest sends: these frames, and the recording before the exit frame.
records() {
	records_case=$1
	shift
	encode $READY $ATTACHED $STARTED $ENDED "$@" >stub/stream
	recording stream "$records_case" >>stub/stream
	encode $EXIT >>stub/stream
}

# trace KEY: of the object in result.json.
trace() {
	"$KT_PYTHON" -c 'import json, sys
print(json.dumps(json.load(open("art/result.json"))["trace"][sys.argv[1]]))' "$1"
}

assert_trace() { # KEY EXPECTED
	assertEquals "$1 of $(value trace)" "$2" "$(trace "$1")"
}

test_the_guest_gets_the_default_events_and_a_size() {
	streams $READY $STARTED $OUT0 $EXIT
	ktrun --trace -- true
	assert_verdict pass 0
	assert_matches "ktbox.record=$DEFAULT ktbox.record_kb=16384$" stub/args
	assert_no_match 'record_pass' stub/args
	assert_matches '^  trace      not kept: the run passed: --trace-last SECS keeps' err
	assert_trace kept false
	assert_valid art/result.json
	ktrun --trace-last 5s --trace=a:b,c/d,a/b -m 128 --max-output 64M -- true
	assert_matches 'ktbox.record=a/b,c/d ktbox.record_kb=1024 ktbox.record_pass=1' stub/args
	for words in '--fail-on-warn' '--gate wakeup_ms_max<1000'; do
		ktrun -m 128 --trace $words -- true
		assert_matches "ktbox.record=$DEFAULT ktbox.record_kb=8192 ktbox.record_pass=1" stub/args
		assert_matches "^  trace      not kept: the (run passed|guest)" err
	done
	ktrun -m 128 --trace-last 5 -- true
	assert_matches "ktbox.record=$DEFAULT ktbox.record_kb=8192 ktbox.record_pass=1" stub/args
}

test_without_the_option_there_is_none() {
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -- true
	assert_no_match 'ktbox.record' stub/args
	assert_value trace null
	assert_no_match '^  trace' err
}

test_events_that_are_none_are_refused() {
	for word in '' ',' a a: :b a:b: 'a:b,,' a:b:c 'a:b c:d' a:../b 'a:*' "$(text 65):a"; do
		ktrun "--trace=$word" -- true
		assert_refused
		assert_matches '^ktrun: --trace: not an event, SYSTEM:NAME: ' err
	done
	for word in 0 -1 5m 1.5 s ''; do
		ktrun --trace-last "$word" -- true
		assert_refused
		assert_matches '^ktrun: --trace-last: ' err
	done
	ktrun "--trace=$(seq -f a:b%g -s , 101)" -- true
	assert_refused
	ktrun --replay art --trace
	assert_refused
}

test_a_stall_is_in_both_files_and_on_the_page() {
	records stall $STALL $DIED $OUT0
	ktrun --trace -s "$KT_TOP/build/scx_demo" --report page.html -- true
	assert_verdict sched-died 202
	assert_valid art/result.json
	assert_matches '^  trace      83 events of 2 CPUs in 3.000 s: trace.dat and trace.systrace; 1 older ones were over' err
	assertEquals "by perfetto's rules" '83 2' "$(recording rules art/trace.systrace)"
	assert_matches '^sh-50 \[000\] 4.000000000: tracing_mark_write: I.50.sched_ext_dump: sh\[50\] triggered exit kind' \
		art/trace.systrace
	trace-cmd report -t -i art/trace.dat >report.txt
	assertEquals "as trace-cmd reads it" 83 "$(recording same art/trace.systrace report.txt)"
	for key in 'first_ns 1000000000' 'last_ns 4000000000' 'overwritten 1' 'lost 0' 'damaged 0' 'complete true' \
		'whole_from_ns 2000000000' 'why null' 'dat "trace.dat"' 'dat_problem null' 'cpus 2'; do
		assert_trace ${key%% *} "${key#* }"
	done
	assert_matches '>CPU 0<' page.html
	assert_matches '>stalled: worker\[77\]<' page.html
	assert_matches 'worker\[77\] waits for a CPU, 2000.000 ms from 2.000000 s' page.html
	assert_matches 'class="death"' page.html
	assert_no_match '<script' page.html
}

test_a_task_that_stalls_before_it_has_ever_run_waits_too() {
	records newborn $STALL $DIED $OUT0
	ktrun --trace -s "$KT_TOP/build/scx_demo" --report page.html -- true
	assertEquals "by perfetto's rules" '83 2' "$(recording rules art/trace.systrace)"
	assert_matches ' 2.000000000: sched_waking: comm=worker pid=77 ' art/trace.systrace
	assert_matches '>stalled: worker\[77\]<' page.html
	assert_matches 'worker\[77\] waits for a CPU, 2000.000 ms from 2.000000 s' page.html
}

test_a_replay_makes_the_same_files_anew() {
	records stall $STALL $DIED $OUT0
	ktrun --trace -- true
	cp -r art kept
	echo old >art/trace.systrace
	rm art/trace.dat
	run "$KTRUN" --replay "$PWD/art"
	assert_same_bytes kept/trace.systrace art/trace.systrace
	assert_same_bytes kept/trace.dat art/trace.dat
	assert_same_bytes kept/result.json art/result.json
	rm art/host.json
	run "$KTRUN" --replay "$PWD/art"
	assert_same_bytes kept/trace.systrace art/trace.systrace
}

test_the_last_seconds_are_whole_pages_that_reach_to_the_end() {
	records stall $OUT0
	ktrun --trace-last 2 -- true
	assert_verdict pass 0
	assertEquals "events: $(value trace)" 24 "$(trace events)"
	assert_trace first_ns 1290000005 # the page in which the window begins
	trace-cmd report -t -i art/trace.dat >report.txt
	assertEquals "as trace-cmd reads it" 24 "$(recording same art/trace.systrace report.txt)"
	records many $OUT0
	ktrun --trace-last 1 -- true
	assertEquals "all of a recording of 9 ms" 18001 "$(trace events)"
}

test_what_is_known_only_from_before_all_cpus_have_their_events_is_not_drawn() {
	records uneven $OUT7
	ktrun --trace --report page.html -- true
	assert_trace first_ns 1000000000
	assert_trace whole_from_ns 3000000000
	assert_matches '>waits: late\[78\]<' page.html
	assert_no_match '>waits: worker|>waits: sh' page.html
	assert_matches '<title>sh\[50\] on CPU 1, 600.000 ms from 3.000000 s' page.html
	assert_matches '<title>first\[51\] on CPU 0, 3000.000 ms from 1.000000 s' page.html # by CPU 0's own events
	assert_matches 'Drawn: the last 1.000 s, .* and none of waiting from before' page.html
}

test_a_wait_from_before_that_is_drawn_where_the_kernel_says_how_long_it_was() {
	records uneven $STALL $DIED $OUT0
	ktrun --trace -s "$KT_TOP/build/scx_demo" --report page.html -- true
	assert_matches '>stalled: worker\[77\]<' page.html
	assert_matches 'worker\[77\] waits for a CPU, 1000.000 ms from 3.000000 s' page.html
}

test_a_cpu_whose_pages_are_left_out_begins_with_those_that_are_kept() {
	records in-time $OUT7
	ktrun --trace --report page.html -- true
	assert_trace whole_from_ns 1000000000
	assert_matches '<title>sh\[50\] on CPU 1, 1600.000 ms from 2.000000 s' page.html
	ktrun --trace-last 1 --report page.html -- true
	assert_trace first_ns 1000000000
	assertTrue "whole from $(trace whole_from_ns)" "[ $(trace whole_from_ns) -gt 2000000000 ]"
	assert_no_match '>waits: worker|>waits: sh' page.html
	assert_no_match 'sh\[50\] on CPU 1, 2600' page.html
}

test_a_cpu_that_recorded_nothing_lacks_nothing_and_one_whose_pages_are_gone_lacks_all() {
	records idle-cpu $OUT7
	ktrun --trace --report page.html -- true
	assert_trace whole_from_ns 1000000000
	assert_matches '>CPU 0<' page.html
	records no-cpu $OUT7
	ktrun --trace --report page.html -- true
	assert_trace whole_from_ns 4000000000
	assert_matches 'No picture: there is no time of which all CPUs have their events' page.html
	assert_no_match '>waits: |on CPU 0' page.html
}

# path_without PROGRAM: a PATH of this machine's programs but for this one.
test_without_trace_cmd_its_package_is_named_and_a_later_replay_makes_the_file() {
	mkdir bin
	for directory in /usr/bin /usr/sbin; do
		for program in "$directory"/*; do
			[ "${program##*/}" = trace-cmd ] || ln -sf "$program" "bin/${program##*/}"
		done
	done
	records stall $OUT7
	launcher 'import launcher.lib.environment as environment, os
from launcher.main import main
os.environ["PATH"] = os.getcwd() + "/bin"
environment._SYSTEM_PATH.clear()
sys.exit(main(sys.argv[1], ["-o", os.getcwd() + "/art", "--trace", "--", "true"]))' "$KT_TOP" 2>err
	assertEquals "status" 7 $?
	assert_matches '^  trace      no trace.dat: no program trace-cmd: is the package trace-cmd installed\?' err
	assert_trace dat null
	assertEquals "by perfetto's rules" '83 2' "$(recording rules art/trace.systrace)"
	run "$KTRUN" --replay "$PWD/art"
	assert_status 7
	assert_trace dat '"trace.dat"'
}

test_what_is_damaged_is_counted_and_the_rest_is_kept() {
	for case in garbage beyond length endless backwards location short unknown; do
		records "$case" $OUT7
		ktrun --trace --report page.html -- true
		assert_verdict fail 7
		assert_valid art/result.json
		assertTrue "$case: $(value trace)" "[ $(trace damaged) -gt 0 ]"
		assert_trace complete false
		assert_matches '^  trace      NOT COMPLETE: damaged: [0-9]+ pages and [0-9]+ events, the first: ' err
		assert_matches '^[0-9]+ [12]$' "$(recording rules art/trace.systrace >rules.out; echo rules.out)"
		assert_matches '>worker\[77\]|No event says which task ran' page.html
		assert_no_traceback
	done
}

assert_no_traceback() {
	assert_no_match 'Traceback|ktrun itself' err
}

test_a_page_that_is_cut_off_is_left_out() {
	records cut $OUT7
	ktrun --trace -- true
	assert_verdict fail 7
	assert_trace events 1
	assert_no_traceback
}

test_what_is_no_recording_has_its_reason() {
	for case in million big no-header bad-header; do
		records "$case" $OUT7
		ktrun --trace --report page.html -- true
		assert_verdict fail 7
		assert_trace kept false
		assert_trace dat null
		assert_matches "^  trace      not kept: the recording can't be read: " err
		assertFalse "a file is there" "[ -e art/trace.dat ] || [ -e art/trace.systrace ]"
		assert_no_traceback
	done
}

test_formats_that_no_kernel_writes_never_reach_trace_cmd() {
	for case in no-ftrace bad-format wide-format; do
		records "$case" $OUT7
		ktrun --trace -- true
		assert_verdict fail 7
		assert_trace dat null
		assert_matches '^  trace      no trace.dat: ' err
		assert_no_traceback
	done
}

# 0 and 256: it yields, another one preempts it; perfetto tells them apart.
test_states_have_the_letters_of_the_kernels_own_text() {
	launcher 'from launcher.recorder.systrace import state_letter
print(*(state_letter(state).decode() for state in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256)))' >got
	assert_file_text 'R S D T t X Z P I R+' got
}

test_names_of_tasks_break_neither_file() {
	records names $OUT7
	ktrun --trace --report page.html -- true
	assertEquals "by perfetto's rules" '3 1' "$(recording rules art/trace.systrace)"
	assert_matches 'next_comm=a_b____' art/trace.systrace
	assert_matches 'a b=&lt;|' page.html
	trace-cmd report -t -i art/trace.dat >report.txt
	assertEquals "events" 3 "$(grep -c sched_switch: report.txt)"
}

test_a_page_has_a_bounded_number_of_spans_and_says_so() {
	records many $OUT7
	ktrun --trace --report page.html -- true
	assert_trace events 18001
	assert_matches 'Drawn: the last 0\.00[0-9]* s, of which all CPUs have their events, with at most 3000 spans' page.html
	assertTrue "spans" "[ $(grep -c '<rect class="run' page.html) -le 3001 ]"
}

test_a_trace_cmd_that_hangs_or_fails_costs_only_its_file() {
	mkdir bin
	printf '#!/bin/sh\necho "no such thing" >&2\nexit 3\n' >bin/trace-cmd
	chmod +x bin/trace-cmd
	records stall $OUT7
	PATH=$PWD/bin:$PATH ktrun --trace -- true
	assert_verdict fail 7
	assert_matches '^  trace      no trace.dat: trace-cmd has ended with status 3: no such thing$' err
	printf '#!/bin/sh\nexec sleep 600\n' >bin/trace-cmd
	PATH=$PWD/bin:$PATH launcher 'from launcher.recorder import trace_dat
from launcher.main import main
trace_dat.SECS = 1
sys.exit(main(sys.argv[1], sys.argv[2:]))' "$KT_TOP" --replay "$PWD/art" 2>err
	assertEquals "status" 7 $?
	assert_matches '^  trace      no trace.dat: trace-cmd had not ended after 1 s$' err
	assertEquals "what is left" '' "$(find art -name '.ktbox-*.new')"
	assert_no_temporary_folder
}

# assert_nothing_kept: no file of the recording is in art.
assert_nothing_kept() {
	assert_trace kept false
	assertEquals "what is left" '' "$(find art -name 'trace*' -o -name ktbox-recorder -o -name kallsyms -o -name events)"
}

test_a_run_that_passes_keeps_nothing_of_what_its_guest_has_sent() {
	records stall $OUT0
	ktrun --trace --fail-on-warn -- true
	assert_verdict pass 0
	assert_matches '^  trace      not kept: the run passed: --trace-last SECS keeps' err
	assert_nothing_kept
	assertFalse "get/ is empty" "[ -e art/get ]"
	cp art/result.json result.json
	run "$KTRUN" --replay "$PWD/art"
	assert_status 0
	assert_nothing_kept
	assert_same_bytes result.json art/result.json
}

test_what_get_asked_for_stays() {
	for path in /sys /sys/kernel/tracing/events/ /sys/kernel/tracing/events/header_page; do
		records stall $OUT0
		ktrun --trace --fail-on-warn --get "$path" -- true
		assert_verdict pass 0
		assert_trace kept false
		assertTrue "$path is there" "[ -e art/get/sys/kernel/tracing/events/header_page ]"
		[ $path = /sys ] || assertFalse "raw pages" "[ -e art/get/sys/kernel/tracing/instances ]"
	done
}

# A replay makes get/ anew, so that this is the second guard.
test_a_link_in_a_run_directory_is_not_followed() {
	mkdir -p elsewhere/kernel/tracing/instances/ktbox-recorder/per_cpu art/get
	ln -s "$PWD/elsewhere" art/get/sys
	launcher 'from launcher.lib.rundir import RunDirectory
from launcher.recorder.kept import remove_pages
remove_pages(RunDirectory(sys.argv[1]), ())' "$PWD/art"
	assertEquals "status" 0 $?
	assertTrue "what the link leads to" "[ -d elsewhere/kernel/tracing/instances/ktbox-recorder/per_cpu ]"
}

test_a_verdict_that_only_the_host_knows_keeps_it() {
	records stall $OUT0
	ktrun --trace --gate 'wakeup_ms_max<1000' -- true
	assert_verdict inconclusive 214
	assert_trace kept true
	assert_trace events 83
	assertTrue "both files" "[ -s art/trace.dat ] && [ -s art/trace.systrace ]"
	records stall 'sched-state=stopped\x20code=1' $OUT0
	ktrun --trace -s "$KT_TOP/build/scx_demo" -- true
	assert_verdict sched-bad-exit 212
	assert_trace kept true
	ktrun --trace --allow-bad-exit -s "$KT_TOP/build/scx_demo" -- true
	assert_verdict pass 0
	assert_nothing_kept
}

test_a_failure_that_the_guest_did_not_see_is_no_pass() {
	streams $READY $STARTED $OUT0 $EXIT
	ktrun --trace --gate 'wakeup_ms_max<1000' -- true
	assert_verdict inconclusive 214
	assert_matches '^  trace      not kept: the guest sends it when it sees a failure itself, and only ktrun saw' err
}

test_a_size_without_space_is_refused_and_the_least_one_is_named() {
	streams $READY $STARTED $OUT0 $EXIT
	for size in 1M 2M; do
		ktrun --trace --max-output $size -- true
		assert_refused
		assert_matches "^ktrun: --trace: --max-output $size has no space for the recorder's files: give at least 3M$" err
	done
	ktrun --trace --max-output 4M --vmcore -- true
	assert_refused
	assert_matches "give at least 6M$" err
	ktrun --trace --max-output 3M -- true
	assert_verdict pass 0
	ktrun --max-output 1M -- true
	assert_verdict pass 0
}

test_a_file_that_had_no_space_is_named_once() {
	encode $READY $STARTED "file=${N}kind=begin\\x20path=/sys/kernel/tracing/header" \
		"file=${N}kind=failed\\x20errno=2\\x20path=/sys/kernel/tracing/header" \
		"file-end=${N}files=0\\x20folders=0\\x20bytes=0\\x20failed=1\\x20skipped=0" $OUT7 $EXIT >stub/stream
	ktrun --trace -- true
	assert_verdict fail 7
	assert_matches '^  trace      not kept: cut: /sys/kernel/tracing/header: No such file or directory$' err
}

test_a_guest_that_died_has_sent_none_and_that_is_said() {
	streams $READY $STARTED
	ktrun --trace -- true
	assert_verdict lost 203
	assert_matches '^  trace      not kept: the guest ended before it sent it$' err
}

test_the_files_of_get_are_listed_and_those_of_the_recorder_are_not() {
	encode $READY $STARTED >stub/stream
	recording stream stall >>stub/stream
	encode "file=${N}kind=begin\\x20path=/tmp/out" "file=${N}kind=failed\\x20errno=2\\x20path=/tmp/out" \
		"file-end=${N}files=0\\x20folders=0\\x20bytes=0\\x20failed=1\\x20skipped=0" $OUT7 $EXIT >>stub/stream
	ktrun --trace --get /tmp/out -- true
	assert_verdict fail 7
	assertEquals "$(cat err)" 1 "$(grep -c '^  files ' err)"
	assert_trace complete true
}

test_a_recording_that_is_cut_says_so() {
	encode $READY $STARTED >stub/stream
	recording stream stall | head -c -60 >>stub/stream
	ktrun --trace -- true
	assert_verdict lost 203
	assert_matches '^  trace      NOT COMPLETE: cut: /sys/kernel/tracing/instances/ktbox-recorder/per_cpu/cpu1/' err
	assert_no_traceback
}

test_a_cell_of_a_matrix_records() {
	records stall $STALL $DIED $OUT0
	printf 'scheduler = demo %s\npayload = true true\noptions = --trace\n' "$KT_TOP/build/scx_demo" >m.conf
	run "$KTRUN" --matrix "$PWD/m.conf" -o "$PWD/m"
	assert_status 1
	assertEquals "recordings" 1 "$(find m -name trace.systrace | wc -l)"
}

test_what_init_could_not_record_is_named() {
	streams $READY 'mark#stamp:5:recorder:no-event-a/b' 'mark#stamp:6:payload-starting' \
		$STARTED 'mark#stamp:7:recorder:forged' $OUT0 $EXIT
	ktrun --trace=a:b -- true
	assert_matches '^  trace      no-event-a/b$' err
	assert_no_match forged err
	assert_trace lacks '["no-event-a/b"]'
}

. shunit2
