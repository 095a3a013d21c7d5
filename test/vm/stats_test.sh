#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The figures of real guests: the kernel takes what ktwatch asks of it, and the figures agree with what is known of the
# payload.

# shellcheck disable=SC1091,SC2154,SC2016 # what is sourced sets them; $x is the guest's
. "$KT_TEST_LIB/vm.sh"

# Two processes that wake each other 2000 times each; half a second of a spinning CPU.
PAYLOAD='mkfifo /tmp/a /tmp/b
{ exec 3>/tmp/a 4</tmp/b; i=0; while [ $i -lt 2000 ]; do echo x >&3; read -r x <&4; i=$((i + 1)); done; } &
exec 4</tmp/a 3>/tmp/b; i=0; while [ $i -lt 2000 ]; do read -r x <&4; echo x >&3; i=$((i + 1)); done; wait
ktsend metric rounds 2000 count'

oneTimeSetUp() {
	vm demo --stats-all -s "$DEMO" -- sh -c "$PAYLOAD"
	vm none --stats-all --topology 2,1,2,1 -- sh -c "$PAYLOAD"
	vm windows --stats -s "$DEMO" -- sh -c "$PAYLOAD; sleep 2"
	vm warm_cold --warm --stats-all -s "$DEMO" -- sh -c "$PAYLOAD"
	vm warm --warm --stats-all -s "$DEMO" -- sh -c "$PAYLOAD"
	vm ejected --stats --expect-death -s "$DEMO" -a "--error-after $WHEN_TOLD" -- sh -c '
		while :; do :; done & while :; do true; done & sleep 2; '"$FAIL_NOW"'
		ktlatch wait -t 60 sched_ejected; sleep 1; kill %1 %2'
	vm stalled --stats --expect-death -s "$DEMO" -a "--stall-after $WHEN_TOLD" -- \
		sh -c 'while :; do :; done & while :; do :; done & '"$FAIL_NOW"'; sleep 5; kill %1 %2'
	vm without --stats --append psi=0 -- sh -c 'mkdir /sys/kernel/tracing/instances/other; true'
	vm kept --gate 'duration<900s' --gate 'payload.rounds>=5' -- ktsend metric rounds 5
	vm missed --gate 'duration<200ms' --gate 'wake_p99<5s' -- sleep 0.5
	vm unknown --gate 'events.SCX_EV_SELECT_CPU_FALLBACK<100' -- true
	"$KT_PYTHON" "$KT_TOP/test/tools/forged_figures.py" "$FILES"
	vm forged --gate 'context_switches>=1000000' -i "$FILES/forged-begin" -i "$FILES/forged-end" -- sh -c '
		cd /include-files; cat forged-begin >&"$KT_PORT_FD"; sleep 0.3; cat forged-end >&"$KT_PORT_FD"'
	vm hidden --stats -- sh -c 'for at in /proc /sys; do mount -t tmpfs none "$at" || exit 1; done
		i=0; while [ $i -lt 50 ]; do usleep 10000; i=$((i + 1)); done'
	vm bench --stats -i hackbench -i perf -- sh -c 'hackbench -g 1 -f 5 -l 50; perf bench sched pipe -l 500'
	echo '{"errno":0,"args":{"resp":{"nr_queued":7,"doms":{"0":{"load":1.5}}}}}' >"$VMS/answer"
	vm scx --stats -i socat -i "$VMS/answer" -- sh -c 'mkdir -p /var/run/scx/root
		socat UNIX-LISTEN:/var/run/scx/root/stats,fork SYSTEM:"while read -r line; do cat /include-files/answer; done" &
		sleep 1.5'
}

# metric NAME: its value; "absent" or "unknown".
metric() {
	"$KT_PYTHON" -c 'import json, sys
keys = json.load(open(sys.argv[1]))
value = keys["metrics"].get(sys.argv[2])
absent = [absent["name"] for absent in keys["metrics_absent"]]
print(value["value"] if value else "absent" if sys.argv[2] in absent else "unknown")' "$result" "$1"
}

