#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The figures of a run: what ktrun makes of the kernel's texts in stats frames, of the payload's metric frames, and of
# what well-known programs print; hostile ones too.

# shellcheck disable=SC1091,SC2016,SC2154,SC2086 # what is sourced sets them; text for others; items are words
. "$KT_TEST_LIB/stub.sh"

TOKEN=00112233445566aa

# put MS KIND [NAME TEXT]...: one more stats frame of ktwatch, in $ITEMS.
put() {
	number=$((number + 1))
	put_as "$number $TOKEN" "$@"
}

# put_as NUMBER_AND_TOKEN MS KIND [NAME TEXT]...
put_as() {
	files=$((files + 1))
	"$KT_PYTHON" -c 'import struct, sys
origin, ms, kind, *rest = sys.argv[1:]
text = f"{kind} {origin}\n" + "".join("@%s %d\n%s\n" % (name, len(text), text)
                                     for name, text in zip(rest[::2], rest[1::2]))
sys.stdout.buffer.write(struct.pack("<Q", int(ms)) + text.encode())' "$@" >"frame.$files"
	ITEMS="$ITEMS stats@frame.$files"
}

# put_raw TEXT: one more, with this text.
put_raw() {
	files=$((files + 1))
	printf '\001\0\0\0\0\0\0\0%s' "$1" >"frame.$files"
	ITEMS="$ITEMS stats@frame.$files"
}

# put_own TEXT: the same after a head of ktwatch's.
put_own() { # KIND TEXT
	number=$((number + 1))
	put_raw "$1 $number $TOKEN
$2"
}

# fresh: no frame is there but ktwatch's first.
fresh() {
	ITEMS='' number=0 files=0
	put 800 ready
}

# cpus BUSY IDLE STEAL CTXT: /proc/stat of two CPUs that are the same.
cpus() {
	echo "cpu  0 0 0 0 0 0 0 0 0 0
cpu0 $1 0 0 $2 0 0 0 $3 0 0
cpu1 $1 0 0 $2 0 0 0 $3 0 0
ctxt $4
procs_running 3"
}

waits() { # ON_CPU_NS WAIT_NS RUNS
	echo "cpu0 0 0 0 0 0 0 $1 $2 $3
cpu1 0 0 0 0 0 0 0 0 0"
}

psi() { # US
	echo "some avg10=0.00 avg60=0.00 avg300=0.00 total=$1
full avg10=0.00 avg60=0.00 avg300=0.00 total=0"
}

# buckets OPERATOR < lines "CPU LAT COUNT" or "CPU LOW-HIGH COUNT": a histogram as tracefs prints it.
buckets() {
	echo "# event histogram
# trigger info: hist:keys=common_cpucommon_cpu,lat:vals=hitcount:sort=hitcount:size=4096 if lat < 1000 && pid $1 146 [active]
"
	sed -E 's/^(.*) (.*-.*) (.*)$/{ common_cpu:          \1, lat: ~ \2 } hitcount:          \3/
s/^([0-9]*) ([0-9]*) ([0-9]*)$/{ common_cpu:          \1, lat:         \2 } hitcount:          \3/'
	echo "
Totals:
    Hits: 1
    Entries: 1
    Dropped: 0
"
}

moves() { # ORIG DEST COUNT
	echo "{ orig_cpu:          $1, dest_cpu:          $2 } hitcount:          $3"
}

# begin_run [WAKEUPS]
begin_run() {
	fresh
	put 900 topology llc_0 0 llc_1 1 node_0 0-1 newest_pid 146 wakeups "${1:-windows}"
	put 1000 begin stat "$(cpus 100 100 0 1000)" schedstat "$(waits 1000000 2000000 10)" psi_cpu "$(psi 1000)" \
		scx_ops demo scx_events "SCX_EV_A 5
SCX_EV_B 0" scx_nr_rejected 2
}

