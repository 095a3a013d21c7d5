#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Directories of others: ktrun neither removes nor writes what no run has made, nor through a link; and what is killed
# leaves nothing at work.

# shellcheck disable=SC1091,SC2154,SC2086,SC2016 # what is sourced sets them; items are words; $x is meant literally
. "$KT_TEST_LIB/stub.sh"

passed() {
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -- true
	assert_verdict pass 0
	rm -f stub/args
}

test_files_of_a_user_stay() {
	streams $READY $STARTED $OUT0 $EXIT
	for name in history dmesg stdout result.json host.json dump-1.txt bulk.bin; do
		rm -rf art
		mkdir art
		echo mine >"art/$name"
		run "$KTRUN" -o "$PWD/art" -- true
		assert_status 205
		assertEquals "lines for $name: $(cat err)" 1 "$(wc -l <err)"
		assert_matches "^ktrun: no run has made this file .*so it stays: $PWD/art/$name\$" err
		assert_file_text mine "art/$name"
		assertFalse "QEMU was started" "[ -e stub/args ]"
	done
	rm -rf art
	mkdir art
	echo mine >art/notes
	for _ in first second; do
		run "$KTRUN" -o "$PWD/art" -- true
		assert_verdict pass 0
		assert_file_text mine art/notes
	done
}

test_what_is_no_file_is_named() {
	passed
	echo mine >victim
	for name in hang.txt stdout stderr sched.log stream.json result.json host.json bulk.bin console.log dump-7.txt \
		.ktbox-run lock; do
		for kind in 'ln -s ../victim' mkdir mkfifo; do
			cp -a art odd
			rm -f "odd/$name"
			$kind "odd/$name"
			run "$KTRUN" --replay "$PWD/odd"
			assert_status 205
			assertEquals "lines for $kind $name: $(cat err)" 1 "$(wc -l <err)"
			assert_matches "^ktrun: .*(not (a|there as a regular) file: $PWD/odd/$name\$|: $name is a pipe, )" err
			assert_file_text mine victim
			rm -rf odd
		done
	done
	ln -s .. art/get
	run "$KTRUN" --replay "$PWD/art"
	assert_status 205
	assert_matches "^ktrun: not a directory: $PWD/art/get\$" err
	assert_file_text mine victim
}

test_a_replay_follows_no_link_that_another_name_has() {
	passed
	rm art/stdout art/stream.json
	echo mine >victim
	ln victim art/stdout
	ln victim art/stream.json
	run "$KTRUN" --replay "$PWD/art"
	assert_verdict pass 0
	assert_file_text mine victim
}

test_a_replay_of_what_no_run_has_made() {
	passed
	mkdir made
	cp art/bulk.bin art/console.log made
	echo mine >made/history
	run "$KTRUN" --replay "$PWD/made"
	assert_status 205
	assert_matches "^ktrun: no run has made this file .*: $PWD/made/history\$" err
	assert_file_text mine made/history
	rm made/history
	for _ in first second; do
		run "$KTRUN" --replay "$PWD/made"
		assert_status 0
	done
	rm art/.ktbox-run # a directory of an older ktbox
	run "$KTRUN" --replay "$PWD/art"
	assert_verdict pass 0
}

test_a_report_goes_through_no_link_of_a_guessed_name() {
	passed
	echo mine >victim
	run "$KTRUN" --replay "$PWD/art" --junit "$PWD/j.xml" --report "$PWD/p.html"
	assert_status 0
	assertEquals "nothing is left over" "" "$(find . -name '.ktbox-*.new')"
}

test_an_edited_host_json_gives_a_valid_result_or_none() {
	streams $READY
	echo 'exec sleep 2' >stub/act
	ktrun -t 1 -- true
	assert_verdict timeout 204
	sed -i 's/"hang_from":[0-9]*/"hang_from":999999999999/' art/host.json
	run "$KTRUN" --replay "$PWD/art"
	assert_status 204
	assert_empty art/hang.txt
	assert_valid art/result.json
	cp art/host.json good.json
	for change in 's/"accel": "tcg"/"accel": "xxx"/' 's/"format": \([0-9]*\),/"format": \1, "format": \1,/' \
		's/"plain":false/"plain":false,"plain":true/'; do
		sed "$change" good.json >art/host.json
		run "$KTRUN" --replay "$PWD/art"
		assert_status 205
		assertEquals "lines for $change: $(cat err)" 1 "$(wc -l <err)"
		assert_matches 'host.json is not what ktrun writes' err
	done
}

