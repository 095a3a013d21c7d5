#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# --record-replay and --repeat: what QEMU is asked for, what is kept, what is refused.
# test/vm-post-mortem/vm/record_replay_test.sh has a real recording.

# shellcheck disable=SC1091,SC2016,SC2154,SC2086 # what is sourced sets them; $mode is meant literally; items are words
. "$KT_TEST_LIB/stub.sh"

# A QEMU that records: the log's head has a number. It replays what is in again/, else the same files.
RECORDS='for word; do
	case $word in
	*rr=record,*) printf "\002\040\340\0end" >"${word##*rrfile=}" ;;
	*rr=replay,*) cp "$stub/again/console" "$console"; cat "$stub/again/stream" >"$bulk"; : >"${bulk%/*}/com2.log" ;;
	esac
done'

# record: a run that passes, recorded by the stub.
record() {
	streams $READY $ATTACHED $STARTED $OUT0 $EXIT
	printf '%s\n' "$RECORDS" >stub/act
	ktrun --record-replay -- true
}

# repeat [OPTION...]: QEMU writes what it wrote before, and COM2 as it was.
repeat() {
	mkdir -p stub/again
	[ -e stub/again/stream ] || cp stub/stream stub/again/stream
	[ -e stub/again/console ] || : >stub/again/console
	rm stub/stream
	run "$KTRUN" --repeat art "$@"
}

has_arg() {
	grep -qxF -- "$1" stub/args
	kt_verdict $? "no argument $1 in: $(tr '\n' ' ' <stub/args)"
}

refused() { # MESSAGE OPTION...
	refused_message=$1
	shift
	ktrun "$@"
	assert_status 205
	assert_file_text "ktrun: $refused_message" err
	assertFalse "QEMU was started" "[ -e stub/args ]"
}

test_a_recorded_run_has_one_cpu_and_keeps_what_a_repetition_needs() {
	record
	assert_status 0
	has_arg '1,sockets=1,dies=1,cores=1,threads=1'
	has_arg "shift=auto,rr=record,rrfile=$PWD/art/rr.log"
	has_arg 'virtconsole,nr=0,chardev=serial4,name=ktstr-console'
	grep -qE '^pipe:/.*/hvc0$' stub/args
	kt_verdict $? "no recorded chardev for hvc0"
	assert_no_match lpj= stub/args
	assert_matches ' nokaslr$' stub/args
	assert_same_bytes art/rr.initramfs stub/initrd
	assert_matches '"memory_mib": 512,$' art/rr.json
	assert_value_of art/result.json '"record_replay": {"bytes":7,"problem":null}'
	assert_valid art/result.json
}

test_a_log_that_was_not_ended_is_reported_and_not_repeated() {
	streams $READY $STARTED $OUT0 $EXIT
	printf '%s\n' 'printf "\0\0\0\0not the end" >"${bulk%/*}/rr.log"' >stub/act
	ktrun --record-replay -- true
	assert_status 0
	assert_value_of art/result.json '"record_replay": {"bytes":15,"problem":"QEMU has not written its log to the end"}'
	run "$KTRUN" --repeat art
	assert_status 205
	assert_file_text "ktrun: --repeat: QEMU has not written it to the end: $PWD/art/rr.log" err
}

test_a_log_that_reaches_its_share_costs_the_recording_alone() {
	streams $READY $STARTED $OUT0 $EXIT
	printf '%s\n' 'printf "\002\040\340\0" >"${bulk%/*}/rr.log"; truncate -s 10M "${bulk%/*}/rr.log"' >stub/act
	ktrun --record-replay --max-output 160M -- true
	assert_status 0
	assert_value_of art/result.json '"problem":"the log has reached its share of --max-output, 10240 KiB"'
}

test_a_log_with_an_event_that_could_not_be_written_is_reported() {
	streams $READY $STARTED $OUT0 $EXIT
	printf '%s\n' "$RECORDS" >stub/act
	echo 'qemu-system-x86_64: replay write error' >stub/stderr
	ktrun --record-replay -- true
	assert_status 0
	assert_value_of art/result.json '"record_replay": {"bytes":7,"problem":"QEMU could not write all of its log"}'
}

test_a_log_that_reaches_ulimit_f_is_reported() {
	streams $READY $STARTED $OUT0 $EXIT
	printf '%s\n' 'printf "\002\040\340\0" >"${bulk%/*}/rr.log"; truncate -s 80M "${bulk%/*}/rr.log"' >stub/act
	run sh -c 'ulimit -f 163840; exec "$@"' sh "$KTRUN" -o "$PWD/art" --record-replay --max-output 4G -- true
	assert_value_of art/result.json '"problem":"the log has reached the limit of ulimit -f, 81920 KiB"'
}

test_a_copy_that_ulimit_f_does_not_allow_is_an_error_before_the_boot() {
	streams $READY
	run sh -c 'ulimit -f 20000; exec "$@"' sh "$KTRUN" -o "$PWD/art" --record-replay -- true
	assert_status 205
	assert_matches 'a copy of the kernel or the initramfs has [0-9.]+ MiB, and ulimit -f allows 9.8' err
	assertFalse "QEMU was started" "[ -e stub/args ]"
}

