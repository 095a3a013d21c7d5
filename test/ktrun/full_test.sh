#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Small limits of the caller: a full disk under -o and under TMPDIR, ulimit -f. One line, the right code, nothing left
# over. Where no file system can be mounted, the tests of full disks do nothing.

# shellcheck disable=SC1091,SC2154,SC2086,SC2016,SC3045 # what is sourced sets them; items are words; dash has ulimit -f
. "$KT_TEST_LIB/stub.sh"

# small SIZE: a file system of that size in disk/. False where none can be mounted.
small() {
	mkdir -p disk
	mount -t tmpfs -o "size=$1" kt-small disk 2>mount.err && return
	_shunit_assertPass
	return 1
}

tearDown() {
	if mountpoint -q disk; then umount disk; fi
}

assert_one_line() { # ERE
	assert_status 205
	assertEquals "lines: $(cat err)" 1 "$(wc -l <err)"
	assert_matches "^ktrun: $1" err
	assertFalse "QEMU was started" "[ -e stub/args ]"
	assert_no_temporary_folder
}

test_a_full_disk_under_the_artifacts() {
	small 100k || return 0
	streams $READY $STARTED $OUT0 $EXIT
	run "$KTRUN" -o "$PWD/disk/art" -- true
	assert_one_line "output: no space left on the disk: $PWD/disk/art"
	assertEquals "what is left" lock "$(ls -A disk/art)"
}

# The guest fills it.
test_a_disk_that_becomes_full() {
	small 1m || return 0
	streams $READY $STARTED stdout*32000 $OUT0 $EXIT
	echo 'head -c 2000000 /dev/zero >"${bulk%/*}/filler"' >stub/act
	run "$KTRUN" -o "$PWD/disk/art" -- true
	assert_status 205
	assert_matches 'No space left on device' err
	assert_no_match 'Traceback|Errno' err
	assertEquals "left over" "" "$(find disk -name '*.new')"
	assert_no_temporary_folder
}

test_a_full_temporary_directory() {
	small 1m || return 0
	streams $READY $STARTED $OUT0 $EXIT
	TMPDIR=$PWD/disk run "$KTRUN" -o "$PWD/art" -- true
	assert_one_line 'temporary directory: no space left on the disk: '
	umount disk
	small 5m || return 0
	head -c 5000000 /dev/urandom >large
	TMPDIR=$PWD/disk run "$KTRUN" -o "$PWD/art" -i "$PWD/large" -- true
	assert_one_line 'unable to pack the initramfs: .*No space left'
	assertEquals "what is left" "" "$(ls -A disk)"
}

test_a_limit_of_the_shell_that_is_too_low_for_any_run() {
	streams $READY $STARTED $OUT0 $EXIT
	run sh -c 'ulimit -f 1000; exec "$@"' sh "$KTRUN" -o "$PWD/art" -- true
	assert_one_line 'ulimit -f: a run needs files of '
	head -c 9000000 /dev/urandom >large
	run sh -c 'ulimit -f 10000; exec "$@"' sh "$KTRUN" -o "$PWD/art" -i "$PWD/large" -- true
	assert_one_line 'unable to pack the initramfs: '
}

# It is lower than the share of --max-output: a console that reaches it has been cut.
test_a_console_that_the_limit_of_the_shell_cuts() {
	streams $READY $STARTED $OUT0 $EXIT
	head -c 6000000 /dev/zero | tr '\0' x >stub/console
	run sh -c 'ulimit -f 10000; exec "$@"' sh "$KTRUN" -o "$PWD/art" -- true
	assert_verdict output-limit 211
	assert_matches 'filled console.log .*ulimit -f' err
	head -c 600 /dev/zero | tr '\0' x >stub/console
	run sh -c 'ulimit -f 10000; exec "$@"' sh "$KTRUN" -o "$PWD/art" -- true
	assert_verdict pass 0
}

. shunit2
