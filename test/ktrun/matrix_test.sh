#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --matrix: each combination is a run, a stopped matrix goes on with what is left, and a wrong file is
# told of by its line. QEMU is a stub whose guest passes, but for the command "exit 7".

# shellcheck disable=SC1091,SC2154,SC2086,SC2016 # what is sourced sets them; items are words; scripts are text
. "$KT_TEST_LIB/stub.sh"

setUp() {
	STUB=$PWD/stub
	export STUB
	mkdir stub
	streams $READY $ATTACHED $STARTED $ENDED $OUT0 $STOPPED $EXIT
	cp stub/stream stub/passed
	streams $READY $ATTACHED $STARTED $ENDED $OUT7 $STOPPED $EXIT
	cp stub/stream stub/failed
	rm stub/stream
	echo 'echo run >>"$STUB/runs"; if grep -qa "exit 7" "$initrd"; then cat "$STUB/failed" >>"$bulk"
		else cat "$STUB/passed" >>"$bulk"; fi' >stub/act
	: >stub/runs
	ln -s "$KT_TOP/build/scx_demo" demo
	printf '%s\n' '# two by two' 'scheduler = demo demo --slice-us 5000' 'scheduler = none' '' \
		'payload = ok  true' 'payload=seven exit 7' 'topology = 1,1,1,1' 'memory = 256' 'repeat = 2' >matrix
}

matrix() {
	run "$KTRUN" --matrix matrix -o "$PWD/m" "$@"
}

test_each_combination_is_run_and_one_failure_fails_the_matrix() {
	matrix --junit m.xml --report m.html
	assert_status 1
	assertEquals "runs" 8 "$(wc -l <stub/runs)"
	assert_matches '1,1,1,1 +demo +ok +2/2 100%' out
	assert_matches '1,1,1,1 +none +seven +0/2 0% .* 2 fail, first 00007' out
	assert_matches '^matrix: 4 of 8 cells passed' out
	assertEquals "8 4" "$(xmllint --nonet --xpath 'concat(count(//testcase), " ", count(//failure))' m.xml)"
	assert_matches '<h1>4 of 8 passed</h1>' m.html
	assert_matches "'-a' '--slice-us 5000'" m/00001.sh
}

test_an_option_that_no_cell_would_have_is_refused() {
	for option in -n --fail-on-warn '-t 30' '--tap x' '-- true'; do
		matrix $option
		assert_status 205
		assert_matches '^ktrun: --matrix: what is asked of a cell stands in the file' err
	done
	assertEquals "runs" 0 "$(wc -l <stub/runs)"
}

test_a_matrix_of_passes_is_0() {
	sed -i '/seven/d; s/repeat = 2/repeat = 1/' matrix
	NO_COLOR=1 matrix
	assert_status 0
	assert_matches '^matrix: 2 of 2 cells passed' out
}

test_no_variable_of_the_caller_changes_a_matrix() {
	sed -i '/seven/d; s/repeat = 2/repeat = 1/' matrix
	run env PERL5OPT=-Mno_such PARALLEL=--no-such PARALLEL_SHELL=/no/such SHELL=/no/such LD_LIBRARY_PATH=/no/such \
		POSIXLY_CORRECT=1 ENV=/no/such PYTHONHOME=/no/such "$KTRUN" --matrix matrix -o "$PWD/m"
	assert_status 0
	assert_matches '^matrix: 2 of 2 cells passed' out
	assert_matches "^LD_LIBRARY_PATH='/no/such'" m/00001.sh # for what -i and -s name
}

test_only_what_is_not_finished_is_run_again() {
	matrix
	rm -r m/00003
	sed -i 's/"verdict": "[a-z]*"/"verdict": "interrupted"/' m/00005/result.json
	: >stub/runs
	matrix
	assert_status 1
	assertEquals "runs" 2 "$(wc -l <stub/runs)"
	assert_matches '^matrix: 4 of 8 cells passed' out
	: >stub/runs
	matrix
	assertEquals "runs of a finished matrix" 0 "$(wc -l <stub/runs)"
	assert_status 1
}

test_a_cell_that_cannot_run_is_no_pass() {
	sed -i '/seven/d; s/repeat = 2/repeat = 1/; s|^memory.*|options = -i ./nothing|' matrix
	matrix
	assert_status 1
	assert_matches ' 0/1 0% .* 1 not-run, first 00001' out
	assert_matches '^matrix: 0 of 2 cells passed, 0 failed, 2 not run; directory ' out
	assert_matches '^matrix: 00001 could not run: ktrun: include not found: .*/nothing' out
	assert_matches "^matrix: run the rest with: ktrun --matrix $PWD/matrix -o $PWD/m$" out
}