assert_value_of() { # FILE TEXT
	grep -qF -- "$2" "$1"
	kt_verdict $? "no $2 in $1: $(grep record_replay "$1")"
}

test_kernel_and_initramfs_that_do_not_fit_are_an_error_before_the_boot() {
	streams $READY
	ktrun --record-replay --max-output 2M -- true
	assert_status 205
	assert_matches 'kernel and initramfs have [0-9.]+ MiB, and --max-output leaves them 0.9' err
	assertFalse "QEMU was started" "[ -e stub/args ]"
}

test_the_same_bytes_are_0_and_the_directory_stays() {
	record
	ls -Al --time-style=full-iso art >before
	repeat
	assert_status 0
	assert_matches "^ktrun: the same, byte by byte: bulk.bin $(wc -c <art/bulk.bin) bytes" err
	has_arg "shift=auto,rr=replay,rrfile=$PWD/art/rr.log"
	has_arg null
	has_arg "$PWD/art/rr.kernel"
	ls -Al --time-style=full-iso art >after
	assert_same_bytes before after
	assert_no_temporary_folder
}

test_a_directory_without_a_lock_gets_none_and_a_run_in_it_is_waited_for() {
	record
	rm art/lock
	mkdir stub/again
	mv stub/stream stub/again/stream
	: >stub/again/console
	ls -Al --time-style=full-iso art >before
	run "$KTRUN" --repeat art
	assert_status 0
	ls -Al --time-style=full-iso art >after
	assert_same_bytes before after
	: >art/lock
	run flock art/lock "$KTRUN" --repeat art
	assert_status 205
	assert_matches 'still at work in' err
}

test_a_directory_that_is_no_run_stays_empty_and_one_that_is_not_readable_is_named() {
	mkdir other closed
	run "$KTRUN" --repeat other
	assert_status 205
	assertEquals "files" "" "$(ls -A other)"
	chmod 111 closed
	ktrun_of_a_user --repeat "$PWD/closed"
	assert_status 205
	assert_file_text "ktrun: --repeat: not readable: $PWD/closed: Permission denied" err
}

test_a_larger_file_than_a_repetition_may_write_is_refused() {
	record
	rm stub/args
	truncate -s 1T art/console.log
	run "$KTRUN" --repeat art
	assert_status 205
	assert_file_text "ktrun: --repeat: larger than 128 MiB, which a repetition may write: $PWD/art/console.log" err
	assertFalse "QEMU was started" "[ -e stub/args ]"
}

test_a_guest_that_writes_far_more_than_the_run_did_is_not_the_same() {
	record
	printf '%s\n' "$RECORDS" 'kill -XFSZ $$' >stub/act
	repeat -q
	assert_status 1
	assert_file_text 'ktrun: not the same: the repeated guest wrote far more than the run'"'"'s did; QEMU was stopped' err
}

test_other_bytes_are_1_and_the_first_is_named() {
	record
	mkdir stub/again
	{
		head -c 20 art/bulk.bin
		printf '\377'
		tail -c +22 art/bulk.bin
	} >stub/again/stream
	echo more >stub/again/console
	repeat -q
	assert_status 1
	assert_file_text "ktrun: bulk.bin (frames) is not the same: it differs from byte 20 of $(wc -c <art/bulk.bin) on
ktrun: console.log (console) is not the same: it differs from byte 0 of 0 on" err
}

test_a_qemu_that_fails_is_205() {
	record
	echo 7 >stub/code
	echo 'no such log' >stub/stderr
	repeat -q
	assert_status 205
	assert_file_text 'ktrun: --repeat: QEMU ended with status 7: no such log' err
	run "$KTRUN" --repeat art --gdb
	assert_status 205
	assert_file_text 'ktrun: --repeat: QEMU has ended (no such log)' err
}

test_another_qemu_does_not_repeat() {
	record
	rm stub/args
	STUB_QEMU_VERSION='emulator version 9.9' run "$KTRUN" --repeat art
	assert_status 205
	assert_matches 'only the QEMU that has recorded a run can repeat it: that was QEMU .* is QEMU emulator version 9.9$' err
	assertFalse "QEMU was started" "[ -e stub/args ]"
}

test_a_directory_of_a_stranger_gives_no_word_to_qemu() {
	record
	for line in '"words": "a\\u0000b"' '"words": "a\\nb"' '"words": ""' '"memory_mib": 1' \
		'"memory_mib": "512 -monitor stdio"' '"release": "6.1 x"' \
		'"format": 1' '"more": 1' "\"words\": \"$(printf %2048s a)\""; do
		key=${line%%:*}
		sed "/^  $key/d; s|^{|{ $line,|" art/rr.json >stub/rr.json
		cp -r art other
		cp stub/rr.json other/rr.json
		rm -f stub/args
		run "$KTRUN" --repeat other
		assert_status 205
		assert_matches '^ktrun: --repeat: .*/rr.json is not what ktrun writes: ' err
		assertFalse "QEMU was started with $line" "[ -e stub/args ]"
		rm -r other
	done
}