# end_run [ARG...]: the rest of a run of one second, in which all went well.
end_run() {
	put 2000 end stat "$(cpus 150 150 3 1500)" schedstat "$(waits 61000000 12000000 20)" psi_cpu "$(psi 901000)" \
		scx_ops demo scx_events "SCX_EV_A 25
SCX_EV_B 0" scx_nr_rejected 2
	put 2001 histograms \
		wakeup "$({ echo '0 5 3'; echo '1 7 1'; } | buckets '<='; { echo '0 10 90'; echo '1 1200-1299 10'; } | buckets '>')" \
		migrate "$(moves 0 1 4; moves 1 0 2)"
	finish_run "$@"
}

# finish_run [OPTION...]
finish_run() {
	streams $READY $STARTED $ITEMS $ENDED $OUT0 $EXIT
	ktrun "${@:---stats}" -- true
	assert_verdict pass 0
	assert_valid art/result.json
}

# metric NAME: prints its value and unit, or why it is absent.
metric() {
	"$KT_PYTHON" -c 'import json, sys
keys = json.load(open("art/result.json"))
value = keys["metrics"].get(sys.argv[1])
why = [absent["reason"] for absent in keys["metrics_absent"] if absent["name"] == sys.argv[1]]
assert not (value and why)
print("%s %s" % (value["value"], value["unit"]) if value else "absent: " + why[0] if why else "unknown")' "$1"
}

assert_metric() { # NAME EXPECTED
	assertEquals "$1" "$2" "$(metric "$1")"
}

assert_absent() { # NAME ERE
	metric "$1" >metric.out
	assert_matches "^absent: $2" metric.out
}

test_a_figure_is_the_growth_from_the_begin_to_the_end() {
	begin_run
	end_run
	assert_metric duration '1.0 s'
	assert_metric context_switches '500 count'
	assert_metric cpu_time '60000 us'
	assert_metric run_queue_wait '10000 us'
	assert_metric runs '10 count'
	assert_metric run_queue_wait_mean '1000.0 us'
	assert_metric util '48.54368932038835 %'
	assert_metric cpu.1.util '48.54368932038835 %'
	assert_metric idle '1000000 us'
	assert_metric steal '60000 us'
	assert_metric psi_cpu_some '900000 us'
	assert_metric runnable_max '2 tasks'
	assert_metric nr_rejected '0 count'
	assert_metric events.SCX_EV_A '20 count'
	assert_metric events.SCX_EV_B '0 count'
}

# CPU 1 is offline at that moment: nothing of it is in a file.
only_cpu_0() {
	grep -v '^cpu1 '
}

test_the_counters_of_a_cpu_that_is_offline_at_the_end_are_in_no_sum() {
	begin_run
	put 1500 sample stat "$(cpus 120 120 0 1200)" schedstat "$(waits 31000000 7000000 15)"
	put 2000 end stat "$(cpus 150 150 3 1500 | only_cpu_0)" schedstat "$(waits 61000000 12000000 20 | only_cpu_0)"
	finish_run
	for name in cpu_time run_queue_wait run_queue_wait_mean runs idle steal; do
		assert_absent "$name" 'CPU 1 was not online both at the payload.s start and at its end'
	done
	assert_metric context_switches '500 count'
	assert_metric cpu.0.util '48.54368932038835 %'
	assertEquals "cpu_time and run_queue_wait over time" '0 0
30000 5000
- -' "$(sed 1d art/metrics.tsv | cut -f 6,7 | tr '\t' ' ')"
}

test_a_cpu_that_was_offline_for_a_while_has_its_counters_again() {
	begin_run
	put 1500 sample stat "$(cpus 120 120 0 1200 | only_cpu_0)" schedstat "$(waits 31000000 7000000 15 | only_cpu_0)"
	put 1700 sample stat "$(cpus 130 130 1 1300)" schedstat "$(waits 41000000 8000000 16)"
	end_run
	assert_metric cpu_time '60000 us'
	assert_metric runs '10 count'
	assert_metric idle '1000000 us'
	assertEquals "cpu_time over time" '0 - - 20000' "$(sed 1d art/metrics.tsv | cut -f 6 | xargs)"
}