test_the_table_fits_100_columns_whatever_the_names_are() {
	long=$(printf '%80s' '' | tr ' ' x)
	sed -i "/seven/d; s/repeat = 2/repeat = 1/; s/ok  true/$long exit 7/; s/= demo demo/= $long demo/" matrix
	matrix
	assert_status 1
	assertEquals "longest line" "" "$(sed '/^matrix:/d' out | awk 'length > 100')"
	assert_matches '^KERNEL +TOPOLOGY +SCHEDULER +PAYLOAD +PASSED +MEAN +OTHERWISE$' out
	assert_matches ' 1 fail, first 00001$' out
}

# Attributes and elements that Jenkins' schema of JUnit has; a suite needs name, tests and errors.
test_junit_has_what_jenkins_reads_and_no_more() {
	matrix --junit m.xml
	"$KT_PYTHON" - m.xml >wrong <<-'END'
		import re, sys, xml.etree.ElementTree as tree
		root = tree.parse(sys.argv[1]).getroot()
		known = {"testsuites": "name time tests failures disabled errors",
		         "testsuite": "name tests failures errors time disabled skipped timestamp hostname id package",
		         "testcase": "name assertions time classname status",
		         "failure": "type message", "error": "type message", "skipped": "message"}
		for element in root.iter():
		    for name in set(element.attrib) - set(known[element.tag].split()):
		        print(element.tag, name)
		for suite in root:
		    for name in ("name", "tests", "errors", "timestamp"):
		        if not suite.get(name):
		            print("no", name)
		    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", "")):
		        print("timestamp", suite.get("timestamp"))
	END
	assert_empty wrong
	assertEquals "demo seven 00003" "$(xmllint --nonet --xpath 'string((//testcase)[3]/@name)' m.xml)"
}

test_on_a_terminal_a_line_tells_how_far_it_is() {
	sed -i '/seven/d; s/repeat = 2/repeat = 1/' matrix
	echo 'sleep 2' >>stub/act # the clock of the line ticks meanwhile
	run "$KT_PYTHON" "$KT_TOP/test/tools/on_terminal.py" "$KTRUN" --matrix matrix -o "$PWD/m"
	assert_status 0
	assert_matches 'matrix: 0 of 2 cells done, 0 passed, 0 failed; running 00001 demo/ok' out
	run "$KT_PYTHON" "$KT_TOP/test/tools/on_terminal.py" "$KTRUN" -q --matrix matrix -o "$PWD/m2"
	assert_no_match 'cells done' out
}

test_the_line_of_a_terminal_counts_and_is_cut_at_its_width() {
	printf 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n' >joblog
	printf '1\t:\t1\t1\t0\t0\t%s\t0\tsh %s\n' 0 /m/00001.sh 202 /m/00002.sh >>joblog
	launcher 'from launcher.matrix.runs import Work, progress_line, read_ends
from launcher.matrix.file import Payload, Scheduler
todo = [Work(f"{number:05d}", "k", "1", Scheduler("a", None, ""), Payload("b", "")) for number in range(1, 6)]
ends = read_ends("joblog", 0)
print(progress_line(todo, ends, 2, 10.0, 200).decode())
print(progress_line(todo, ends, 2, 10.0, 30).decode())' >lines
	assert_file_text 'matrix: 2 of 5 cells done, 1 passed, 1 failed, about 16 s left; running 00003 a/b, 00004 a/b
matrix: 2 of 5 cells done, 1 ' lines
}

test_kernels_of_one_name_are_distinguished() {
	mkdir -p build-a build-b
	ln -s "$KT_TOP/build/kernel/image" build-a/image
	ln -s "$KT_TOP/build/kernel/image" build-b/image
	sed -i '/seven/d; s/repeat = 2/repeat = 1/' matrix
	printf '%s\n' 'kernel = build-a/image' 'kernel = build-b/image' >>matrix
	matrix --report m.html
	assert_status 0
	assert_matches '^build-a/image  *1,1,1,1  *demo ' out
	assert_matches '^build-b/image  *1,1,1,1  *none ' out
	assert_matches '<td>build-b/image</td>' m.html
	sed -i '/build-b/d' matrix
	run "$KTRUN" --matrix matrix -o "$PWD/one"
	assert_matches '^image  *1,1,1,1  *demo ' out
}