test_a_fifo_or_a_link_in_the_directory_is_refused() {
	record
	rm stub/args art/rr.log
	mkfifo art/rr.log
	run "$KTRUN" --repeat art
	assert_status 205
	assert_file_text "ktrun: not a file: $PWD/art/rr.log" err
	rm art/rr.log
	ln -s /dev/zero art/rr.log
	run "$KTRUN" --repeat art
	assert_status 205
	assertFalse "QEMU was started" "[ -e stub/args ]"
}

test_a_run_without_a_recording_is_not_repeated() {
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -- true
	run "$KTRUN" --repeat art
	assert_status 205
	assert_file_text "ktrun: --repeat: no replay log (--record-replay makes one): there is no $PWD/art/rr.json" err
}

test_a_later_run_removes_the_recording() {
	record
	rm stub/act
	ktrun -- true
	assertEquals "files of a recording" "" "$(find art -name 'rr.*')"
}

test_what_can_not_be_recorded_is_refused() {
	refused '--record-replay: QEMU records one CPU, not 2: give -c 1' --record-replay -c 2 -- true
	KTRUN_ACCEL=kvm refused '--record-replay: QEMU records under TCG only, and KTRUN_ACCEL is kvm' --record-replay -- true
	for words in '--host-root' '--gdb' '--vmcore' '--qemu-arg=-s'; do
		refused "--record-replay: QEMU can't record a run with this option: ${words%%=*}" --record-replay $words -- true
	done
	refused "--record-replay: QEMU can't record a run with this option: --ro or --rw" \
		--record-replay --ro /tmp:/mnt -- true
	refused '--record-replay: no figure of a recorded run says how fast anything is: --gate' \
		--record-replay --gate 'idle<1%' -- true
	refused '--record-replay: no figure of a recorded run says how fast anything is: --compare' \
		--record-replay --compare none none -- true
	refused "--record-replay: what is typed can't be recorded: --shell without a command does not go with it" \
		--record-replay --shell
}

test_words_that_a_recording_can_not_keep_are_refused() {
	for words in "$(printf 'x=\377')" "$(printf 'x=\177')" 'x=a
b'; do
		run "$KTRUN" -o "$PWD/art" --record-replay --append "$words" -- true
		assert_status 205
		assert_matches "^ktrun: --append: a recorded run keeps the kernel's command line as UTF-8 without control" err
		assertFalse "QEMU was started" "[ -e stub/args ]"
	done
}

test_a_matrix_of_two_cpus_is_not_recorded() {
	printf '%s\n' 'topology = 1,1,2,1' 'payload = ok true' 'options = --record-replay' >matrix
	run "$KTRUN" --matrix matrix -o "$PWD/m"
	assert_status 205
	assert_file_text 'ktrun: --matrix: options of a cell: --record-replay: QEMU records one CPU, not 2: give -c 1' err
	assertFalse "a directory was made" "[ -e m ]"
}

test_defaults_for_runs_do_not_count_for_a_repetition() {
	record
	for defaults in '--record-replay --warm' --gdb; do
		rm -rf stub/again
		cp art/bulk.bin stub/stream
		KTRUN_OPTS=$defaults repeat
		assert_status 0
	done
	cp art/bulk.bin stub/stream
	cat stub/act >act
	{ cat act; echo 'sleep 2'; } >stub/act
	KTRUN_OPTS='-t 1' repeat
	assert_status 0
	KTRUN_OPTS=--record-replay run "$KTRUN" --repeat art --gdb
	assert_no_match "can't" err
	KTRUN_OPTS='--record-replay --warm' run "$KTRUN" -q --replay art
	assert_status 0
}

test_what_does_not_go_with_repeat_is_refused() {
	for words in '-c 1' '-o x' '--json x' '--warm'; do
		run "$KTRUN" --repeat art $words
		assert_status 205
		assert_matches "^ktrun: --repeat runs a guest as it was, only -q, -v, -t and --gdb go with it: ${words%% *}\$" err
	done
	run "$KTRUN" --repeat art --gdb=on-panic
	assert_status 205
	assert_matches '^ktrun: --repeat: a replay log ends where the guest ends' err
	run "$KTRUN" --repeat /nonexistent
	assert_status 205
	assert_file_text 'ktrun: --repeat: not a directory: /nonexistent' err
}

test_a_qemu_that_lives_on_is_asked_to_end_its_log() {
	streams $READY $STARTED
	printf '%s\n' 'trap "printf \"\002\040\340\0end\" >\"${bulk%/*}/rr.log\"; exit" TERM
	while :; do sleep 1 & wait $!; done' >stub/act
	ktrun --record-replay -t 1 -- true
	assert_status 204
	assert_value_of art/result.json '"record_replay": {"bytes":7,"problem":null}'
}

# shellcheck disable=SC1091
. shunit2
