#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --compare: the order of the runs, what becomes of those that fail or are stopped, the verdicts, and bad input.
# QEMU is a stub whose guest sends payload.latency: 10 to 14, and 30 more for a scheduler with "--slow". The statistics
# are in comparison_test.sh.

# shellcheck disable=SC1091,SC2154,SC2086,SC2016 # what is sourced sets them; items are words; scripts are text
. "$KT_TEST_LIB/stub.sh"

setUp() {
	STUB=$PWD/stub
	export STUB
	mkdir stub
	for n in 0 1 2 3 4; do
		guest_of "quick.$n" $((10 + n))
		guest_of "slow.$n" $((40 + n))
	done
	guest_of failed 999 "$OUT7"
	echo 'echo run >>"$STUB/runs"
		name=${bulk%/bulk.bin} name=${name##*/}
		kind=quick
		! grep -qa -e "--slow" "$initrd" || kind=slow
		if grep -qa -e "--fails" "$initrd" || grep -qxF "$name" "$STUB/to_fail"; then cat "$STUB/failed" >>"$bulk"
		else cat "$STUB/$kind.$(((1$name - 100000) % 5))" >>"$bulk"; fi' >stub/act
	: >stub/runs
	: >stub/to_fail
	cp "$KT_TOP/build/scx_demo" demo
}

# guest_of NAME LATENCY [STATUS]: what a guest sends that measures this.
guest_of() {
	printf '\001\0\0\0\0\0\0\0latency %d us' "$2" >frame
	streams $READY $ATTACHED $STARTED metric@frame $ENDED ${3:-$OUT0} $STOPPED $EXIT
	mv stub/stream "stub/$1"
}

compare() { # OPTION... SIDE...
	run "$KTRUN" "$@" -- true
}

count_runs() {
	wc -l <stub/runs
}

# json EXPRESSION: prints it; d is compare.json, m its metric payload.latency.
json() {
	"$KT_PYTHON" -c 'import json, sys
d = json.load(open("c/compare.json"))
m = next((m for p in d["payloads"] for m in p["metrics"] if m["name"] == "payload.latency"), None)
print(eval(sys.argv[1]))' "$1"
}

assert_compare_valid() {
	"$KT_PYTHON" "$KT_TOP/test/tools/validate.py" "$KT_TOP/docs/internals/compare.schema.json" "$1" >invalid 2>&1
	kt_verdict $? "not by the schema: $(kt_head invalid)"
}

test_a_side_that_is_worse_is_found_and_all_reports_say_so() {
	compare --compare ./demo './demo --slow' --runs 6 --seed 5 -o c --metric payload.latency:lower --json c.json \
		--markdown c.md --report c.html
	assert_status 0
	assertEquals "runs" 12 "$(count_runs)"
	assert_matches '^ktrun: compare: 6 runs of each of 2 sides; seed 5; directory ' err
	assert_matches '^A  demo: 6 of 6 passed' out
	assert_matches '^B  demo --slow: 6 of 6 passed' out
	assert_matches '^payload.latency, lower is better$' out
	assert_matches '^  B +4[0-9.]+ us .* 0\.002 +worse$' out
	assert_matches '^compare: 12 of 12 runs passed, 0 failed; seed 5$' out
	assert_matches '^compare: accelerator tcg: emulated CPUs' out
	assertEquals "table that is too wide" "" "$(grep -v '^compare: all' out | awk 'length > 100')"
	assert_compare_valid c/compare.json
	assert_same_bytes c/compare.json c.json
	assertEquals "lower worse True tcg" \
		"$(json '"%s %s %s %s" % (m["better"], m["differences"][0]["verdict"], m["headline"], d["accel"])')"
	assert_matches '^\| `payload.latency` \| .* \*\*worse\*\* \|$' c.md
	assert_matches 'Accelerator tcg' c.md
	assert_matches '<h1>1 worse ' c.html
	assertEquals "dots" 12 "$(grep -o '<circle class="dot"' c.html | wc -l)"
	assert_no_match '<script|https?://' c.html
}

test_the_same_twice_has_no_difference_and_is_0_with_fail_if_worse() {
	compare --compare none none --runs 6 --seed 5 -o c --metric payload.latency:lower --fail-if-worse
	assert_status 0
	assert_matches '^B  none #2: 6 of 6 passed' out
	assert_no_match '[0-9] +(worse|better|different)$' out
	assert_matches '[0-9] +too noisy$' out
}

test_fail_if_worse_makes_1_of_a_worse_side_only() {
	compare --compare ./demo './demo --slow' --runs 6 -o c --metric payload.latency:lower --fail-if-worse
	assert_status 1
	compare --compare './demo --slow' ./demo --runs 6 -o d --metric payload.latency:lower --fail-if-worse
	assert_status 0
	assert_matches '[0-9] +better$' out
	compare --compare './demo --slow' ./demo --runs 6 -o d --metric payload.no_such:lower --fail-if-worse
	assert_status 1
	assert_matches 'no run has measured payload.no_such$' out
}

test_without_a_known_direction_a_difference_is_only_different() {
	compare --compare ./demo './demo --slow' --runs 6 -o c --fail-if-worse --metric payload.latency
	assert_status 0
	assert_matches ' different$' out
}

test_few_runs_are_said_to_be_too_few() {
	compare --compare ./demo './demo --slow' --runs 2 -o c --metric payload.latency:lower
	assert_status 0
	assert_matches ' too few runs$' out
}

test_a_second_round_has_the_sides_in_the_opposite_order() {
	launcher 'from launcher.compare.plan import Design, Payload, Side, turns
def order(seed, sides=3, rounds=8):
    design = Design(seed, tuple(Side(letter, letter, ()) for letter in "ABC"[:sides]), (Payload("p", ("p",)),), (), 10)
    rows = [[] for _ in range(rounds)]
    for turn in turns(design, rounds):
        rows[turn.round].append(design.sides[turn.side].letter)
    assert [turn.name for turn in turns(design, 2)] == ["%05d" % n for n in range(1, 2 * sides + 1)]
    return ["".join(row) for row in rows]
rows = order(1)
print(all(first == second[::-1] for first, second in zip(rows[::2], rows[1::2])), {"".join(sorted(row)) for row in rows})
print(order(1) == order(1), order(1)[:4] == order(1, rounds=4), len({tuple(order(seed)) for seed in range(20)}) > 10)
print({order(seed, 2, 2)[0] + order(seed, 2, 2)[1] for seed in range(20)} == {"ABBA", "BAAB"})' >got
	assert_file_text "True {'ABC'}
True True True
True" got
}

test_the_runs_of_a_comparison_are_in_that_order() {
	compare --compare none ./demo --runs 4 --seed 3 -o c
	assert_status 0
	sides=$(cut -f 3 c/runs.tsv | tail -n +2 | tr -d '\n')
	echo "$sides" >sides
	assert_matches '^(ABBA|BAAB){2}$' sides
	echo "$sides" | fold -w 1 | awk '$1 == "B" { printf "%05d\n", NR }' | while read -r name; do
		assert_matches "'-s'" "c/$name.sh"
	done
	assertEquals "runs with a scheduler" 4 "$(grep -l -e "'-s'" c/*.sh | wc -l)"
	assertEquals "measured runs" 8 "$(grep -l -e "'--stats'" c/*.sh | wc -l)"
}

test_a_run_that_failed_is_named_and_gives_no_figures() {
	echo 00003 >stub/to_fail
	compare --compare none ./demo --runs 4 --seed 3 -o c
	assert_status 1
	assert_matches '^compare: 00003 \([AB]\) did not pass, so it gives no figures: fail' out
	assert_matches '^[AB]  .*: 3 of 4 passed \(1 fail\)' out
	assert_matches '^compare: 7 of 8 runs passed, 1 failed' out
	assertEquals "1 7 [3, 4]" "$(json '"%d %d %s" % (d["runs_failed"], d["runs_passed"],
		sorted(len(s["values"]) for s in m["sides"]))')"
	assert_compare_valid c/compare.json
}