test_idle_time_and_waiting_overlap_where_both_do_not_fit_into_the_interval() {
	begin_run
	end_run
	assert_metric idle_while_waiting '400000 us'
}

test_percentiles_are_the_upper_ends_of_buckets_and_of_the_payload_alone_too() {
	begin_run
	end_run
	assert_metric wake_count '104 count'
	assert_metric wake_p50 '10 us'
	assert_metric wake_p99 '1299 us'
	assert_metric task.wake_count '100 count'
	assert_metric task.wake_p90 '10 us'
	assert_metric task.wake_p99 '1299 us'
	assert_metric cpu.0.wake_count '93 count'
	assert_metric cpu.1.wake_p90 '1299 us'
}

test_a_percentile_of_too_few_wakeups_is_absent_and_named() {
	begin_run
	end_run
	assert_absent wake_p999 '104 wakeups were timed, too few'
	assert_absent cpu.1.wake_p99 '11 wakeups'
}

test_no_percentile_is_made_of_nine_wakeups() {
	begin_run
	put 2000 end stat "$(cpus 150 150 3 1500)"
	put 2001 histograms wakeup "$(printf '0 10 9\n1 10 10\n' | buckets '>')"
	finish_run
	assert_metric cpu.0.wake_count '9 count'
	assert_absent cpu.0.wake_p50 '9 wakeups were timed, too few'
	assert_metric cpu.1.wake_p50 '10 us'
}

test_the_maximum_is_known_only_if_all_wakeups_were_timed() {
	begin_run
	end_run
	assert_absent wake_max 'only --stats-all'
	begin_run all
	end_run --stats-all
	assert_metric wake_max '1299 us'
	assert_value metrics_wakeups all
}

test_waits_that_are_too_long_for_a_window_leave_no_percentile() {
	begin_run
	put 2000 end schedstat "$(waits 1000000 202000000 20)"
	put 2001 histograms wakeup "$(echo '0 10 900' | buckets '>')" migrate ''
	finish_run
	assert_absent wake_p50 'tasks wait 20 ms on average, too long for a window of 40 ms'
	assert_absent task.wake_p99 '.*too long'
}

test_a_migration_counts_by_the_cache_and_the_node_that_it_crosses() {
	begin_run
	end_run
	assert_metric migrations '6 count'
	assert_metric migrations_llc '6 count'
	assert_metric migrations_node '0 count'
}

test_a_file_that_the_kernel_lacks_is_named_with_its_option_and_the_verdict_is_the_same() {
	fresh
	put 1000 begin absent 'psi_cpu: No such file or directory
' stat "$(cpus 1 1 0 1)"
	put 2000 end stat "$(cpus 2 2 0 2)"
	put 2001 histograms absent 'wakeup: /sys/kernel/tracing: Invalid argument
'
	finish_run
	assert_absent psi_cpu_some '/proc/pressure/cpu, CONFIG_PSI: No such file'
	assert_absent idle_while_waiting '/proc/pressure/cpu, CONFIG_PSI'
	assert_absent wake_p99 'tracefs, CONFIG_HIST_TRIGGERS and CONFIG_SYNTH_EVENTS: /sys/kernel/tracing: Invalid argument'
	assert_absent migrations 'tracefs, CONFIG_HIST_TRIGGERS'
	assert_absent run_queue_wait /proc/schedstat
	assert_absent events 'no scheduler was attached'
	assert_metric context_switches '1 count'
	assert_matches '^  figures    not measured: ' err
}

test_a_guest_that_sends_no_figures_has_none_and_each_is_named() {
	ITEMS=''
	finish_run
	assert_absent wake_p99 'the guest sent no figures'
	assert_absent context_switches 'the guest sent no figures'
	assertFalse "there is no table" "[ -e art/metrics.tsv ]"
}

test_a_run_without_the_option_has_no_figures_and_says_nothing_of_them() {
	streams $READY $STARTED $ENDED $OUT0 $EXIT
	ktrun -- true
	assert_verdict pass 0
	assert_value metrics '{}'
	assert_value metrics_absent '[]'
	assert_no_match '^  figures' err
	assert_no_match 'ktbox.stats' stub/args
}

