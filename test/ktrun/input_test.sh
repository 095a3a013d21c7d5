#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Bad input to ktrun: one clear line, exit 205, nothing started, nothing left. The same call with good
# input runs.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

# refuses WORD ARG...: and the line has WORD in it, so that the user sees what is meant.
refuses() {
	word=$1
	shift
	ktrun "$@"
	assert_refused
	if grep -qF -- "$word" err; then assertTrue true; else fail "$word is not in: $(cat err)"; fi
}

# accepts ARG...: the twin of refuses.
accepts() {
	streams $READY $ATTACHED $STARTED $OUT0 $EXIT
	ktrun "$@" -- true
	assert_status 0
	assert_value verdict pass
	rm -f stub/args
}

# elf CLASS MACHINE: the start of a program for another machine.
elf() {
	printf '\177ELF%b\001\001\000\000\000\000\000\000\000\000\000\002\000%b\000\001\000\000\000' "$1" "$2"
	head -c 200 /dev/zero
}

test_good_input_runs() {
	accepts -s "$KT_TOP/build/scx_demo" -m 256 -c 1 -t 100 -e A=b
}

test_a_kernel_that_is_not_there() {
	refuses no/kernel -k no/kernel -- true
}

test_a_kernel_that_is_no_kernel() {
	echo text >text
	refuses text -k text -- true
	: >empty
	refuses empty -k empty -- true
	mkdir folder
	refuses folder -k folder -- true
	elf '\002' '\267' >arm
	refuses arm -k arm -- true
}

test_a_scheduler_that_is_not_there_or_no_file() {
	refuses no/scheduler -s no/scheduler -- true
	mkdir folder
	refuses folder -s folder -- true
}

test_a_scheduler_by_its_bare_name_is_a_command_and_one_here_wins() {
	mkdir bin
	cp "$KT_TOP/build/scx_demo" bin/kt_sched
	PATH=$PWD/bin:$PATH ktrun -n -s kt_sched -- true
	assert_status 0
	printf 'no program\n' >kt_sched
	chmod +x kt_sched
	PATH=$PWD/bin:$PATH ktrun -s kt_sched -- true
	assert_refused
	assert_matches 'neither an ELF program nor a script' err
	ktrun -s no_such_sched -- true
	assert_refused
	assert_matches 'scheduler not found: no_such_sched is neither a file here nor a command in PATH' err
}

test_a_scheduler_for_another_architecture() {
	elf '\002' '\267' >arm64
	elf '\001' '\003' >i386
	chmod +x arm64 i386
	refuses arm64 -s arm64 -- true
	refuses i386 -s i386 -- true
}

test_a_scheduler_whose_library_is_missing() {
	echo 'int answer(void) { return 42; }' >lib.c
	echo 'int answer(void); int main(void) { return answer(); }' >main.c
	gcc -shared -fPIC -o libktanswer.so lib.c
	gcc -o program main.c -L. -lktanswer
	refuses libktanswer -s program -- true
	refuses libktanswer -i program -- true
}

test_an_include_that_is_missing_or_unreadable() {
	refuses no/include -i no/include -- true
	echo secret >secret
	chmod 000 secret
	ktrun_of_a_user -o "$PWD/art" -i secret -- true
	assert_refused
	assert_matches secret err
}

test_an_include_that_is_no_command_either() {
	refuses kt-no-such-tool -i kt-no-such-tool -- true
	mkdir bin
	echo 'not executable' >bin/kt-a-tool
	PATH=$PWD/bin:$PATH refuses kt-a-tool -i kt-a-tool -- true
}

test_an_include_for_another_architecture() {
	elf '\002' '\267' >arm64
	refuses arm64 -i arm64 -- true
	mkdir folder # where a program may be data
	cp arm64 folder/arm64
	accepts -i folder
}

test_an_include_that_is_no_file() {
	mkfifo fifo
	refuses fifo -i fifo -- true
}

test_an_include_folder_with_an_unreadable_file() {
	mkdir folder
	echo secret >folder/secret
	chmod 000 folder/secret
	ktrun_of_a_user -o "$PWD/art" -i folder -- true
	assert_refused
	assert_matches secret err
}

test_what_is_meant_for_a_scheduler_needs_one() {
	refuses -s -a '--slice-us 5' -- true
	refuses -s --expect-death -- true
	accepts -s "$KT_TOP/build/scx_demo" -a '--slice-us 5'
}

