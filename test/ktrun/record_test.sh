#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --record and --history-of: a line for each run, whole whatever else writes; a chart and a page of a metric;
# files that are damaged, or none of ours.

# shellcheck disable=SC1091,SC2154,SC2086,SC2016 # what is sourced sets them; items are words; programs are text
. "$KT_TEST_LIB/stub.sh"

setUp() {
	STUB=$PWD/stub
	export STUB
	mkdir stub
	measures 10
}

# measures LATENCY: what the guest's payload says from now on.
measures() {
	printf '\001\0\0\0\0\0\0\0latency %d us' "$1" >frame
	streams $READY $ATTACHED $STARTED metric@frame $ENDED $OUT0 $STOPPED $EXIT
}

history_of() { # METRIC FILE [OPTION...]
	history_metric=$1 history_file=$2
	shift 2
	run "$KTRUN" --history-of "$history_metric" "$history_file" "$@"
}

# record_line DATE LABEL LATENCY [KEY=VALUE...]: a line as ktrun writes it.
record_line() {
	"$KT_PYTHON" -c 'import json, sys
date, label, latency, *others = sys.argv[1:]
keys = {"schema": 1, "date": date + "T12:00:00Z", "label": label or None, "verdict": "pass", "kernel_release": "7.0",
        "scheduler": "scx_mine", "scheduler_args": "", "scheduler_sha256": "abcd" * 16, "topology": "1,1,2,1",
        "memory_mib": 512, "accel": "tcg", "start": "cold", "host": "h", "qemu": "q", "ktbox": "1", "command": "true", "wakeups": None,
        "metrics": {"payload.latency": {"value": float(latency), "unit": "us"}}}
keys.update(json.loads(json.dumps(dict(other.split("=", 1) for other in others))))
print(json.dumps(keys))' "$@"
}

assert_lines_valid() {
	while read -r line; do
		echo "$line" >line.json
		"$KT_PYTHON" "$KT_TOP/test/tools/validate.py" "$KT_TOP/docs/internals/record.schema.json" line.json
	done <"$1" >invalid 2>&1
	assert_empty invalid
}

test_a_run_appends_one_line_with_its_figures_and_what_was_run() {
	ktrun --stats --record runs.jsonl --label v1 -s "$KT_TOP/build/scx_demo" -a '--x "1"' -m 300 --topology 1,1,3,1 \
		-- echo 'a b'
	assert_verdict pass 0
	ktrun --stats --record runs.jsonl -- true
	assertEquals "lines" 2 "$(wc -l <runs.jsonl)"
	assert_lines_valid runs.jsonl
	"$KT_PYTHON" -c 'import json
first, second = map(json.loads, open("runs.jsonl"))
print(first["label"], first["scheduler"], first["scheduler_args"], first["topology"], first["memory_mib"], first["command"],
      len(first["scheduler_sha256"]), first["metrics"]["payload.latency"], first["accel"], first["verdict"])
print(second["label"], second["scheduler"], second["scheduler_sha256"])' >got
	assert_file_text "v1 scx_demo --x \"1\" 1,1,3,1 300 'echo' 'a b' 64 {'value': 10.0, 'unit': 'us'} tcg pass
None None None" got
}

test_options_that_change_figures_make_a_series_of_their_own() {
	for words in '' '--append quiet' '--stats-all' '--qemu-arg -icount --qemu-arg shift=1' '-e A=1' '-e A=1 --append quiet'; do
		ktrun --stats --record runs.jsonl $words -- true
		ktrun --stats --record runs.jsonl $words -- true
	done
	assert_lines_valid runs.jsonl
	history_of payload.latency runs.jsonl
	assertEquals 'true
true --append quiet
true --append quiet -e A=1
true --qemu-arg -icount --qemu-arg shift=1
true --stats-all
true -e A=1' "$(sed -n 's/^payload.latency: \([^;]*\);.*/\1/p' out | LC_ALL=C sort)"
	assertEquals "runs of each" 6 "$(grep -c ' 2 runs$' out)"
}

test_runs_side_by_side_keep_their_lines_whole() {
	for n in 1 2 3 4; do
		"$KTRUN" -q -o "$PWD/art.$n" --stats --record runs.jsonl --label "$n" -- true >/dev/null 2>&1 &
		pids="${pids:-} $!"
	done
	for pid in $pids; do wait "$pid" || fail "a run failed"; done
	assertEquals "lines" 4 "$(wc -l <runs.jsonl)"
	assert_lines_valid runs.jsonl
}