test_a_guest_that_died_has_the_figures_until_its_last_sample() {
	begin_run
	put 1500 sample stat "$(cpus 110 120 0 1100)"
	streams $READY $STARTED $ITEMS
	ktrun --stats -- true
	assert_value verdict lost
	assert_metric duration '0.5 s'
	assert_metric context_switches '100 count'
	assert_absent wake_p50 'the guest ended before it could send'
}

test_counters_of_a_scheduler_that_attaches_again_add_up() {
	begin_run
	put 1500 sample scx_ops demo scx_events 'SCX_EV_A 15'
	put 1600 detached scx_state disabled
	put 1700 attached scx_ops demo scx_events 'SCX_EV_A 1'
	put 1800 sample scx_ops demo scx_events 'SCX_EV_A 4'
	put 1900 end scx_ops demo scx_events 'SCX_EV_A 2'
	finish_run
	assert_metric events.SCX_EV_A '16 count'
}

# scheduler_says JSON: its answer to the last sample.
scheduler_says() {
	put 2001 scheduler scx_stats "$1"
}

test_numbers_of_the_scheduler_are_those_of_its_last_answer() {
	begin_run
	scheduler_says '{"errno":0,"args":{"resp":{"nr":1}}}'
	put 1500 sample stat "$(cpus 110 110 3 1200)"
	scheduler_says '{"errno":0,"args":{"resp":{"nr":2,"doms":{"0":{"load":1.5}},"map":[3,4],"name":"x","on":true,"a b\u001b":5}}}'
	end_run
	assert_metric scx.nr '2 number'
	assert_metric scx.doms.0.load '1.5 number'
	assert_metric scx.map.1 '4 number'
	assert_metric scx.a_b_ '5 number'
	assert_metric scx.name unknown
	assert_metric scx.on unknown
	assertEquals "columns" 'scx.a_b_ scx.doms.0.load scx.map.0 scx.map.1 scx.nr' \
		"$(head -n 1 art/metrics.tsv | tr '\t' '\n' | grep '^scx\.' | tr '\n' ' ' | sed 's/ $//')"
	assertEquals "nr over time" '1 2 - ' "$(sed 's/.*\t//' art/metrics.tsv | tail -n +2 | tr '\n' ' ')"
}

test_an_answer_that_does_not_come_is_named_if_none_came() {
	begin_run
	put 2001 scheduler absent 'scx_stats: the scheduler has not answered'
	end_run
	assert_absent scx '/var/run/scx/root/stats: the scheduler has not answered'
	begin_run
	scheduler_says '{"errno":0,"args":{"resp":{"nr":1}}}'
	put 1500 sample stat "$(cpus 110 110 3 1200)"
	put 2001 scheduler absent 'scx_stats: the scheduler has not answered'
	end_run
	assert_metric scx.nr '1 number'
	assert_metric scx unknown
}

test_an_answer_without_numbers_is_named_and_harmless() {
	for answer in '{"errno":22,"args":{"resp":"no"}}' 'x' '[]' '{"args":[]}' '{"args":{"resp":{"a":NaN,"b":1e999}}}' \
			"$(head -c 50000 /dev/zero | tr '\0' '[')"; do
		begin_run
		scheduler_says "$answer"
		end_run
		assert_absent scx "the scheduler's answer"
		assert_no_match 'Traceback' err
	done
	begin_run
	scheduler_says "{\"args\":{\"resp\":$(head -c 500 /dev/zero | tr '\0' '[')1$(head -c 500 /dev/zero | tr '\0' ']')}}"
	end_run
	assert_absent scx "the scheduler's answer"
	begin_run
	scheduler_says "{\"args\":{\"resp\":{$(seq 1 600 | sed 's/.*/"n&":&/' | paste -sd ,)}}}"
	end_run
	assertEquals "numbers" 500 "$(grep -o '"scx\.n[0-9]*"' art/result.json | wc -l)"
}