assert_between() { # LEAST MOST NAME
	found=$(metric "$3")
	awk -v value="$found" -v least="$1" -v most="$2" 'BEGIN { exit !(value + 0 == value && value >= least && value <= most) }'
	kt_verdict $? "$3 of $art is $found, not from $1 to $2"
}

assert_figures() { # of the payload: 4000 reads, of which few find something at once
	assert_verdict pass 0
	assert_between 3000 100000 task.wake_count
	assert_between 4000 100000 context_switches
	assert_between 1 1000000 task.wake_p50
	assert_between "$(metric task.wake_p50)" 1000000 task.wake_p90
	assert_between "$(metric task.wake_p90)" 1000000 task.wake_p99
	assert_between "$(metric task.wake_p99)" 100000000 task.wake_max
	assert_between 0.1 60 duration
	assert_between 1 100 util
	assert_between 2000 2000 payload.rounds
	assert_value metrics_wakeups all
}

test_a_scheduler_that_serves_its_own_statistics_is_asked() {
	look scx
	assert_verdict pass 0
	assertEquals "numbers of the last answer" '7 1.5' "$(metric scx.nr_queued) $(metric scx.doms.0.load)"
	awk -F '\t' 'NR > 1 && $NF == 7' "$art/metrics.tsv" >answered
	assertTrue "a sample with an answer" "[ $(wc -l <answered) -ge 1 ]"
}

test_a_run_under_a_scheduler_has_its_figures_and_its_events() {
	look demo
	assert_figures
	assert_between 0 1000000 events.SCX_EV_REFILL_SLICE_DFL
	assert_between 1 1 switch_all
	assert_between 0 0 nr_rejected
	assert_matches '^  figures    wake to run of the payload: p50 ' "$err"
}

test_a_run_without_a_scheduler_has_the_same_and_no_events() {
	look none
	assert_figures
	assertEquals absent "$(metric events)"
	assert_between 0 1000000 migrations_node
	assertEquals "each migration between nodes is one between caches" "$(metric migrations_node)" "$(metric migrations_llc)"
}

test_a_warm_run_has_the_same_figures() {
	look warm
	assert_value start warm
	assert_figures
	assert_between 0 1000000 events.SCX_EV_REFILL_SLICE_DFL
}

test_windows_time_a_part_of_the_wakeups_and_no_maximum() {
	look windows
	assert_verdict pass 0
	assertEquals absent "$(metric wake_max)"
	assert_between 2 100000 wake_count
	assert_between 1000 100000 context_switches
	assert_matches '^[0-9]+	sample	' "$art/metrics.tsv"
	assert_value metrics_wakeups windows
}

# The file with the counters goes with the scheduler. Its dump has them as they were then, but a sample that came after
# the dump and before the end has more; ktrun/stats_test.sh has both cases.
test_the_events_of_an_ejected_scheduler_are_known() {
	look ejected
	assert_verdict pass 0
	assert_matches '^[0-9]+	detached	' "$art/metrics.tsv"
	for event in SCX_EV_DISPATCH_KEEP_LAST SCX_EV_REFILL_SLICE_DFL; do
		sum=$(awk -F'\t' -v event=$event 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == event) at = i; next }
			at && $at != "-" { sum += $at } END { print sum + 0 }' "$art/metrics.tsv")
		assertTrue "$event: $(cat "$art/metrics.tsv")" "[ $sum -gt 0 ]"
		assertEquals "$event" "$sum" "$(metric "events.$event")"
	done
}

test_samples_come_while_a_scheduler_stalls_everything() {
	look stalled
	assert_verdict pass 0
	assert_matches '^[0-9]+	detached	' "$art/metrics.tsv"
	# The watchdog takes 2 s. Without real-time priority, or waiting for the kernel's own threads, there is a gap.
	awk -F'\t' 'NR > 2 && $1 - before > 1500 { print before, $1 } { before = $1 }' "$art/metrics.tsv" >gaps
	assert_empty gaps
}