test_a_last_line_without_its_end_costs_only_itself() {
	printf '{"schema":1,"da' >runs.jsonl
	ktrun --stats --record runs.jsonl --label new -- true
	assert_status 0
	assertEquals "lines" 2 "$(wc -l <runs.jsonl)"
	history_of payload.latency runs.jsonl
	assert_status 0
	assert_matches '^ktrun: .*/runs.jsonl, line 1: not a record, left out: ' err
	assert_matches ' new .* 10 us +1 run$' out
}

test_a_record_that_cannot_be_written_is_refused_before_the_run() {
	mkfifo fifo
	mkdir directory
	for words in '--record fifo' '--record directory' '--record no/such/file' '--record -' '--record /proc/version' \
		'--label x'; do
		ktrun --stats $words -- true
		assert_refused
	done
	ktrun --record runs.jsonl -- true
	assert_refused
	assert_matches 'the run has no figures: give --stats' err
	ktrun --stats --record runs.jsonl --label "$(printf 'a\033[31m')" -- true
	assert_refused
	ktrun --stats --record runs.jsonl --label "$(text 201)" -- true
	assert_refused
	assertFalse "a record" "[ -e runs.jsonl ]"
}

test_a_record_on_a_full_disk_is_an_error_and_leaves_no_half_line() {
	if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then startSkipping; fi
	mkdir small
	cp -r stub small.stub
	run unshare -m sh -c "mount -t tmpfs -o size=4k none small && echo whole >small/runs.jsonl && head -c 5000 /dev/zero |
		tr '\\0' x >>small/runs.jsonl; truncate -s 4090 small/runs.jsonl; echo >>small/runs.jsonl
		'$KTRUN' -q -o '$PWD/art' --stats --record small/runs.jsonl -- true; echo \$? \$(wc -l <small/runs.jsonl)"
	assert_matches '^205 2$' out
	assert_matches '^ktrun: --record: ' err
	endSkipping
}

test_a_history_has_a_row_for_each_version_in_the_order_of_time() {
	{
		record_line 2026-03-02 two 30
		record_line 2026-03-01 one 10
		record_line 2026-03-01 one 14
		record_line 2026-03-01 one 12
		record_line 2026-03-03 '' 20 scheduler_sha256=ef01ef01ef01
		record_line 2026-03-03 three 99 verdict=fail
		record_line 2026-03-04 gated 21 verdict=gate-failed
		record_line 2026-03-05 other 7 command=false
	} >runs.jsonl
	history_of payload.latency runs.jsonl --report h.html
	assert_status 0
	assert_empty err
	assertEquals "rows" "2026-03-01 one 2026-03-02 two 2026-03-03 ef01ef01 2026-03-04 gated 2026-03-05 other" \
		"$(sed -nE 's/^  (2026-[^ ]* [^ ]*) .*/\1/p' out | tr '\n' ' ' | sed 's/ $//')"
	assert_matches '^payload.latency: true; scx_mine; 1,1,2,1, 512 MiB; tcg on h$' out
	assert_matches '^payload.latency: false; ' out
	assert_matches ' one .*\|--*o--*\|.* 12 us +3 runs$' out
	assert_matches ' two +[^ ].* 30 us +1 run$' out
	assert_matches '^ +10 us +30 us$' out
	assertEquals "dots" 7 "$(grep -o 'class="dot"' h.html | wc -l)"
	assertEquals "series" 2 "$(grep -c '<section>' h.html)"
	assert_no_match '<script|https?://' h.html
}

