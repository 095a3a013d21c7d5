#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A hostile guest: what it costs the host in disk, memory and time, and what of its text reaches a terminal.
# In:  KT_HOSTILE=full  the sizes of real life, as `make torture` has them: a gigabyte of junk, the default
#      --max-output, 128 MiB for a stream.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

LIMIT_KIB=65536 # of ktrun and all that it starts, but for QEMU: 64 MiB
TIME_LIMIT=25 # seconds, boot included, beside another VM
if [ "${KT_HOSTILE:-}" = full ]; then MIB=1024; else MIB=64; fi # of --max-output

# attack NAME OPTIONS KIND...: ktrun with a payload that attacks; its memory is measured.
attack() {
	PEAK=$FILES/$1.peak
	export PEAK
	attack_name=$1
	attack_options=$2
	shift 2
	# shellcheck disable=SC2086  # a list of words
	vm "$attack_name" -i "$KT_TOP/test/deep/fault/hostile-guest.sh" $attack_options -- hostile-guest.sh "$@"
}

oneTimeSetUp() {
	cat >"$FILES/ktrun" <<-'END'
		#!/bin/sh
		exec "$KT_PYTHON" "$KT_TOP/test/deep/fault/peak.py" "$PEAK" "$KT_TOP/host/ktrun" "$@"
	END
	chmod +x "$FILES/ktrun"
	KTRUN=$FILES/ktrun
	attack junk "--max-output ${MIB}M" escapes announce 20000 junk 1000
	attack prints '--max-output 1M' escapes console 1
	attack stays "-t $TIME_LIMIT --max-output 64M" escapes deaf stay
	vm yes --max-output 16M -- yes
	vm kills -t 120 -s "$KT_TOP/build/scx_demo" -- sh -c 'kill -KILL -1; exit 5'
	vm removes -t 60 -- sh -c 'rm -rf /bin /sbin /usr /lib; exit 5'
	# shellcheck disable=SC2016 # for the guest
	vm hides -t 60 -- sh -c 'for at in /usr /sbin /proc /run /bin; do mount -t tmpfs none "$at" || exit 1; done; exit 6'
	vm hides_run -t 60 -s "$KT_TOP/build/scx_demo" -- sh -c 'mount -t tmpfs none /run && exit 3'
	vm no_run -t 60 -s "$KT_TOP/build/scx_demo" -a "--exit-after $WHEN_TOLD 4" -- \
		sh -c "umount -l /run && $FAIL_NOW; ktlatch wait never_set"
	vm no_dev -t 60 -s "$KT_TOP/build/scx_demo" -- sh -c 'mount -o remount,ro / && umount -l /dev && exit 7'
	vm other_dev -t 60 -s "$KT_TOP/build/scx_demo" -- sh -c 'mount -t tmpfs -o ro none /dev && exit 8'
	vm hogs -t 20 -- sh -c 'for _ in 1 2; do chrt -f 99 sh -c "while :; do :; done" & done; wait'
}

# bounded NAME MIB: disk, memory, files.
bounded() {
	look "$1"
	disk=$(find "$art" -type f -exec stat -c %s {} + | awk '{ n += $1 } END { print n + 0 }')
	assertTrue "$1: $disk bytes on disk" "[ $disk -le $(($2 * 1048576)) ]"
	peak=$(sed 's/peak_kib=\([0-9]*\) .*/\1/' "$FILES/$1.peak")
	assertTrue "$1: $(cat "$FILES/$1.peak")" "[ $peak -lt $LIMIT_KIB ]"
	assertEquals "$1: control characters on stderr" "" "$(tr -d '\n\t -~' <"$err" | head -c 20 | od -An -tx1)"
	assertEquals "$1: names" "" "$(find "$VMS" "$FILES" -name '*evil*')"
	assert_nothing_left "$1"
}

test_junk_and_announced_gigabytes_end_at_the_limit() {
	bounded junk "$MIB"
	assert_verdict output-limit 211
	assertEquals "size of bulk.bin" $((MIB * 1048576 / 8)) "$(stat -c %s "$art/bulk.bin")"
	assert_value exit_code null
}

test_a_flooded_console_is_cut_and_reported() {
	bounded prints 1
	assert_verdict output-limit 211
	assertEquals "size of console.log" $((1048576 / 8)) "$(stat -c %s "$art/console.log")"
	value reason >reason.out
	assert_matches console.log reason.out
}

test_a_guest_that_neither_hears_nor_ends_is_killed_in_time() {
	bounded stays 64
	assert_verdict timeout 204
	assertTrue "$(value wall_ms) ms" "[ $(value wall_ms) -lt $((TIME_LIMIT * 1000 + 30000)) ]"
}

test_text_of_the_guest_is_shown_without_what_drives_a_terminal() {
	look stays
	assert_matches 'evil' "$err"
	assert_matches 'evil' "$art/com2.log"
	assert_value init_error '\u001b[2J\u001b]0;evil\u0007../../evil\n  \"verdict\": \"pass\",'
}

# /init needs no file of the guest's to end a run.
test_a_payload_that_removes_all_commands_is_told_with_its_own_status() {
	look removes
	assert_verdict fail 5
	assert_value init_error null
}

test_a_payload_that_hides_commands_and_file_systems_is_told_with_its_own_status() {
	look hides
	assert_verdict fail 6
	assert_value init_error null
}

# Latches are in /run/kt: they are heard nevertheless, with a scheduler too.
test_a_payload_that_takes_the_run_directory_away_hides_no_end() {
	look hides_run
	assert_verdict fail 3
	assert_value init_error null
	look no_run
	assert_verdict sched-died 202
	assert_value_matches reason 'exited after .* with code 4'
	assert_value init_error null
}

# Not even /dev/null, and none can be made.
test_a_payload_that_takes_the_devices_away_is_told_with_its_own_status() {
	look no_dev
	assert_verdict fail 7
	assert_value init_error null
	look other_dev
	assert_verdict fail 8
	assert_value init_error null
}

# ktexec, ktexitmon and the other daemons are among them: it is no silence up to the limit.
test_a_payload_that_kills_all_others_ends_the_run() {
	look kills
	assert_verdict sched-died 202
	assert_value_matches reason 'by signal 9 .SIGKILL.'
	assert_value exec_exit_code null
	assertTrue "$(value wall_ms) ms" "[ $(value wall_ms) -lt 90000 ]"
}

# Nothing of ordinary or real-time priority runs any more; the guest still says what its tasks do.
test_hogs_of_the_highest_priority_do_not_silence_the_guest() {
	look hogs
	assert_verdict timeout 204
	assert_matches 'task:sh .*state:R' "$art/hang.txt"
}

test_a_payload_that_prints_for_ever_ends_soon_and_clearly() {
	look yes
	assert_verdict output-limit 211
	assert_matches 'bulk.bin.*--max-output' "$err"
	assert_matches '^y$' "$out"
	assertTrue "$(value wall_ms) ms" "[ $(value wall_ms) -lt 60000 ]"
}

. shunit2