# gate_outcomes A_OUTCOMES B_OUTCOMES: of the gate in the runs so far of each side; the verdict follows.
gate_outcomes() {
	"$KT_PYTHON" - "$@" <<-'END'
		import json, sys
		outcomes = {"A": sys.argv[1].split(), "B": sys.argv[2].split()}
		verdicts = {"kept": "pass", "failed": "gate-failed", "inconclusive": "inconclusive"}
		for line in open("c/runs.tsv").read().splitlines()[1:]:
		    name, _, side = line.split("\t")[:3]
		    path, outcome = f"c/{name}/result.json", outcomes[side].pop(0)
		    with open(path) as file:
		        result = json.load(file)
		    gate = {"gate": "payload.latency<45us", "metric": "payload.latency", "outcome": outcome, "value": 1,
		            "unit": "us", "at_ms": None, "reason": None}
		    result.update(verdict=verdicts[outcome], gates=[gate])
		    with open(path, "w") as file:
		        json.dump(result, file)
	END
}

test_a_run_whose_gate_failed_is_compared_and_counted() {
	compare --compare none none --gate 'payload.latency<45us' --runs 4 --seed 3 -o c
	gate_outcomes 'failed inconclusive kept failed' 'kept kept kept kept'
	: >stub/runs
	compare --compare none none --gate 'payload.latency<45us' --runs 4 -o c --markdown c.md --report c.html
	assert_empty stub/runs
	assert_status 1
	assert_matches '^A .* 1 of 4 passed \(2 gate-failed, 1 inconclusive\)' out
	assert_matches '^B .* 4 of 4 passed' out
	for report in out c.md c.html; do
		sed 's/&lt;/</' "$report" >text
		assert_matches 'ate payload.latency<45us: A kept by 1 of 4, 2 failed, 1 inconclusive; B kept by 4 of 4' text
		assert_no_match 'did not pass|without figures' text
	done
	assert_matches '^compare: 5 of 8 runs passed, 0 failed, 2 gate-failed, 1 inconclusive; seed 3$' out
	assertEquals "[4, 4] 2 1 5" "$(json '"%s %d %d %d" % ([len(s["values"]) for s in m["sides"]],
		d["runs_gate_failed"], d["runs_inconclusive"], d["runs_passed"])')"
	assertEquals "[('A', 1, 2, 1), ('B', 4, 0, 0)]" "$(json '[(s["letter"], s["kept"], s["failed"], s["inconclusive"])
		for s in d["payloads"][0]["gates"][0]["sides"]]')"
	assert_compare_valid c/compare.json
	gate_outcomes 'kept kept kept kept' 'kept kept kept kept'
	compare --compare none none --gate 'payload.latency<45us' --runs 4 -o c
	assert_status 0
	assert_matches '^compare: 8 of 8 runs passed, 0 failed; seed 3$' out
}