test_names_drive_no_terminal() {
	passed
	"$KT_PYTHON" -c 'import os
os.rename("art", b"art\xc2\x9b31m\xe2\x80\xae\xe2\x81\xa6\xd8\x9c\xe2\x80\xa8\x9b\n")'
	name=$(printf 'art\302\23331m\342\200\256\342\201\246\330\234\342\200\250\233\n.')
	run "$KTRUN" --replay "$PWD/${name%.}" --junit j.xml --report p.html --tap t.tap
	assert_status 0
	for file in err j.xml p.html t.tap; do
		"$KT_PYTHON" -c 'import sys
data = open(sys.argv[1], "rb").read()
bad = [c for c in data.decode("utf-8", "surrogateescape") if 0x7f <= ord(c) < 0xa0 or ord(c) in (0x61c, 0x2028, 0x202e,
       0x2066) or 0xdc80 <= ord(c) < 0xdca0]
sys.exit(repr(bad) if bad else 0)' "$file" 2>bad
		assertEquals "$file: $(cat bad)" 0 $?
	done
	assert_no_match '="[^"]*$' j.xml # a newline within an attribute
}

# What a guest sends, too: reason and names come from frames.
test_text_of_a_guest_drives_no_terminal() {
	evil='a\xc2\x9b1m\xe2\x80\xae\xd8\x9cz'
	streams $READY "sched-state=attached\\x20ms=1\\x20name=$evil" $STARTED $OUT0 "init-error=$evil" \
		"test-case=status=failed\\x20ms=1\\x20file=$evil\\x20name=$evil\\x20message=$evil" fin exit#i32:209
	ktrun --json - --tap t.tap --junit j.xml --report p.html -- true
	for file in err out t.tap j.xml p.html; do
		assert_no_match "$(printf '\302\233|\342\200\256|\330\234')" "$file"
	done
	assert_matches 'a\\u009b1m\\u202e\\u061cz' out
}

# The processes of a run that was killed, by the lock that they hold.
test_a_killed_ktrun_takes_all_with_it() {
	mkfifo stub/began stub/typed
	exec 7<>stub/typed
	echo 'echo $$ >"$STUB/began"; exec sleep 1000 7<&-' >stub/act
	streams $READY
	"$KTRUN" -o "$PWD/art" -- true <&7 >out 2>err &
	exec 6<>stub/began
	timeout "$KT_CEILING" head -n 1 <&6 >qemu.pid
	qemu=$(cat qemu.pid)
	pid=$(ps -o ppid= -p "$qemu" | tr -d ' ')
	children=$(pgrep -P "$pid" | wc -l)
	assertTrue "QEMU, ktrecv and kttty: $children" "[ $children -ge 3 ]"
	pgrep -P "$pid" >pids
	assertNotEquals "temporary directory" "" "$(find "$TMPDIR" -maxdepth 1 -name 'ktrun.*')"
	kill -KILL "$pid"
	while read -r child; do
		wait_until "! kill -0 $child 2>/dev/null"
	done <pids
	wait_until 'flock -n art/lock true'
	exec 6<&- 7<&-
	rm stub/act
	passed
	assert_no_temporary_folder
}

test_a_helper_that_dies_ends_the_run() {
	mkfifo stub/began stub/typed
	exec 7<>stub/typed
	echo 'echo $$ >"$STUB/began"; exec sleep 1000 7<&-' >stub/act
	streams $READY
	"$KTRUN" -o "$PWD/art" -- true <&7 >out 2>err &
	pid=$!
	exec 6<>stub/began
	timeout "$KT_CEILING" head -n 1 <&6 >qemu.pid
	qemu=$(cat qemu.pid)
	kill -SEGV "$(pgrep -P "$(ps -o ppid= -p "$qemu" | tr -d ' ')" -f kttty)"
	end_of "$pid"
	assert_verdict error 205
	assert_matches '^ktrun: error .*kttty.* has ended, status 139' err
	exec 6<&- 7<&-
}

test_a_second_signal_is_130_too() {
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -- true
	head -c 60000000 /dev/zero | tr '\0' '\n' >>art/console.log
	for number in 1 2 3 4 5 6; do
		rm -f art/stream.json
		"$KTRUN" --replay "$PWD/art" >out 2>err &
		pid=$!
		wait_until "[ -s art/stream.json ] || ! kill -0 $pid"
		kt ktlatch wait -t "0.$number" never_set
		kill -TERM "$pid"
		kill -TERM "$pid"
		wait "$pid"
		code=$?
		assertTrue "status $code" "[ $code = 130 ] || [ $code = 0 ]"
		assert_no_match Traceback err
	done
}

. shunit2