test_counters_at_an_ejection_are_those_of_its_dump() {
	begin_run
	put 1500 sample scx_ops demo scx_events "SCX_EV_A 15
SCX_EV_B 0"
	put 1600 detached scx_state disabled
	put 1700 end scx_state disabled
	printf '\001\0\0\0demo: root\nswapper/0[0] triggered exit kind 1026 on CPU 0:\nEvent counters\n%s\n%s\n' \
		'     SCX_EV_A:        17' '     SCX_EV_B:         3' >dump
	AFTER='scx-dump@dump scx-dump-end=number=1\x20complete=1\x20type=error\x20rule=count\x20kind=1026\x20bytes=1\x20lines=1\x20lost=0\x20unsent=0\x20reason=x'
	streams $READY $ATTACHED $STARTED $ITEMS $AFTER $ENDED $DIED $OUT0 $EXIT
	ktrun --stats --expect-death -s /bin/true -- true
	assert_value verdict pass
	assert_metric events.SCX_EV_A '12 count'
	assert_metric events.SCX_EV_B '3 count'
}

test_a_counter_that_goes_back_is_absent() {
	begin_run
	put 2000 end stat "$(cpus 1 1 0 900)" schedstat "$(waits 1 1 1)" psi_cpu "$(psi 5)"
	finish_run
	assert_absent context_switches '.*went back'
	assert_absent run_queue_wait '.*went back'
	assert_absent psi_cpu_some '.*went back'
}

test_hostile_numbers_end_in_no_traceback_and_no_figure() {
	begin_run
	nines=99999999999999999999
	put 18446744073709551615 end stat "$(cpus $nines $nines $nines $nines)" schedstat "$(waits $nines $nines 999999999999999999999999)" \
		psi_cpu "$(psi -5)" scx_nr_rejected 1e9 scx_events 'SCX_EV_A -3
SCX_EV_<script> 4'
	put 2000 end stat "$(cpus $nines $nines $nines $nines)" schedstat "$(waits $nines $nines 999999999999999999999999)" \
		psi_cpu "$(psi -5)" scx_nr_rejected 1e9 scx_events 'SCX_EV_A -3
SCX_EV_<script> 4' scx_ops '<script>'
	put 2001 histograms wakeup "$({ echo "0 $nines 1"; echo '0 5 999999999999999'; echo '0 6 999999999999999'; } | buckets '>')" \
		migrate "$(moves 0 1 $nines; moves 99999 1 1)"
	finish_run --stats --report "$PWD/page.html"
	assert_absent run_queue_wait .
	assert_absent psi_cpu_some .
	assert_absent nr_rejected .
	assert_absent wake_p50 '.*more buckets or wakeups than a kernel counts'
	assert_no_match Traceback err
	assert_no_match '<script>' page.html
	assert_no_match 'EV_<script>' art/result.json
}

test_frames_of_another_form_are_left_out() {
	begin_run
	put_own sample '@stat 99999999
cpu'
	put_own sample '@../stat 3
cpu
'
	put_own sample '@stat -1
'
	put 2000 end stat "$(cpus 150 150 3 1500)"
	put_own end '@stat 99999999
ctxt 9000'
	finish_run
	assert_metric context_switches '500 count'
	assert_metric duration '1.0 s'
	assert_absent frames '4 frames of figures have another form'
}

# forged KIND NUMBER_AND_TOKEN: as a program of the guest writes it, with other figures.
forged() {
	put_as "$2" 2000 "$1" stat "$(cpus 100 100 0 7654321)" schedstat "$(waits 9999999 99999999 7654321)" \
		scx_ops forged scx_events 'SCX_EV_FORGED 7654321'
}

test_a_run_of_a_ktbox_that_marked_no_frames_has_no_figures_and_accuses_nobody() {
	ITEMS='' number=0 files=0
	put_raw 'begin
@stat 5
cpu0 
'
	put_raw 'end
@stat 5
cpu0 
'
	end_run
	assert_absent wake_p50 'the run is of an older ktbox, whose frames of figures do not show who sent them'
	assert_no_match foreign_frames art/result.json
}