# The frames are well-formed, and end as a run of a million switches. The same gate on what was measured has no pass.
test_figures_that_a_payload_forges_count_for_nothing_and_are_named() {
	look forged
	assert_matches 'SCX_EV_FORGED 7654321' "$art/stats"
	assertNotEquals "a gate passed by a forged figure" 0 "$status"
	assert_value_matches verdict '^(gate-failed|inconclusive)$'
	assert_between 1 100000 context_switches
	assert_no_match '7654321|FORGED' "$art/metrics.tsv"
	assert_no_match '"events.SCX_EV_FORGED"' "$result"
	assertEquals absent "$(metric foreign_frames)"
	assert_matches '4 frames of figures are not ktwatch' "$result"
}

test_what_a_payload_mounts_over_the_kernels_files_is_not_measured() {
	look hidden
	assert_verdict pass 0
	assert_between 50 100000 context_switches
	assert_between 1 100000000 cpu_time
	assert_between 2 100000 wake_count
}

test_what_the_kernel_lacks_is_absent_and_named() {
	look without
	assert_verdict pass 0
	assertEquals absent "$(metric psi_cpu_some)"
	assertEquals absent "$(metric idle_while_waiting)"
	assert_between 0 1000000 context_switches
	assert_matches 'CONFIG_PSI' "$result"
}

test_programs_are_read_from_what_they_print() {
	look bench
	assert_verdict pass 0
	assertEquals "$(sed -n 's/^Time: //p' "$out" | awk '{ print $1 + 0 }')" "$(metric hackbench.time | awk '{ print $1 + 0 }')"
	assertEquals "$(sed -n 's/^ *\([0-9.]*\) usecs\/op/\1/p' "$out" | awk '{ print $1 + 0 }')" "$(metric perf.sched.pipe.time_per_op | awk '{ print $1 + 0 }')"
}

test_a_replay_gives_the_same_figures() {
	look demo
	cp -R "$art" again
	rm again/result.json again/metrics.tsv again/stats
	run "$KTRUN" -q --replay again
	assert_status 0
	assert_same_bytes "$art/result.json" again/result.json
	assert_same_bytes "$art/metrics.tsv" again/metrics.tsv
}

# assert_gate WORD CODE REASON: where this host had the time; else that it had not.
assert_gate() {
	if "$KT_PYTHON" -c 'import json, sys
load = json.load(open(sys.argv[1]))["host_load"]
sys.exit(load["qemu_waited_secs"] > 0.1 * (load["qemu_ran_secs"] + load["qemu_waited_secs"]) or load["steal"] > 0.1)' "$result"; then
		assert_verdict "$1" "$2"
		assert_value_matches reason "$3"
	else
		assert_verdict inconclusive 214
		assert_value_matches reason ': the host was too busy: '
	fi
}

test_a_gate_knows_the_unit_of_every_figure() {
	for name in demo none windows ejected scx; do
		"$KT_PYTHON" -ISXutf8 -B - "$KT_TOP/host" "$VMS/$name/result.json" <<-'END' >units
			import json, sys
			sys.path.insert(0, sys.argv[1])
			from launcher.figures.gates import unit_of
			with open(sys.argv[2]) as file:
			    metrics = json.load(file)["metrics"]
			for name, value in metrics.items():
			    if not name.startswith("payload.") and unit_of(name) != value["unit"]:
			        print(name, value["unit"], unit_of(name))
			print(len(metrics) > 30)
		END
		assertEquals "figures of $name with another unit" True "$(cat units)"
	done
}

test_gates_of_real_figures() {
	look kept
	assert_gate pass 0 '^null$'
	look missed
	assert_gate gate-failed 213 '^--gate duration<200ms: duration is [0-9.]+ s, at [0-9.]+ s of the guest$'
	look unknown
	assert_verdict inconclusive 214
	assert_value_matches reason '^--gate events.SCX_EV_SELECT_CPU_FALLBACK<100: .*was not measured: no scheduler was attached$'
}

test_how_busy_the_host_was_is_known() {
	look without
	assert_value_matches host_load '"qemu_ran_secs":[0-9.]+,"qemu_waited_secs":[0-9.]+,'
	"$KT_PYTHON" -c 'import json, sys
load = json.load(open(sys.argv[1]))["host_load"]
print(0.3 < load["qemu_ran_secs"] < 300 and 0 <= load["qemu_waited_share"] <= 1)' "$result" >out
	assert_file_text True out
}

. shunit2