test_a_side_whose_gate_always_fails_does_not_end_the_comparison() {
	compare --compare none none --gate 'payload.latency<45us' --runs 3 --seed 3 -o c
	gate_outcomes 'failed failed failed' 'failed failed failed'
	compare --compare none none --gate 'payload.latency<45us' --runs 4 -o c
	assert_matches '^compare: [0-2] of 8 runs passed, 0 failed, ' out
	assert_no_match 'ended early' out
}

test_gates_that_a_damaged_result_has_are_left_out() {
	compare --compare none none --runs 1 --seed 3 -o c
	for gates in 7 '[7, {"gate": 7, "outcome": "kept"}, {"gate": "x<1", "outcome": []}, {"gate": "x<1"}]'; do
		sed -i "s/^  \"gates\": .*/  \"gates\": $gates,/" c/00001/result.json
		assert_matches '"gates": [7[].' c/00001/result.json
		compare --compare none none --runs 1 -o c
		assert_status 0
		assert_no_match '^gate ' out
	done
}

test_a_side_that_never_passes_ends_the_comparison() {
	compare --compare none './demo --fails' --runs 10 -o c --markdown c.md
	assert_status 1
	assertEquals "runs" 6 "$(count_runs)"
	assert_matches '^compare: ended early: all 3 runs of B failed$' out
	assert_matches '^B  demo --fails: 0 of 3 passed \(3 fail\)' out
	assert_matches '^  B +- +not measured$' out
	assert_matches ' did not pass: fail' c.md
	assert_compare_valid c/compare.json
}

