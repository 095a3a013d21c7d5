#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --bisect: what each verdict and each fault is for `git bisect run`. QEMU is a stub; test/vm/bisect_test.sh
# bisects in guests.

# shellcheck disable=SC1091,SC2154,SC2086,SC2016 # what is sourced sets them; items are words; scripts are text
. "$KT_TEST_LIB/stub.sh"

DEMO=$KT_TOP/build/scx_demo

# bisects CODE WORD ARG...: a run of the prepared frames ends with this code, and one line says so.
bisects() {
	bisects_code=$1
	bisects_word=$2
	shift 2
	ktrun "$@"
	assert_status "$bisects_code"
	assertEquals "lines: $(kt_head err)" 1 "$(grep -cE "^ktrun: bisect: $bisects_word" err)"
}

passes() {
	streams $READY $ATTACHED $STARTED $OUT0 $STOPPED $EXIT
}

dies() {
	streams $READY $ATTACHED $STARTED $DIED $OUT0 $EXIT
}

fails() { # CODE
	streams $READY $ATTACHED $STARTED "exec-exit#i32:$1" $STOPPED $EXIT
}

test_a_pass_is_good_and_a_named_verdict_is_bad() {
	passes
	bisects 0 'good \(code 0\): pass' -s "$DEMO" --bisect bad=sched-died -- true
	dies
	bisects 1 'bad \(code 1\): sched-died' -s "$DEMO" --bisect bad=sched-died -- true
	assert_value code 202
	bisects 1 'bad \(code 1\): sched-died' -s "$DEMO" --bisect good=pass bad=timeout,sched-died -- true
	bisects 0 'good \(code 0\): sched-died' -s "$DEMO" --bisect=good=sched-died,fail --bisect=bad=pass -- true
}

test_what_is_named_neither_good_nor_bad_is_skipped() {
	dies
	bisects 125 'skip \(code 125\): sched-died' -s "$DEMO" --bisect bad=fail -- true
	passes
	bisects 125 'skip \(code 125\): pass' -s "$DEMO" --bisect good=sched-died bad=fail -- true
	streams
	bisects 125 'skip \(code 125\): boot-failed' --bisect bad=fail -- true
	streams $READY $STARTED
	bisects 125 'skip \(code 125\): lost' --bisect bad=fail -- true
	bisects 1 'bad \(code 1\): lost' --bisect bad=lost -- true
}

test_each_code_of_a_failing_payload_is_bad_but_for_125() {
	for code in 1 128 255; do
		fails "$code"
		bisects 1 'bad \(code 1\): fail' --bisect bad=fail -- true
	done
	fails 125
	bisects 125 'skip \(code 125\): fail' --bisect bad=fail -- true
	assert_value code 125
}

test_quiet_says_nothing_about_a_pass_only() {
	passes
	ktrun -q --bisect bad=fail -- true
	assert_status 0
	assert_empty err
	fails 7
	bisects 1 'bad \(code 1\): fail' -q --bisect bad=fail -- true
}

test_a_file_that_the_commit_lacks_is_skipped_before_anything_starts() {
	printf 'no program' >text
	chmod +x text
	printf 'not executable' >plain
	head -c 3000 "$KT_TOP/build/kernel/image" >half-a-kernel
	for words in '-s ./missing' '-s missing-command' '-s ./text' '-s ./plain' '-k ./missing' '-k ./half-a-kernel' \
		'-k ./plain' '-i ./missing' '-i missing-command' '--enable missing' '--modules missing' '--scenario missing'; do
		bisects 125 'skip \(code 125\): ' $words --bisect bad=fail -- true
		assertEquals "lines for $words: $(cat err)" 1 "$(wc -l <err)"
		assertFalse "QEMU was started for $words" "[ -e stub/args ]"
	done
	ktrun -s ./missing -- true
	assert_refused
	bisects 125 'skip \(code 125\): ' --test missing --bisect bad=fail
}

# git ends a bisect at 128 and more.
test_a_fault_of_the_host_or_of_the_command_line_ends_the_bisect() {
	for words in '-m 1' '--topology 9' '-a x' '--nonsense' '--junit /no/such/file' '-o /dev/null/x' '-t x'; do
		run "$KTRUN" $words --bisect bad=fail -- true
		assert_status 205
		assert_no_match bisect err
	done
	KTRUN_QEMU=/no/such run "$KTRUN" --bisect bad=fail -- true
	assert_status 205
	echo 'qemu: no such machine' >stub/stderr
	echo 1 >stub/code
	streams
	bisects 205 'the bisect ends \(code 205\): error' --bisect bad=fail -- true
	echo 'kill -INT $PPID; exec sleep 1000' >stub/act
	rm stub/code
	bisects 130 'the bisect ends \(code 130\): interrupted' --bisect bad=fail -- true
}

# A code of 1 would make a commit bad.
test_a_failure_of_ktrun_itself_is_205() {
	mkdir -p tree/host tree/build
	cp -R "$KT_TOP/host/ktrun" "$KT_TOP/host/launcher" tree/host
	ln -s "$KT_TOP/build/busybox" "$KT_TOP/build/initramfs.cpio" "$KT_TOP/build/kernel" tree/build
	ln -s "$KT_TOP/config.mk" tree/config.mk
	echo 'def make_plan(*_): return 1 // 0' >>tree/host/launcher/plan.py
	run tree/host/ktrun --bisect bad=fail -- true
	assert_status 205
	assert_matches '^ZeroDivisionError' err
	assert_matches '^ktrun itself has failed:$' err
}

# refused MESSAGE WORD...
refused() {
	refused_message=$1
	shift
	ktrun "$@"
	assert_refused
	assert_matches "^ktrun: .*$refused_message" err
}

test_sides_that_make_no_sense_are_refused() {
	refused '--bisect needs bad=VERDICT' --bisect -- true
	refused 'which verdict is a bad one' --bisect good=pass -- true
	refused 'no verdict: payload-failed \(timeout, ' --bisect bad=payload-failed -- true
	refused "no verdict: ''" --bisect bad= -- true
	refused "no verdict: ''" --bisect bad=fail, -- true
	refused 'neither good=VERDICT nor bad=VERDICT: old=pass' --bisect old=pass bad=fail -- true
	refused "neither good=VERDICT nor bad=VERDICT: ''" --bisect '' -- true
	refused 'fail is both good and bad' --bisect good=pass,fail bad=fail -- true
	refused 'pass is both good and bad' --bisect bad=pass -- true
	for word in error interrupted; do
		refused "$word says nothing about a commit" --bisect "bad=$word" -- true
	done
}

test_what_is_no_single_run_is_refused() {
	mkdir finished
	for words in '--matrix x' '--compare a b' '--replay finished' '--gdb' '-n' '--warm-list' '--warm-clear' \
		'--history-of a b'; do
		run "$KTRUN" --bisect bad=fail $words
		assert_status 205
		assertEquals "lines for $words: $(cat err)" 1 "$(wc -l <err)"
	done
	KTRUN_OPTS=-n run "$KTRUN" --bisect bad=fail -- true
	assert_status 205
	assert_matches '^ktrun: --bisect: judges one run.*: -n$' err
	KTRUN_OPTS='--bisect bad=fail' run "$KTRUN" -- true
	assert_status 205
	assert_matches '^ktrun: KTRUN_OPTS: --bisect belongs on the command line$' err
	printf '%s\n' 'payload = a true' 'options = --bisect bad=fail' >matrix
	run "$KTRUN" --matrix matrix -o m
	assert_status 205
	assert_matches 'not for many runs: --bisect$' err
}

. shunit2