test_damaged_lines_are_named_by_their_numbers_and_left_out() {
	{
		record_line 2026-03-01 one 10
		echo
		echo '{'
		echo '[1]'
		record_line 2026-03-01 one 10 schema=1
		record_line yesterday one 10
		printf '\377\376\n'
		record_line 2026-03-01 one 10 memory_mib=many
		printf '{"schema":1,"metrics":%s\n' "$(lines_of 3000 '[' | tr -d '\n')"
		record_line 2026-03-02 "$(printf 'a\033[31m\nb|<i>')" 12
		printf '%s' '{"schema":1,"date":"2026-03-03T00:00:00Z","memory_mib":1,"verdict":"pass",'
		echo '"metrics":{"payload.latency":{"value":NaN,"unit":"us"}}}'
	} >runs.jsonl
	history_of payload.latency runs.jsonl --report h.html
	assert_status 0
	assertEquals "named lines" "3 4 5 6 7 8 9 11 " \
		"$(sed -nE 's/^ktrun: .*, line ([0-9]+): not a record, left out: .*/\1/p' err | tr '\n' ' ')"
	assert_matches ', line 3: .*: no JSON at character 3$' err
	assert_matches ', line 7: .*: no UTF-8 at byte 1$' err
	assert_matches ', line 11: .*: metric payload.latency has no number and unit that a run has$' err
	assertEquals "rows" 2 "$(grep -c '^  2026-' out)"
	assert_no_match "$(printf '\033')" out
	assert_no_match '<i>' h.html
	{ record_line 2026-03-01 one 10; lines_of 30 x; } >runs.jsonl
	history_of payload.latency runs.jsonl
	assertEquals "lines on stderr" 21 "$(wc -l <err)"
	assert_matches '10 more damaged lines are left out' err
}

test_a_metric_without_a_number_is_named() {
	for value in '"10"' true null '{}' 1e999; do
		record_line 2026-03-01 one 10 >runs.jsonl
		sed "s/\"value\": 10.0/\"value\": $value/" runs.jsonl >changed
		assertFalse "$value is there" "cmp -s runs.jsonl changed"
		cat changed >>runs.jsonl
		history_of payload.latency runs.jsonl
		assert_status 0
		assert_matches ', line 2: not a record, left out: metric payload.latency ' err
		assert_matches ' 1 run$' out
	done
}

test_a_single_value_has_one_edge() {
	record_line 2026-03-01 one 10 >runs.jsonl
	history_of payload.latency runs.jsonl --report h.html
	assert_matches '^ +10 us$' out
	assertEquals "ticks" 1 "$(grep -o 'class="tick"' h.html | wc -l)"
}

test_each_report_and_the_record_that_fail_are_named() {
	if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then startSkipping; fi
	mkdir small
	run unshare -m sh -c "mount -t tmpfs -o size=8k none small && head -c 4096 /dev/zero >small/r.jsonl
		head -c 4096 /dev/zero >small/filler
		'$KTRUN' -o '$PWD/art' --stats --json small/r.json --record small/r.jsonl -- true"
	assert_status 205
	assert_matches '^ktrun: --json: unable to write .*/small/r.json: No space left on device; --record: ' err
	assertTrue "result.json" "[ -s art/result.json ]"
	endSkipping
}

test_what_is_not_there_is_said_with_what_is() {
	record_line 2026-03-01 one 10 >runs.jsonl
	history_of latency runs.jsonl
	assert_status 205
	assert_matches '^ktrun: --history-of: no run in .*/runs.jsonl that went well has the metric latency \(it has payload.latency\)$' err
	for words in 'payload.latency no-such' 'a/b runs.jsonl' 'payload.latency'; do
		run "$KTRUN" --history-of $words
		assert_status 205
		assertEquals "lines on stderr" 1 "$(wc -l <err)"
	done
	run "$KTRUN" --history-of payload.latency runs.jsonl -- true
	assert_status 205
	: >empty
	history_of payload.latency empty
	assert_status 205
}

test_a_long_history_shows_its_newest_rows() {
	for day in 01 02 03 04 05 06 07; do
		for n in 0 1 2 3 4 5 6 7 8 9; do record_line "2026-03-$day" "v$day$n" "$((10 + n))"; done
	done >runs.jsonl
	history_of payload.latency runs.jsonl
	assert_status 0
	assert_matches '^  \(10 older rows are left out\)$' out
	assertEquals "rows" 60 "$(grep -c '^  2026-' out)"
	assertEquals "lines that are too wide" "" "$(awk 'length > 110' out)"
}

test_a_fifo_is_no_history() {
	mkfifo fifo
	run timeout 60 "$KTRUN" --history-of duration fifo
	assert_status 205
	assert_matches '^ktrun: --history-of: not a file: .*fifo$' err
}

. shunit2