test_until_ends_when_it_is_known_well_enough() {
	compare --compare none none --until 40% --seed 1 -o c --metric payload.latency
	assert_status 0
	assertEquals "runs" 12 "$(count_runs)"
	assert_matches '^ktrun: compare: at most 40 runs of each of 2 sides' err
	assert_matches '^compare: ended after 6 runs of each side: each headline difference is known to \+-40%$' out
}

test_until_has_a_maximum_and_says_that_it_was_reached() {
	compare --compare none none --until 0.1% --runs 8 --seed 1 -o c --metric payload.latency
	assert_status 0
	assertEquals "runs" 16 "$(count_runs)"
	assert_matches '^compare: the maximum of runs was reached; the widest interval is that of payload.latency, \+-' out
}

test_a_stopped_comparison_goes_on_with_what_is_left() {
	echo 'case $name in 00003) echo here >"$STUB/third"; exec sleep 60 ;; esac' >>stub/act
	mkfifo stub/third
	"$KTRUN" --compare none ./demo --runs 3 --seed 9 -o c -- true >out 2>err </dev/null &
	ktrun_pid=$!
	read -r line <stub/third
	assertEquals here "$line"
	kill -TERM "$ktrun_pid"
	wait "$ktrun_pid"
	status=$?
	assert_status 130
	again='ktrun --compare none ./demo --runs 3 --seed 9 -o c -- true'
	assert_matches "^ktrun: compare: stopped after 2 runs; go on with: $again$" err
	assertEquals "lines of runs.tsv" 3 "$(wc -l <c/runs.tsv)"
	sed -i '$d' stub/act
	: >stub/runs
	compare --compare none ./demo --runs 3 -o c # the seed is that of the directory
	assert_status 0
	assertEquals "runs" 4 "$(count_runs)"
	assert_matches 'seed 9' out
	: >stub/runs
	compare --compare none ./demo --runs 4 -o c
	assertEquals "two more" 2 "$(count_runs)"
	assertEquals 8 "$(json 'd["runs_passed"]')"
}

test_a_directory_belongs_to_one_comparison() {
	compare --compare none ./demo --runs 1 --seed 9 -o c
	assert_status 0
	for words in '--compare ./demo none' '--compare none ./demo -m 300' '--compare none ./demo --seed 8'; do
		compare $words --runs 1 -o c
		assert_status 205
	done
	echo >>demo # another build
	compare --compare none ./demo --runs 1 -o c
	assert_status 205
	assert_matches '^ktrun: .*/c is the directory of another comparison: give a new one with -o$' err
	assertEquals "runs" 2 "$(count_runs)"
	mkdir d
	: >d/00001.err
	compare --compare none ./demo --runs 1 -o d
	assert_status 205
	assert_matches 'no comparison has made this' err
	compare --compare none ./demo --runs 1 -o c/compare.plan
	assert_status 205
}

