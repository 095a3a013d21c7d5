#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktwatch on a directory that stands for /: what it sends at which moment, what it says of files that are absent, what
# it asks of tracefs. Whether a kernel takes that is tested on a real one (test/vm/stats_test.sh).

# shellcheck disable=SC1091,SC2154,SC2317 # what is sourced sets them; shunit2 calls the tests
. "$KT_TEST_LIB/unit.sh"

TRACING=root/sys/kernel/tracing
INSTANCE=$TRACING/instances/ktstats

setUp() {
	mkdir -p root/proc/pressure root/sys/kernel/sched_ext/root root/sys/devices/system/cpu/cpu0/cache/index2 \
		root/sys/devices/system/cpu/cpu0/cache/index3 root/sys/devices/system/node/node0
	printf 'cpu  1 2\ncpu0 1 2\nintr 1 2 3\nctxt 77\nbtime 5\nprocs_running 2\nprocs_blocked 0\n' >root/proc/stat
	printf 'version 17\ntimestamp 5\ncpu0 0 0\ndomain0 MC 3 0\n' >root/proc/schedstat
	printf 'some avg10=0.00 avg60=0.00 avg300=0.00 total=9\n' >root/proc/pressure/cpu
	echo '0.10 0.20 0.30 1/71 155' >root/proc/loadavg
	echo enabled >root/sys/kernel/sched_ext/state
	echo demo >root/sys/kernel/sched_ext/root/ops
	echo 'SCX_EV_A 3' >root/sys/kernel/sched_ext/root/events
	echo 1024K | tee root/sys/devices/system/cpu/cpu0/cache/index2/size >root/sys/devices/system/cpu/cpu0/cache/index3/size
	echo 0 >root/sys/devices/system/cpu/cpu0/cache/index2/shared_cpu_list
	echo 0-1 >root/sys/devices/system/cpu/cpu0/cache/index3/shared_cpu_list
	echo 0-3 >root/sys/devices/system/node/node0/cpulist
	fake_tracefs
}

# The files of an instance are there before ktwatch makes it, as mkdir makes them in tracefs.
fake_tracefs() {
	for event in sched/sched_waking sched/sched_switch sched/sched_migrate_task synthetic/kt_wakeup; do
		mkdir -p "$INSTANCE/events/$event"
		: >"$INSTANCE/events/$event/trigger"
		echo "counts of $event" >"$INSTANCE/events/$event/hist"
	done
	: >"$TRACING/synthetic_events"
	: >"$INSTANCE/tracing_on"
	: >"$INSTANCE/buffer_size_kb"
}

start_ktwatch() { # OPTION...
	"$KT_BUSYBOX" ktwatch -p port -r root "$@" 2>err &
	pid=$!
	wait_latch stats_ready
}

begin() {
	kill -USR1 "$pid"
	wait_latch stats_begun
}

end_ktwatch() {
	kill -TERM "$pid"
	end_of "$pid"
	assertEquals "status of ktwatch: $(cat err)" 0 "$status"
	assert_empty err
}

# kinds: the kinds of all frames, on one line.
kinds() {
	"$KT_PYTHON" -c 'import sys
sys.path.insert(0, sys.argv[1])
from frames import frames_of, read
print(" ".join(payload[8:].split()[0].decode() for _, payload in frames_of(read("port"))))' "$KT_TOP/test/tools"
}

# origins: the numbers and the token of all frames, on one line.
origins() {
	"$KT_PYTHON" -c 'import sys
sys.path.insert(0, sys.argv[1])
from frames import frames_of, read
heads = [payload[8:].split(b"\n")[0].decode().split(" ") for _, payload in frames_of(read("port"))]
print(*(head[1] for head in heads), *{head[2] for head in heads})' "$KT_TOP/test/tools"
}

# section KIND NAME: the bytes of all sections of this name in frames of this kind.
section() {
	"$KT_PYTHON" -c 'import re, sys
sys.path.insert(0, sys.argv[3])
from frames import frames_of, read
for _, payload in frames_of(read("port")):
    assert len(payload) <= 32752
    kind, _, rest = payload[8:].partition(b"\n")
    while rest:
        head = re.match(rb"@(\S+) (\d+)\n", rest)
        text = rest[head.end():head.end() + int(head.group(2))]
        rest = rest[head.end() + len(text) + 1:]
        if kind.split()[0].decode() == sys.argv[1] and head.group(1).decode() == sys.argv[2]:
            sys.stdout.buffer.write(text)' "$1" "$2" "$KT_TOP/test/tools"
}

assert_section() { # KIND NAME TEXT
	assertEquals "section $2 of $1" "$3" "$(section "$1" "$2")"
}

