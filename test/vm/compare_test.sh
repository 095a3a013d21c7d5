#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --compare and --record on a real kernel: a scheduler that wastes 1 ms before each task is found to be worse than
# the same without that, by the payload's own time. Few runs, one metric: 4 of each side and a rank test can tell. How
# --until ends, and runs that fail a gate.

# shellcheck disable=SC1091,SC2154,SC2016 # what is sourced sets them; the payload is text for the guest
. "$KT_TEST_LIB/vm.sh"

oneTimeSetUp() {
	# 200 switches between two programs, timed by the guest's clock: at least 1 ms more for each task that wakes.
	cat >"$FILES/pingpong" <<-'END'
		#!/bin/sh
		mkfifo /tmp/there /tmp/back
		cat </tmp/there >/tmp/back &
		exec 3>/tmp/there 4</tmp/back
		read -r begin rest </proc/uptime
		n=0
		while [ $n -lt 200 ]; do
			echo x >&3
			read -r line <&4
			n=$((n + 1))
		done
		read -r end rest </proc/uptime
		ktsend metric switches_time "$(((${end%.*}${end#*.} - ${begin%.*}${begin#*.}) * 10))" ms
	END
	chmod +x "$FILES/pingpong"
	compare_runs 4
	head -c 100 "$FILES/runs.jsonl" >"$FILES/damaged.jsonl"
	until_known enough --until 60% --gate 'duration<1ms'
	until_known maximum --until 0.001% --runs 2
}

# until_known NAME OPTION...: a side and itself, by the guest's clock.
until_known() {
	until_name=$1
	shift
	(cd "$FILES" && exec timeout -k 20 $((12 * VM_CEILING)) "$KTRUN" --warm --compare none none "$@" --seed 4 \
		-t "$VM_CEILING" --metric duration -o "$VMS/$until_name" -- sleep 0.5) \
		</dev/null >"$VMS/$until_name.out" 2>"$VMS/$until_name.err"
	echo $? >"$VMS/$until_name.status"
}

compare_runs() { # RUNS
	(cd "$FILES" && exec timeout -k 20 $((8 * VM_CEILING)) "$KTRUN" --compare "$DEMO" "$DEMO --delay 1000" --runs "$1" \
		--seed 4 -t "$VM_CEILING" --metric payload.switches_time:lower -i "$FILES/pingpong" --record "$FILES/runs.jsonl" \
		--label "of a test" -o "$VMS/c" --report "$VMS/c.html" --markdown "$VMS/c.md" --fail-if-worse -- pingpong) \
		</dev/null >"$VMS/c.out" 2>"$VMS/c.err"
	echo $? >"$VMS/c.status"
}

test_a_delay_of_1_ms_is_found_to_be_worse() {
	assertEquals "exit code of --fail-if-worse ($(head -c 300 "$VMS/c.err"))" 1 "$(cat "$VMS/c.status")"
	assert_matches '^B  scx_demo --delay 1000: 4 of 4 passed' "$VMS/c.out"
	assert_matches '^compare: 8 of 8 runs passed, 0 failed; seed 4$' "$VMS/c.out"
	assert_matches '^payload.switches_time, lower is better$' "$VMS/c.out"
	assert_matches '^  B .* \+[0-9]+.*% .* 0\.029 +worse$' "$VMS/c.out"
	assert_matches '\*\*worse\*\*' "$VMS/c.md"
	schema=$KT_TOP/docs/internals/compare.schema.json
	"$KT_PYTHON" "$KT_TOP/test/tools/validate.py" "$schema" "$VMS/c/compare.json" >invalid
	assert_empty invalid
}

test_until_ends_when_the_difference_is_known_well_enough() {
	assert_matches '^compare: ended after (6|8|10|12) runs of each side: each headline difference is known to \+-60%$' \
		"$VMS/enough.out"
	rounds=$(tail -n 1 "$VMS/enough/runs.tsv" | cut -f 2)
	assert_matches "^compare: ended after $rounds runs" "$VMS/enough.out"
	assertEquals "runs" $((2 * rounds)) "$(tail -n +2 "$VMS/enough/runs.tsv" | wc -l)"
	tail -n +2 "$VMS/enough/runs.tsv" | cut -f 3 | tr -d '\n' >order
	assert_matches '^(ABBA|BAAB)+$' order
}

test_until_without_an_end_reaches_the_maximum_of_runs() {
	assertEquals "exit code ($(head -c 300 "$VMS/maximum.err"))" 0 "$(cat "$VMS/maximum.status")"
	assert_matches '^ktrun: compare: at most 2 runs of each of 2 sides; seed 4; ' "$VMS/maximum.err"
	assert_matches '^compare: the maximum of runs was reached; the widest interval is that of duration, \+-[0-9.e+]+%$' \
		"$VMS/maximum.out"
	assertEquals "runs" 4 "$(tail -n +2 "$VMS/maximum/runs.tsv" | wc -l)"
}

# Where this host has no time for a gate, its runs are inconclusive, and their figures count as well.
test_runs_whose_gate_failed_are_compared() {
	assertEquals "exit code" 1 "$(cat "$VMS/enough.status")"
	assert_matches '^A  none: 0 of [0-9]+ passed \([0-9]+ (gate-failed|inconclusive)(, [0-9]+ (gate-failed|inconclusive))?\)' \
		"$VMS/enough.out"
	assert_matches '^gate duration<1ms: A kept by 0 of [0-9]+, .*; B kept by 0 of ' "$VMS/enough.out"
	assert_matches '^compare: 0 of [0-9]+ runs passed, 0 failed, ' "$VMS/enough.out"
	"$KT_PYTHON" -c 'import json, sys
keys = json.load(open(sys.argv[1]))
metric = next(metric for metric in keys["payloads"][0]["metrics"] if metric["name"] == "duration")
print([len(side["values"]) for side in metric["sides"]] == [len(keys["runs"]) / 2] * 2)' "$VMS/enough/compare.json" >out
	assert_file_text True out
}

test_the_figures_say_what_ran_the_guest() {
	accel=$(sed -n 's/^  "accel": "\(.*\)",$/\1/p' "$VMS/c/compare.json")
	assertTrue "accel is $accel" "[ '$accel' = tcg ] || [ '$accel' = kvm ]"
	assert_matches "accelerator $accel" "$VMS/c.out"
}

test_the_same_call_again_runs_nothing_and_says_the_same() {
	cp "$VMS/c.out" first.out
	compare_runs 4
	assert_same_bytes first.out "$VMS/c.out"
	assertEquals "records" 8 "$(wc -l <"$FILES/runs.jsonl")"
}

test_the_runs_are_a_history() {
	run "$KTRUN" --history-of payload.switches_time "$FILES/runs.jsonl"
	assert_status 0
	assert_matches '^payload.switches_time: pingpong; scx_demo --delay 1000; 1,1,2,1, 512 MiB; ' out
	assertEquals "rows" 2 "$(grep -c ' of a test .* 4 runs$' out)"
	run "$KTRUN" --history-of payload.switches_time "$FILES/damaged.jsonl"
	assert_status 205
	assert_matches '^ktrun: .*/damaged.jsonl, line 1: not a record' err
}

. shunit2