test_a_damaged_plan_or_result_is_no_traceback() {
	compare --compare none ./demo --runs 1 --seed 9 -o c
	for text in '' '{' '[]' '{"seed": "x"}' '{"seed": -1}' '{"seed": true}'; do
		echo "$text" >c/compare.plan
		compare --compare none ./demo --runs 1 -o c
		assert_status 205
		assert_matches '^ktrun: .*compare.plan is not what ktrun writes' err
		assertEquals "lines" 1 "$(wc -l <err)"
	done
	rm -r c
	compare --compare none none --runs 1 --seed 9 -o c
	: >stub/runs
	echo '{"verdict": "pass", "wall_ms": 1, "reason": null, "run": {"started": "x", "scheduler_sha256": 5}, "accel": [],
		"metrics": {"payload.latency": {"value": NaN, "unit": "us"}, "b|c": {"value": 1, "unit": "us"}, "d": 7,
		"e": {"value": 3, "unit": "us"}}}' >c/00001/result.json
	echo '[' >c/00002/result.json
	compare --compare none none --runs 1 -o c
	assert_status 0
	assertEquals "the run without a result is run again" 1 "$(count_runs)"
	assertEquals "['e']" "$(json '[m["name"] for m in d["payloads"][0]["metrics"]
		if len(m["sides"][ord(d["runs"][0]["side"]) - 65]["values"])]')"
	assert_compare_valid c/compare.json
	sed -i 's/"scheduler_sha256": 5/"scheduler_sha256": "0123"/' c/00001/result.json
	compare --compare none none --runs 1 -o c
	assert_status 205
	assert_matches '^ktrun: compare: the scheduler of [AB] \(none.*\) is not the one with which the comparison began, see ' err
}

test_a_run_that_cannot_start_ends_the_comparison_with_its_reason() {
	echo 'echo broken >&2; exit 1' >stub/act
	compare --compare none ./demo --runs 3 -o c
	assert_status 205
	assert_matches '^ktrun: compare: 00001 \([AB]\) could not run: .*broken.*; go on with: ktrun --compare none ./demo --runs 3 ' err
	assertFalse "there is a second run" "[ -e c/00002.sh ]"
}

test_what_differs_can_be_anything_that_a_matrix_varies() {
	compare --compare 'args=--slice-us 1 --slow' 'args=--quick topology=1,1,1,1' 'memory=300 options=-e A=b' \
		-s ./demo --runs 1 -o c -m 256
	assert_status 205
	assert_matches "C \(memory=300 options=-e A=b\): -m is given for all sides, too$" err
	compare --compare 'args=--slice-us 1 --slow' 'args=--quick topology=1,1,1,1' 'memory=300 options=-e A=b' \
		"kernel=$KT_TOP/build/kernel/image" -s ./demo --runs 1 -o c
	assert_status 0
	cat c/*.sh >scripts
	assert_matches "'-a' '--slice-us 1 --slow' '--stats'" scripts
	assert_matches "'-a' '--quick' '--topology' '1,1,1,1' '--stats'" scripts
	assert_matches "'-m' '300' '-e' 'A=b' '--stats'" scripts
	assert_matches "'-k' '$KT_TOP/build/kernel/image' '--stats'" scripts
	assertEquals "runs with the scheduler" 4 "$(grep -c "'-s' './demo'" scripts)"
	assert_matches '^D  kernel=' out
}

test_a_file_of_a_matrix_makes_sides_and_payloads() {
	printf '%s\n' 'scheduler = none' 'scheduler = demo demo --slow' 'payload = one true' 'payload = two echo "a|b"' \
		'topology = 1,1,1,1' 'memory = 256' >matrix
	run "$KTRUN" --compare matrix --runs 2 -o c --markdown c.md --report c.html
	assert_status 0
	assertEquals "runs" 8 "$(count_runs)"
	assertEquals "one two A:none B:demo" "$(json '" ".join([p["name"] for p in d["payloads"]]
		+ [s["letter"] + ":" + s["label"] for s in d["sides"]])')"
	assert_matches '^payload: two$' out
	assert_compare_valid c/compare.json
	run "$KTRUN" --compare matrix --runs 2 -o d -m 300
	assert_status 205
	assert_matches '^ktrun: --compare FILE: what is asked of a run stands in the file: -m$' err
	sed -i /payload/d matrix
	run "$KTRUN" --compare matrix --runs 2 -o d
	assert_status 205
	assert_matches 'nothing to measure: .*/matrix has no payload$' err
}

# refused MESSAGE WORD...: nothing is started, nothing left.
refused() {
	refused_message=$1
	shift
	run "$KTRUN" "$@"
	assert_status 205
	assertEquals "lines of: $(kt_head err)" 1 "$(wc -l <err)"
	assert_matches "^ktrun: .*$refused_message" err
	assert_empty stub/runs
	assertFalse "a directory is there" "[ -e c ]"
}