test_begin_and_end_are_samples_and_the_histograms_come_last() {
	start_ktwatch
	begin
	end_ktwatch
	assertEquals 'ready topology begin end histograms' "$(kinds)"
}

test_of_a_large_file_only_the_lines_of_the_scheduler_are_sent() {
	start_ktwatch
	begin
	end_ktwatch
	assert_section begin stat 'cpu  1 2
cpu0 1 2
ctxt 77
procs_running 2'
	assert_section begin schedstat 'cpu0 0 0'
	assert_section begin scx_events 'SCX_EV_A 3'
	assert_section end scx_ops demo
}

test_an_absent_file_is_named_with_the_reason() {
	start_ktwatch
	begin
	end_ktwatch
	section begin absent >reasons
	assert_matches '^psi_io: No such file or directory$' reasons
	assert_matches '^scx_nr_rejected: No such file or directory$' reasons
	assert_no_match '^stat: ' reasons
}

# start_scheduler ANSWER: a server that gives it for each line of a client.
start_scheduler() {
	mkdir -p root/var/run/scx/root
	echo "$1" >answer
	"$KT_PYTHON" -c 'import socket
server = socket.socket(socket.AF_UNIX)
server.bind("root/var/run/scx/root/stats")
server.listen(1)
open("listens", "w").close()
client = server.accept()[0]
with client.makefile("rb") as lines, open("requests", "ab", 0) as requests:
    for line in lines:
        requests.write(line)
        client.sendall(open("answer", "rb").read())' &
	scheduler=$!
	wait_until '[ -e listens ]'
}

test_a_scheduler_that_serves_statistics_is_asked_at_each_sample() {
	start_scheduler '{"errno":0,"args":{"resp":{"nr":7}}}'
	start_ktwatch
	begin
	end_ktwatch
	wait "$scheduler"
	assertEquals 'ready topology begin scheduler end scheduler histograms' "$(kinds)"
	assert_section scheduler scx_stats '{"errno":0,"args":{"resp":{"nr":7}}}{"errno":0,"args":{"resp":{"nr":7}}}'
	assertEquals "requests" '{"req":"stats","args":{"target":"top"}}' "$(sort -u requests)"
	assertEquals "requests" 2 "$(wc -l <requests)"
}

# 300 KB without a newline.
test_an_endless_answer_ends_the_connection_and_nothing_else() {
	start_scheduler "$(head -c 300000 /dev/zero | tr '\0' x)"
	start_ktwatch
	begin
	end_ktwatch
	kill "$scheduler"
	wait "$scheduler"
	assertEquals 'ready topology begin end histograms' "$(kinds | sed 's/ scheduler//g')"
	section scheduler absent >said
	assert_matches "^scx_stats: the scheduler's answer has no end within 256 KiB" said
}

test_a_scheduler_that_never_answers_holds_the_end_up_for_a_moment_only() {
	start_scheduler ''
	: >answer
	start_ktwatch
	begin
	end_ktwatch
	wait "$scheduler"
	assertEquals 'ready topology begin end scheduler histograms' "$(kinds)"
	section scheduler absent >said
	assert_matches '^scx_stats: the scheduler has not answered$' said
	assertEquals "requests" 1 "$(wc -l <requests)"
}

# A scheduler that has died leaves the name of its socket behind.
test_a_scheduler_that_refuses_to_be_asked_is_named() {
	mkdir -p root/var/run/scx/root
	"$KT_PYTHON" -c 'import socket; socket.socket(socket.AF_UNIX).bind("root/var/run/scx/root/stats")'
	start_ktwatch
	begin
	end_ktwatch
	assertEquals 'ready topology begin scheduler end scheduler histograms' "$(kinds)"
	section scheduler absent >said
	assert_matches '^scx_stats: Connection refused$' said
}

test_the_topology_is_that_of_the_last_cache() {
	start_ktwatch
	begin
	end_ktwatch
	assert_section topology llc_0 0-1
	assert_section topology node_0 0-3
	assert_section topology newest_pid 155
	assert_section topology wakeups windows
}

test_a_cache_that_the_kernel_only_supposes_is_none() {
	rm root/sys/devices/system/cpu/cpu0/cache/index3/size
	start_ktwatch
	begin
	end_ktwatch
	assert_section topology llc_0 0
	rm port root/sys/devices/system/cpu/cpu0/cache/index2/size
	kt ktlatch reset stats_ready
	kt ktlatch reset stats_begun
	start_ktwatch
	begin
	end_ktwatch
	assert_section topology llc_0 ''
}

test_without_a_start_only_the_first_frame_is_sent() {
	start_ktwatch
	end_ktwatch
	assertEquals ready "$(kinds)"
}