# begin_matrix: in the background, up to the moment when its first cell runs, which goes on as long as the fifo
# stub/go has no reader; leaves pid.
begin_matrix() {
	mkfifo stub/go stub/began
	{ echo 'echo began >"$STUB/began"; : >"$STUB/go"' && cat stub/act; } >act # before it sends an exit frame
	mv act stub/act
	"$KTRUN" --matrix matrix -o "$PWD/m" "$@" >out 2>err &
	pid=$!
	read -r answer <stub/began
}

# go_on: cells do not wait any more.
go_on() {
	sed -i 1d stub/act
}

test_a_matrix_that_is_asked_to_end_ends_its_cells_and_goes_on_later() {
	begin_matrix --junit "$PWD/r.xml"
	kill -TERM "$pid"
	end_of "$pid"
	assertEquals "status: $(cat err)" 130 "$status"
	assert_matches "^ktrun: matrix: stopped; go on with: ktrun --matrix $PWD/matrix -o $PWD/m --junit $PWD/r.xml$" err
	assert_matches '^matrix: 0 of 8 cells passed, 0 failed, 8 not run' out
	assertEquals "skipped cases" 8 "$(grep -c '<skipped' r.xml)"
	assertEquals "cells and QEMUs that are left" "" "$(pgrep -f "$PWD/m/0")"
	assertEquals "verdicts of those that had begun" interrupted \
		"$(sed -n 's/^  "verdict": "\([^"]*\)".*/\1/p' m/*/result.json | sort -u)"
	go_on
	: >stub/runs
	matrix
	assert_matches '^matrix: 4 of 8 cells passed' out
	assertEquals "runs" 8 "$(wc -l <stub/runs)"
}

test_a_folder_in_which_a_killed_matrix_has_cells_at_work_is_refused() {
	begin_matrix
	parallel=$(pgrep -P "$pid")
	kill -KILL "$pid"
	end_of "$pid" 2>killed
	run "$KTRUN" --matrix matrix -o "$PWD/m"
	assert_status 205
	assert_matches '^ktrun: a matrix, or a cell .* is still at work in ' err
	kill -TERM "$parallel"
	run "$KT_BUSYBOX" flock m/lock true
	rm -rf "$TMPDIR"/ktrun.* # nobody can do that for a killed process
	go_on
	matrix
	assert_matches '^matrix: 4 of 8 cells passed' out
}

test_a_folder_of_another_matrix_is_refused() {
	matrix
	echo 'repeat = 3' >>matrix
	matrix
	assert_status 205
	assert_matches 'is the directory of another matrix' err
}

test_what_is_wrong_is_reported_by_its_line() {
	while IFS='|' read -r bad said; do
		printf '# first\n%s\n' "$bad" >matrix
		matrix
		assert_status 205
		assertEquals "lines on stderr: $(cat err)" 1 "$(wc -l <err)"
		assert_matches "^ktrun: .*/matrix, line 2: .*$said" err
	done <<-'END'
		nonsense|not KEY = VALUE
		colour = red|unknown key: colour
		kernel = nowhere|kernel not found
		topology = 0,1|topology
		scheduler = mine|a name and a path
		scheduler = mine nowhere|scheduler not found
		scheduler = a/b demo|not a plain name
		payload = hello|a name and a command
		repeat = many|not a number
		repeat =|has no value
	END
	{ head -c 56 /dev/zero && printf ARMd && head -c 600 /dev/zero; } >arm-image
	printf '%s\n' 'scheduler = mine demo' 'kernel = arm-image' >matrix
	matrix
	assert_status 205
	assert_matches 'matrix, line 2: kernel for aarch64 after lines for x86_64' err
	echo 'repeat = 2' >matrix
	matrix
	assert_status 205
	assert_matches 'neither a scheduler nor a payload' err
	assertEquals "runs" 0 "$(wc -l <stub/runs)"
}

test_an_error_of_the_host_is_not_finished() {
	sed -i '/seven/d; /demo/d; s/repeat = 2/repeat = 1/' matrix
	echo 'echo run >>"$STUB/runs"; echo "no such machine" >&2; exit 1' >stub/act
	matrix
	assert_status 1
	assert_matches ' 0/1 0% .* 1 error, first 00001' out
	echo 'echo run >>"$STUB/runs"; cat "$STUB/passed" >>"$bulk"' >stub/act
	matrix
	assert_status 0
	assertEquals "runs" 2 "$(wc -l <stub/runs)"
	matrix
	assertEquals "a pass is finished" 2 "$(wc -l <stub/runs)"
}

test_a_full_stdout_loses_no_report() {
	sed -i '/seven/d; /demo/d; s/repeat = 2/repeat = 1/' matrix
	run sh -c '"$@" >/dev/full' sh "$KTRUN" --matrix matrix -o "$PWD/m" -q --junit m.xml --report m.html
	assert_status 205
	assertEquals "lines: $(cat err)" 1 "$(wc -l <err)"
	assert_matches 'unable to write the table: No space' err
	assert_matches '<testcase ' m.xml
	assert_matches '<h1>1 of 1 passed' m.html
	mkdir closed
	run "$KTRUN" --matrix matrix -o "$PWD/m" -q --junit /dev/full --report m2.html
	assert_status 205
	assert_matches '<h1>1 of 1 passed' m2.html
	assert_matches '1/1 100%' out
}

test_options_that_no_cell_can_have_are_refused() {
	cp matrix good
	for words in -z --shell '-- true' '--json -' '--junit x.xml' '-o x' -n --version --help '--replay x' '--matrix x' \
		'--test x' '-m' '--gate duration<5%' --expect-death '-a x'; do
		{ cat good && echo "options = $words"; } >matrix
		matrix
		assert_status 205
		assertEquals "lines for $words: $(cat err)" 1 "$(wc -l <err)"
		assert_matches '^ktrun: --matrix: options of a cell: ' err
	done
	assertEquals "runs" 0 "$(wc -l <stub/runs)"
	{ sed '/seven/d; /demo/d; s/repeat = 2/repeat = 1/' good && echo "options = --fail-on-warn -e A=b"; } >matrix
	KTRUN_OPTS='--report x.html' matrix
	assert_status 0
}

test_emitted_jobs_are_the_cells_and_the_matrix_collects_them() {
	sed -i 's/repeat = 2/repeat = 1/' matrix
	matrix --emit jobs
	assert_status 0
	assertEquals "lines" 4 "$(wc -l <out)"
	assertEquals "runs" 0 "$(wc -l <stub/runs)"
	sed -n 2p out >job
	echo 'echo next' >>job
	assertEquals "the next command" next "$(cd / && sh <"$OLDPWD/job" 2>"$OLDPWD/said" | tail -n 1)"
	assert_matches '"verdict": "fail"' m/00002/result.json
	matrix --emit github
	assertEquals "00001 00003 00004" "$("$KT_PYTHON" -c 'import json, sys
print(*(job["cell"] for job in json.load(sys.stdin)["include"]))' <out)"
	matrix
	assertEquals "runs" 4 "$(wc -l <stub/runs)"
	assert_matches '^matrix: 2 of 4 cells passed, 2 failed' out
	matrix --emit jobs
	assert_empty out
}

test_what_can_not_be_emitted_is_refused() {
	run "$KTRUN" --matrix matrix --emit jobs
	assert_status 205
	assert_matches '^ktrun: --emit: the commands need the directory .* give -o$' err
	matrix --emit xml
	assert_matches '^ktrun: --emit: neither jobs nor github: xml$' err
	matrix --emit jobs --junit x.xml
	assert_matches '^ktrun: --emit runs nothing: ' err
	run "$KTRUN" --emit jobs -o "$PWD/m" -- true
	assert_matches '^ktrun: --emit: only for a matrix: give --matrix$' err
}

test_files_that_no_matrix_has_made_stay() {
	for name in joblog cells.tsv 00001.sh; do
		rm -rf m
		mkdir m
		echo mine >"m/$name"
		matrix
		assert_status 205
		assert_file_text mine "m/$name"
		assertEquals "$name" "$(ls -A m)"
	done
}

test_a_killed_matrix_takes_its_cells_with_it() {
	sed -i '/seven/d; /demo/d' matrix
	mkfifo stub/began
	echo 'echo $$ >"$STUB/began"; echo run >>"$STUB/runs"; exec sleep 1000' >stub/act
	"$KTRUN" --matrix matrix -o "$PWD/m" -q >out 2>err &
	pid=$!
	exec 6<>stub/began
	timeout "$KT_CEILING" head -n 1 <&6 >cell
	cell=$(cat cell)
	kill -KILL "$pid"
	end_of "$pid"
	wait_until "! kill -0 $cell 2>/dev/null"
	wait_until 'flock -n m/lock true' # all of it has ended
	exec 6<&-
	runs=$(wc -l <stub/runs)
	a_moment
	assertEquals "no other cell is run" "$runs" "$(wc -l <stub/runs)"
}

. shunit2