test_bad_input_is_refused_before_anything_starts() {
	refused '--compare needs schedulers' --compare -o c -- true
	refused 'a file of --matrix, and there is none: none' --compare none -o c -- true
	refused 'nothing to measure: give a command' --compare none ./demo -o c
	refused 'A \(missing\): scheduler not found: missing' --compare missing none -o c -- true
	refused 'B \(kernel=/no/such\): ' --compare none kernel=/no/such -o c -- true
	refused 'B \(topology=7\): --topology' --compare none topology=7 -o c -- true
	refused 'B \(kernel=\): an empty kernel' --compare none kernel= -o c -- true
	refused "B \(''\): an empty scheduler" --compare none '' -o c -- true
	refused 'B \(kernel=a kernel=b\): kernel is there twice' --compare none 'kernel=a kernel=b' -o c -- true
	refused 'A \(./demo\): -s is given for all sides, too' --compare ./demo none -s ./demo -o c -- true
	refused 'B \(args=1\): -a: arguments of a scheduler, and there is none' --compare none args=1 -o c -- true
	for words in '--compare a' '-n' '-o d' '--gdb' '--shell' '--matrix x' '--tap x' '--help' '--warm-list'; do
		refused 'B \(options=.*\): ' --compare none "options=$words" -o c -- true
	done
	refused 'not for a comparison: --junit' --compare none none --junit x -o c -- true
	refused 'not for a comparison: --shell' --compare none none --shell -o c
	refused '--runs: only for a comparison' --runs 3 -o c -- true
	refused '--markdown: only for a comparison' --markdown x -o c -- true
	refused '--until: not a share' --compare none none --until 0 -o c -- true
	refused '--until: not a share' --compare none none --until 200% -o c -- true
	refused '--runs: not a number' --compare none none --runs 0 -o c -- true
	refused '--metric: neither lower nor higher' --compare none none --metric a:best -o c -- true
	refused 'B \(foo=bar\): scheduler not found: foo=bar' --compare none foo=bar -o c -- true
	refused 'B \(options="-t\): No closing quotation' --compare none 'options="-t' -o c -- true
	refused '--metric: a is named twice' --compare none none --metric a:lower --metric a:higher -o c -- true
	refused '--metric: not the name' --compare none none --metric 'a b' -o c -- true
	refused 'no such directory' --compare none none --report no/such/x.html -o c -- true
	refused 'both on stdout' --compare none none --report - --json - -o c -- true
	refused 'include not found' --compare none none -i ./nothing -o c -- true
	KTRUN_OPTS='--compare a b' refused 'KTRUN_OPTS: --compare belongs on the command line' -- true
}

test_defaults_of_the_environment_hold_for_all_sides() {
	KTRUN_OPTS='-m 300 -q' compare --compare none ./demo --runs 1 -o c --json -
	assert_status 0
	assert_matches '"schema": 1' out
	assert_matches '^A  none' err
	assertEquals "runs with it" 2 "$(cat c/*.sh | grep -c "'-m' '300'")"
	assert_no_match 'runs of each of' err
}

test_text_of_users_and_guests_stays_in_its_cell() {
	compare --compare "args=a|b \`c\` <i>" args=x -s ./demo --runs 1 -o c --markdown c.md --report c.html
	assert_status 0
	assert_matches '<code>args=a&#124;b &#96;c&#96; &lt;i&gt;</code>' c.md
	assert_no_match '<i>' c.html
	assert_no_match '<i>' c.md
}

test_on_a_terminal_a_line_shows_how_far_it_is() {
	echo 'sleep 2' >>stub/act # the clock of the line ticks meanwhile
	run "$KT_PYTHON" "$KT_TOP/test/tools/on_terminal.py" "$KTRUN" --compare none none --runs 1 -o c -- true
	assert_status 0
	assert_matches 'compare: 0 of 2 runs done; running 00001 [AB] none' out
	assert_matches 'compare: 1 of 2 runs done, at most [0-9]+ s left; running 00002' out
}

. shunit2