test_frames_have_a_number_each_and_the_token_of_this_process() {
	seq 1 30000 | sed 's/^/cpu/' >>root/proc/stat
	start_ktwatch
	begin
	end_ktwatch
	origins >first
	assert_matches '^1 2 3 4 5 [0-9 ]*[0-9] [0-9a-f]{16}$' first
	assertEquals "numbers" "$(seq 1 "$(kinds | wc -w)" | tr '\n' ' ')" "$(sed 's/[^ ]*$//' first)"
	rm port
	kt ktlatch reset stats_ready
	kt ktlatch reset stats_begun
	start_ktwatch
	end_ktwatch
	assertNotEquals "tokens of two processes" "$(sed 's/.* //' first)" "$(origins | sed 's/.* //')"
}

test_it_waits_without_a_wakeup_before_the_start() {
	start_ktwatch
	assert_sleeps "$pid"
	end_ktwatch
}

test_a_sample_comes_once_per_second() {
	start_ktwatch
	begin
	wait_until 'grep -qa sample port'
	end_ktwatch
	assertEquals 'ready topology begin sample end histograms' "$(kinds)"
}

test_the_histograms_are_those_of_new_and_old_tasks() {
	start_ktwatch -a
	begin
	assert_matches '^hist:keys=common_cpu,lat.buckets=100:size=[0-9]+ if lat >= 1000 && pid > 155$' \
		"$INSTANCE/events/synthetic/kt_wakeup/trigger" # the last of four: each is written at the begin of the file
	end_ktwatch
	assert_section histograms wakeup 'counts of synthetic/kt_wakeup'
	assert_section histograms migrate 'counts of sched/sched_migrate_task'
	assert_section topology wakeups all
}

test_a_window_ends_with_the_triggers_removed_and_all_wakeups_have_none() {
	start_ktwatch
	begin
	wait_until "[ ! -s $INSTANCE/events/sched/sched_switch/trigger ]"
	assert_empty "$INSTANCE/events/sched/sched_waking/trigger"
	end_ktwatch
	rm -r root/sys/kernel/tracing port
	kt ktlatch reset stats_ready
	kt ktlatch reset stats_begun
	fake_tracefs
	start_ktwatch -a
	begin
	a_moment
	assert_matches 'onmatch\(sched.sched_waking\)\.kt_wakeup' "$INSTANCE/events/sched/sched_switch/trigger"
	end_ktwatch
	assert_empty "$INSTANCE/events/sched/sched_switch/trigger"
}

test_a_kernel_without_synthetic_events_is_named_and_the_rest_is_sent() {
	rm "$TRACING/synthetic_events"
	start_ktwatch
	begin
	end_ktwatch
	assert_section histograms absent 'wakeup: /sys/kernel/tracing/synthetic_events: No such file or directory'
	assert_section histograms migrate 'counts of sched/sched_migrate_task'
	assertEquals 'ready topology begin end histograms' "$(kinds)"
}

test_a_kernel_without_tracefs_is_named_and_the_rest_is_sent() {
	rm -r root/sys/kernel/tracing
	start_ktwatch
	begin
	end_ktwatch
	section topology absent >reasons
	assert_matches '^wakeup: /sys/kernel/tracing/instances/ktstats: No such file' reasons
	assert_matches '^migrate: No such file' reasons
	assert_section begin scx_ops demo
}

test_what_does_not_fit_into_a_frame_goes_into_further_ones() {
	seq 1 30000 | sed 's/^/cpu/' >>root/proc/stat
	text 100000 >"$INSTANCE/events/synthetic/kt_wakeup/hist"
	start_ktwatch
	begin
	end_ktwatch
	assertEquals "bytes of /proc/stat" 30000 "$(section end stat | grep -c '^cpu[0-9]*$')"
	assertEquals "bytes of the histogram" 100000 "$(section histograms wakeup | wc -c)"
}

test_a_port_that_takes_nothing_does_not_keep_it_from_ending() {
	mkfifo full
	exec 7<>full
	"$KT_BUSYBOX" ktwatch -p full -r root 2>err 7>&- &
	pid=$!
	wait_latch stats_ready
	head -c 49 <&7 >ready # the whole frame
	text 65536 >&7
	kill -USR1 "$pid"
	a_moment
	kill -TERM "$pid"
	cat <&7 >drained &
	reader=$!
	end_of "$pid"
	assertEquals "status of ktwatch: $(cat err)" 0 "$status"
	wait_until 'grep -qa histograms drained'
	kill "$reader"
	exec 7>&-
	assert_matches 'end [0-9]+ [0-9a-f]{16}$' drained
}

. shunit2
