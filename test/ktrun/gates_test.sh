#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# --gate: which limits a run's figures keep, what a busy host means, and bad input. The figures are frames of a stub;
# how busy the host was stands in host.json, which a replay takes as it is.

# shellcheck disable=SC1091,SC2016,SC2154,SC2086 # what is sourced sets them; text for others; items are words
. "$KT_TEST_LIB/stub.sh"

QUIET='{"load": 0.5, "cpus": 2, "qemu_ran_secs": 9.0, "qemu_waited_secs": 1.0, "steal": 0.1, "counts_instructions": false}'

# sample MS KIND SWITCHES EVENTS: one more stats frame, in $ITEMS.
sample() {
	number=$((number + 1))
	"$KT_PYTHON" -c 'import struct, sys
number, ms, kind, switches, events = sys.argv[1:]
stat = "cpu0 1 0 0 1 0 0 0 0 0 0\nctxt %s\nprocs_running 1\n" % switches
sections = {"stat": stat, "scx_ops": "demo\n", "scx_events": "SCX_EV_A %s\n" % events}
text = f"{kind} {number} 00112233445566aa\n" + "".join("@%s %d\n%s\n" % (name, len(text), text) for name, text in sections.items())
sys.stdout.buffer.write(struct.pack("<Q", int(ms)) + text.encode())' "$number" "$@" >"frame.$number"
	ITEMS="$ITEMS stats@frame.$number"
}

# figures: a run of three seconds: 600 context switches, the event A 30 times, and two figures of the payload's own.
figures() {
	ITEMS='' number=0
	sample 900 ready 0 0
	sample 1000 begin 1000 5
	sample 2000 sample 1100 10
	sample 3000 sample 1500 34
	sample 4000 end 1600 35
	printf '\001\0\0\0\0\0\0\0ops 6.5 1/s' >first
	printf '\001\0\0\0\0\0\0\0slept 1500 us' >second
	streams $READY $STARTED $ITEMS metric@first metric@second $ENDED $OUT0 $EXIT
}

# gated LOAD OPTION...: a run, and its replay on a host of this load.
gated() {
	gated_load=$1
	shift
	ktrun "$@"
	on_host "$gated_load"
}

on_host() { # LOAD
	"$KT_PYTHON" - "$1" <<-'END'
		import json, sys
		with open("art/host.json") as file:
		    host = json.load(file)
		host["ending"]["load"] = json.loads(sys.argv[1])
		with open("art/host.json", "w") as file:
		    json.dump(host, file)
	END
	run "$KTRUN" --replay "$PWD/art"
	assert_valid art/result.json
}

outcomes() {
	"$KT_PYTHON" -c 'import json
for gate in json.load(open("art/result.json"))["gates"]:
    print(gate["gate"], gate["outcome"], gate["value"], gate["unit"], gate["at_ms"])'
}

test_a_gate_that_is_kept_is_a_pass() {
	figures
	gated "$QUIET" --gate 'context_switches<=600' --gate 'payload.slept<1.6ms' --gate 'payload.ops>6' --gate 'duration>=3s' -- true
	assert_verdict pass 0
	assertEquals 'context_switches<=600 kept 600 count None
payload.slept<1.6ms kept 1500.0 us None
payload.ops>6 kept 6.5 1/s None
duration>=3s kept 3.0 s None' "$(outcomes)"
}

test_a_gate_that_fails_is_named_with_figure_limit_and_moment() {
	figures
	gated "$QUIET" --gate 'duration<9s' --gate 'events.SCX_EV_A<20' --gate 'payload.slept<1499us' --report page.html -- true
	assert_verdict gate-failed 213
	assert_matches '^ktrun: gate-failed \(code 213\): --gate events.SCX_EV_A<20: events.SCX_EV_A is 30, at 3.00 s of the guest' err
	assert_matches '^  gate       kept: duration<9s: ' err
	assert_matches '^  gate       failed: payload.slept<1499us: payload.slept is 1500 us, at 4.00 s of the guest' err
	assertEquals 'duration<9s kept 3.0 s None
events.SCX_EV_A<20 failed 30 count 3000
payload.slept<1499us failed 1500.0 us 4000' "$(outcomes)"
	run "$KTRUN" --replay "$PWD/art" --report page.html --junit junit.xml
	assert_matches 'gate failed: events.SCX_EV_A&lt;20' page.html
	assert_matches '<failure ' junit.xml
}

test_a_figure_is_as_exact_as_it_was_sent() {
	figures
	printf '\001\0\0\0\0\0\0\0late 0.0004 s' >first
	printf '\001\0\0\0\0\0\0\0ratio 0.99951 x' >second
	printf '\001\0\0\0\0\0\0\0drift -0.5 x' >third
	streams $READY $STARTED $ITEMS metric@first metric@second metric@third $ENDED $OUT0 $EXIT
	gated "$QUIET" --gate 'payload.drift>-0.6' --gate 'payload.late<0.1ms' --gate 'payload.ratio>=0.9999' --gate 'payload.late<0.5ms' -- true
	assert_verdict gate-failed 213
	assertEquals 'payload.drift>-0.6 kept -0.5 x None
payload.late<0.1ms failed 0.0004 s 4000
payload.ratio>=0.9999 failed 0.99951 x 4000
payload.late<0.5ms kept 0.0004 s None' "$(outcomes)"
	assert_matches 'payload.late is 0.0004 s' err
}