test_scripts_that_are_missing() {
	refuses no/enable --enable no/enable -- true
	refuses no/disable --disable no/disable -- true
}

test_too_little_memory() {
	for memory in 0 1 64 127; do
		refuses "$memory" -m "$memory" -- true
	done
	accepts -m 128
}

test_numbers_that_are_none() {
	for number in x '' -5 1.5 '1 2' 0x100 99999999999999999999; do
		refuses -m -m "$number" -- true
		refuses -c -c "$number" -- true
		refuses -t -t "$number" -- true
	done
	refuses -c -c 0 -- true
	refuses -t -t 0 -- true
}

test_a_number_with_a_leading_zero_is_refused_and_not_read_as_octal() {
	refuses 0512 -m 0512 -- true
}

test_environment_that_is_none() {
	refuses NOTHING -e NOTHING -- true
	refuses 1A -e 1A=x -- true
	refuses 'A B' -e 'A B=x' -- true
	refuses '=x' -e '=x' -- true
	refuses '=x=y' -e '=x=y' -- true
	refuses "''" -e '' -- true
	accepts -e A= -e _b1='x=y z'
}

test_unknown_options_and_missing_values() {
	refuses --nonsense --nonsense
	refuses -z -z
	for option in -k -s -a --enable --disable -i -e -m -c -t --append --qemu-arg; do
		refuses "$option" "$option"
	done
}

test_a_word_before_the_dashes() {
	refuses true true
}

test_an_output_folder_that_can_not_be_written() {
	echo file >file
	run "$KTRUN" -o "$PWD/file" -- true
	assert_refused
	assert_matches file err
	run "$KTRUN" -o "$PWD/file/below" -- true
	assert_refused
	mkdir closed
	chmod 555 closed
	ktrun_of_a_user -o "$PWD/closed/art" -- true
	assert_refused
	assert_matches closed err
}

# begin: a run whose QEMU is at work until somebody ends it; leaves pid, and QEMU's number in stub/pid.
begin() {
	# shellcheck disable=SC2016  # for the stub
	echo 'echo $$ >"$stub/pid.new"; mv "$stub/pid.new" "$stub/pid"; : >"$stub/began"; exec sleep 1000' >stub/act
	mkfifo stub/began
	streams $READY $STARTED
	"$KTRUN" -o "$PWD/art" -- true >first.out 2>first.err &
	pid=$!
	read -r line <stub/began
}

# refuses_the_folder ARG...: and what is in it stays.
refuses_the_folder() {
	run "$KTRUN" "$@"
	assert_status 205
	assert_matches '^ktrun: a run, or the QEMU that a killed one has left behind, is still at work in .*/art$' err
	assert_same_bytes stub/stream art/bulk.bin
}

test_the_folder_of_a_run_at_work() {
	begin
	refuses_the_folder -o "$PWD/art" -- true
	refuses_the_folder --replay "$PWD/art"
	kill -TERM "$pid"
	end_of "$pid"
	assert_value verdict interrupted
	run "$KTRUN" --replay "$PWD/art"
	assert_verdict interrupted 130
}

test_the_folder_of_a_killed_run_is_free_once_its_helpers_have_ended_with_it() {
	begin
	kill -KILL "$pid"
	end_of "$pid" 2>killed
	run timeout "$KT_CEILING" "$KT_BUSYBOX" flock art/lock true
	assert_status 0
	rm -rf "$TMPDIR"/ktrun.* # nobody can do that for a killed process
	streams $READY $STARTED $OUT0 $EXIT
	rm stub/act
	run "$KTRUN" -o "$PWD/art" -- true
	assert_verdict pass 0
}

test_a_qemu_that_is_not_there() {
	KTRUN_QEMU=$PWD/no-qemu
	refuses no-qemu -- true
	KTRUN_QEMU=$SHUNIT_TMPDIR/qemu
}

test_an_accelerator_that_is_none() {
	KTRUN_ACCEL=magic
	refuses magic -- true
	KTRUN_ACCEL=tcg
}

test_a_temporary_folder_that_is_not_there() {
	(TMPDIR=$PWD/no/tmp && run "$KTRUN" -o "$PWD/art" -- true && echo "$status" >status)
	assert_file_text 205 status
	assert_matches '^ktrun: unable to create a temporary directory' err
	assertFalse "QEMU was started" "[ -e stub/args ]"
}

. shunit2