test_figures_of_another_program_are_left_out_and_counted() {
	begin_run
	for origin in '3 0000000000000000' "3 ${TOKEN%a}b" '1 ffffffffffffffff' '' "$TOKEN"; do
		forged ready "$origin"
		forged begin "$origin"
		forged sample "$origin"
		forged end "$origin"
	done
	put_raw 'begin'
	put_raw "unknown $number $TOKEN
"
	put 1500 sample stat "$(cpus 110 110 0 1100)"
	forged end '5 ffffffffffffffff'
	end_run
	assert_metric context_switches '500 count'
	assert_absent foreign_frames '23 frames of figures are not ktwatch'
	assert_no_match '7654321|forged|FORGED' art/metrics.tsv
	assert_no_match '7654321|FORGED' art/result.json
	assertEquals "samples" 3 "$(tail -n +2 art/metrics.tsv | wc -l)"
}

test_without_ktwatch_no_other_program_can_take_its_place() {
	fresh
	ITEMS=''
	put_raw failed
	for kind in ready begin end; do forged "$kind" "1 $TOKEN"; done
	finish_run
	assert_absent context_switches 'the guest sent no figures'
	assert_absent foreign_frames '3 frames'
	assertFalse "there is a table" "[ -e art/metrics.tsv ]"
	fresh
	ITEMS='' # another frame than "ready" comes first: no ktwatch of this version sends that
	for kind in begin end; do forged "$kind" "1 $TOKEN"; done
	finish_run
	assert_absent context_switches 'the guest sent no figures'
}

test_a_frame_of_ktwatch_that_is_missing_leaves_no_figure() {
	begin_run
	number=$((number + 1))
	end_run
	assert_absent context_switches 'frames of ktwatch are missing'
	assert_absent wake_p50 'frames of ktwatch are missing'
	begin_run
	put_as "$number $TOKEN" 1500 sample stat "$(cpus 110 110 0 1100)" # a second one with this number
	end_run
	assert_absent context_switches 'frames of ktwatch are missing'
}

test_a_section_in_pieces_is_one() {
	begin_run
	put 2000 end stat 'ctxt 15'
	put 2000 end stat '00
'
	finish_run
	assert_metric context_switches '500 count'
}

test_a_million_buckets_are_refused_in_bounded_time() {
	begin_run
	{ seq 1 600000 | sed 's/.*/0 & 1/' | buckets '>'; } >many
	"$KT_PYTHON" -c 'import struct
import sys
text = open("many").read()
step = 2000000
for number, at in enumerate(range(0, len(text), step), int(sys.argv[1]) + 1):
    part = text[at:at + step]
    record = "histograms %d %s\n@wakeup %d\n%s\n" % (number, sys.argv[2], len(part), part)
    open("part.%03d" % number, "wb").write(struct.pack("<Q", 2001) + record.encode())' "$number" "$TOKEN"
	for part in part.*; do
		ITEMS="$ITEMS stats@$part"
		number=$((number + 1))
	done
	put 2000 end stat "$(cpus 150 150 3 1500)"
	finish_run
	assert_absent wake_p50 '.*more buckets'
}

test_a_metric_of_the_payload_has_a_name_of_its_own_and_the_newest_counts() {
	begin_run
	ITEMS="$ITEMS metric@first metric@second metric@wake metric@bad metric@unit metric@nan"
	printf '\001\0\0\0\0\0\0\0ops 5 1/s' >first
	printf '\001\0\0\0\0\0\0\0ops 6.5 1/s' >second
	printf '\001\0\0\0\0\0\0\0wake_p99 1 us' >wake
	printf '\001\0\0\0\0\0\0\0a/b 1 us' >bad
	printf '\001\0\0\0\0\0\0\0a 1 <us>' >unit
	printf '\001\0\0\0\0\0\0\0b nan us' >nan
	end_run
	assert_metric payload.ops '6.5 1/s'
	assert_metric payload.wake_p99 '1.0 us'
	assert_metric wake_p99 '1299 us'
	assert_metric payload.a unknown
	assert_metric payload.b unknown
	assertEquals "names of the payload" 2 "$(grep -o '"payload\.' art/result.json | wc -l)"
}