test_the_moment_of_a_count_is_the_first_sample_beyond_the_limit() {
	figures
	for limit_ms in 0:1000 1:2000 99:2000 100:2000 101:3000 500:3000 501:4000; do
		gated "$QUIET" --gate "context_switches<${limit_ms%:*}" -- true
		assertEquals "$limit_ms" "${limit_ms#*:}" "$(outcomes | cut -d ' ' -f 5)"
	done
}

test_a_figure_that_was_not_measured_is_inconclusive() {
	figures
	gated "$QUIET" --gate 'wake_p99<5ms' --gate 'duration<9s' -- true
	assert_verdict inconclusive 214
	assert_matches '--gate wake_p99<5ms: wake_p99 was not measured: the guest ended before it could send' err
	gated "$QUIET" --gate 'wake_p98<5ms' -- true
	assert_verdict inconclusive 214
	assert_matches 'wake_p98 was not measured: no figure of this run has this name' err
	gated "$QUIET" --gate 'payload.ops>5%' -- true
	assert_verdict inconclusive 214
	assert_matches 'payload.ops is in 1/s, not in %' err
	gated "$QUIET" --gate 'wake_p99<5ms' --gate 'duration<1s' -- true
	assert_verdict gate-failed 213
}

test_a_unit_that_a_figure_never_has_is_refused_before_the_run() {
	for words in 'duration<5% s' 'cpu.3.util<5s %' 'psi_io_full<1count us' 'events.SCX_EV_A_DURATION<1x ns' \
		'events.SCX_EV_A<1ms count' 'scx.a<1s number' 'task.wake_p99<1% us' 'nr_rejected<1s count'; do
		ktrun --gate "${words% *}" -- true
		assert_refused
		assert_matches "--gate: ${words%%<*} is in ${words#* }, not in " err
	done
}

test_a_busy_host_keeps_and_fails_no_gate() {
	figures
	for gate in 'duration<9s' 'duration<1s'; do
		ktrun --gate "$gate" -- true
		on_host "$(echo "$QUIET" | sed 's/"qemu_waited_secs": 1.0/"qemu_waited_secs": 1.1/')"
		assert_verdict inconclusive 214
		assert_matches 'QEMU waited for a CPU for 11 % of its time, and at most 10 % is allowed \(load 0.5\)' err
		on_host "$(echo "$QUIET" | sed 's/"steal": 0.1/"steal": 0.11/')"
		assert_verdict inconclusive 214
		assert_matches '11 % of its CPU time was taken from it \(steal\)' err
		on_host null
		assert_verdict inconclusive 214
		assert_matches 'how busy the host was is not known' err
	done
	on_host "$(echo "$QUIET" | sed 's/"qemu_waited_secs": 1.0/"qemu_waited_secs": 99.0/; s/false/true/')"
	assert_verdict gate-failed 213
	ktrun --gate "$gate" --qemu-arg -icount --qemu-arg shift=1 -- true
	on_host null
	assert_verdict gate-failed 213
}

test_what_went_wrong_otherwise_comes_first() {
	figures
	streams $READY $STARTED $ITEMS $ENDED $OUT7 $EXIT
	gated "$QUIET" --gate 'duration<1s' -- true
	assert_verdict fail 7
	assert_matches '^  gate       failed: duration<1s' err
}

test_the_load_is_that_of_qemus_threads() {
	launcher 'import os, subprocess
from launcher.run.host_load import measure_load, read_ticks, why_too_busy
before = read_ticks()
spin = subprocess.Popen(["sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done; read x"], stdin=subprocess.PIPE)
while measure_load(spin.pid, before, False).qemu_ran_secs < 0.05:
	pass
spin.kill()
spin.wait()
print(measure_load(spin.pid, before, False))' >out 2>&1
	assert_file_text None out
}

test_bad_gates_are_refused_before_anything_starts() {
	for gate in '' 'wake_p99' 'wake_p99<' '<5' 'wake_p99=5' 'wake_p99<5 ms' 'wake_p99<1e3' '1x<5' "a<5
" 'wake_p99<<5' 'a b<5' 'wake_p99<99999999999999999999' 'wake_p99<0x5ms;'; do
		ktrun --gate "$gate" -- true
		assert_status 205
		assert_matches '^ktrun: --gate: (not a metric, one of|an empty)' err
	done
	assertFalse "nothing was started" "[ -e stub/args ]"
	run "$KTRUN" --gate 'duration<9s' --replay "$PWD"
	assert_status 205
}

test_an_edited_host_json_is_refused() {
	figures
	gated "$QUIET" --gate 'duration<9s' -- true
	cp art/host.json good.json
	for edit in 's/duration<9s/duration/g' 's/"load": {/"load": {"x": 1, /' 's/"steal": [0-9.]*/"steal": "x"/' \
		's/"steal": [0-9.]*/"steal": NaN/' 's/"qemu_ran_secs": [0-9.]*/"qemu_ran_secs": -1/' 's/"cpus": [0-9]*/"cpus": 1e999/'; do
		sed "$edit" good.json >art/host.json
		run "$KTRUN" --replay "$PWD/art"
		assertEquals "$edit: $(cat err)" 205 "$status"
	done
}

. shunit2