# frames_of_metrics COUNT FILE
frames_of_metrics() {
	"$KT_PYTHON" -c 'import sys
sys.path.insert(0, sys.argv[1] + "/test/tools")
import frames
for number in range(int(sys.argv[2])):
    sys.stdout.buffer.write(frames.frame(frames.tag_of("metric"), b"\1" + bytes(7) + b"n%d 1 us" % number))' "$KT_TOP" "$1" >"$2"
}

test_metrics_beyond_the_thousandth_name_are_counted() {
	for count in 1000 1003; do
		frames_of_metrics "$count" many
		streams $READY $STARTED raw@many $ENDED $OUT0 $EXIT
		ktrun -- true
		assertEquals "names of the payload" 1000 "$(grep -o '"payload\.' art/result.json | wc -l)"
		[ "$count" = 1000 ] || break
		assert_no_match '"name": "payload"' art/result.json
	done
	assert_absent payload '3 frames of `ktsend metric` are left out'
}

test_a_value_of_the_payload_may_be_as_long_as_ktsend_takes_it() {
	printf '\001\0\0\0\0\0\0\0tiny 0.00000000000000000000000000000000000025 s' >first
	streams $READY $STARTED metric@first $ENDED $OUT0 $EXIT
	ktrun -- true
	assert_matches '"payload.tiny"' art/result.json
}

test_a_metric_of_the_payload_needs_no_option() {
	printf '\001\0\0\0\0\0\0\0ops 5 1/s' >first
	streams $READY $STARTED metric@first $ENDED $OUT0 $EXIT
	ktrun -- true
	assert_metric payload.ops '5.0 1/s'
	assert_matches '^  figures    payload.ops 5 1/s$' err
}

# printed FILE...: a run whose payload printed this.
printed() {
	begin_run
	for file; do
		ITEMS="$ITEMS stdout@$KT_TOP/test/data/output/$file"
	done
	end_run
}

test_what_known_programs_print_is_read() {
	printed hackbench.txt perf-pipe.txt perf-messaging.txt cyclictest.txt
	assert_metric hackbench.time '0.054 s'
	assert_metric perf.sched.pipe.time_per_op '5.678 us'
	assert_metric perf.sched.pipe.ops '176118.0 1/s'
	assert_metric perf.sched.messaging.time '0.041 s'
	assert_metric cyclictest.0.max '97 us'
	assert_metric cyclictest.1.avg '67 us'
	assert_metric cyclictest.1.cycles '141 count'
}

test_the_lines_below_a_histogram_of_cyclictest_are_read() {
	for file in cyclictest-histogram.txt cyclictest-histogram-all.txt; do
		printed "$file"
		for at in 0 1; do
			for row in 'min:Min Latencies' 'avg:Avg Latencies' 'max:Max Latencies'; do
				wanted=$(sed -n "s/^# ${row#*:}: //p" "$KT_TOP/test/data/output/$file" | cut -d ' ' -f $((at + 1)))
				assert_metric "cyclictest.$at.${row%%:*}" "$(echo "$wanted" | sed 's/^0*//') us"
			done
		done
		assert_no_match '"cyclictest.2' art/result.json
	done
	assert_metric cyclictest.0.cycles '200 count'
}

test_the_table_of_stress_ng_is_read_from_stderr() {
	begin_run
	ITEMS="$ITEMS stderr@$KT_TOP/test/data/output/stress-ng.txt"
	end_run
	assert_metric stress-ng.switch.bogo_ops '206825 count'
	assert_metric stress-ng.switch.bogo_ops_per_s '206723.17 1/s'
	assert_metric stress-ng.cpu.bogo_ops_per_cpu_s '1754.45 1/s'
}

test_the_last_report_of_schbench_is_read_from_stderr() {
	begin_run
	ITEMS="$ITEMS stderr@$KT_TOP/test/data/output/schbench.txt"
	end_run
	assert_metric schbench.wakeup_p50 '63 us'
	assert_metric schbench.wakeup_p999 '13104 us'
	assert_metric schbench.wakeup_max '14456 us'
	assert_metric schbench.request_p90 '20256 us'
	assert_metric schbench.request_p99 '30432 us'
	assert_metric schbench.rps '150.14 1/s'
	assert_matches '^  figures    .*schbench.wakeup_p99 11.2 ms' err
}

test_the_pipe_mode_of_schbench_has_transfers() {
	begin_run
	ITEMS="$ITEMS stderr@$KT_TOP/test/data/output/schbench-pipe.txt"
	end_run
	assert_metric schbench.wakeup_p20 '2 us'
	assert_metric schbench.transfers '44991.96 1/s'
	assert_no_match '"schbench.(request|rps)' art/result.json
}

test_text_that_only_looks_like_a_result_is_none() {
	printf 'average rps: 7.00\nWakeup Latencies percentiles (usec)\n\t  50.0th: 5 (1 samples)\nTime: 0.054\n     Total time: 9 [sec]\nT: 0 (1) P: 0 I:1 C: 2 Min: 3 Act: 4 Avg: 5 Max: 6\n' >near.txt
	begin_run
	ITEMS="$ITEMS stdout@near.txt"
	end_run
	assert_no_match '"(hackbench|perf|cyclictest|schbench)\.' art/result.json
}

test_the_table_has_a_line_for_each_sample() {
	begin_run
	end_run
	assertEquals "lines" 3 "$(wc -l <art/metrics.tsv)"
	assert_matches '^ms	kind	util	' art/metrics.tsv
	assert_matches '^2000	end	48\.5	2	500	60000	10000	900000	6	0	demo	48\.5	48\.5	20	0$' art/metrics.tsv
}

test_the_summary_and_the_page_show_the_main_figures() {
	begin_run
	end_run --stats --report "$PWD/page.html"
	assert_matches '^  figures    wake to run of the payload: p50 10 us, p90 10 us, p99 1.3 ms; 100 wakeups timed' err
	assert_matches '^  figures    CPUs busy 48.54 %, switches 500, migrations 6' err
	assert_matches '^  figures    the machine is emulated' err
	assert_matches '<td><code>wake_p99</code></td><td>1.3 ms</td>' page.html
}

test_a_replay_gives_the_same_figures() {
	begin_run
	end_run
	cp art/result.json result.json
	cp art/metrics.tsv metrics.tsv
	rm art/stats art/metrics.tsv
	run "$KTRUN" --replay art
	assert_status 0
	assert_same_bytes result.json art/result.json
	assert_same_bytes metrics.tsv art/metrics.tsv
}

test_the_option_is_a_word_of_init_and_of_one_run() {
	begin_run
	end_run
	assert_matches ' ktbox.stats=windows' stub/args
	end_run --stats-all
	assert_matches ' ktbox.stats=all' stub/args
	launcher 'from launcher.machine.arguments import split_words
kernel, run = split_words("quiet ktbox.stats=all ktbox.host=ktrun")
print(run)' >words
	assert_file_text 'ktbox.stats=all' words
}

test_a_cell_of_a_matrix_may_have_the_option() {
	streams $READY $STARTED $ENDED $OUT0 $EXIT
	printf 'payload = one true\noptions = --stats\n' >m.conf
	run "$KTRUN" --matrix m.conf -o "$PWD/cells"
	assert_status 0
	assert_matches ' ktbox.stats=windows' stub/args
}

test_a_payload_that_ended_after_ktwatch_has_no_figures() {
	begin_run
	put 1500 sample stat "$(cpus 120 120 0 1200)"
	finish_run
	assert_absent context_switches 'ktwatch ended before the payload'
	assert_absent duration 'ktwatch ended before the payload'
	assert_absent wake_p99 'ktwatch ended before the payload'
	assertFalse "there is no table" "[ -e art/metrics.tsv ]"
}

. shunit2
