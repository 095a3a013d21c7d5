#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Shared folders and modules, on a kernel whose 9p is a module (make kernel-generic): what the guest reads and
# writes, what a read-only share refuses, and which modules were loaded.

# shellcheck disable=SC1091,SC2154,SC2016 # what is sourced sets them; the guest's shell expands
. "$KT_TEST_LIB/vm.sh"

GENERIC=$KT_TOP/build/kernel-generic/image

oneTimeSetUp() {
	mkdir -p "$FILES/in, put/deep" "$FILES/out"
	bytes 3000000 >"$FILES/in, put/deep/data"
	vm share -k "$GENERIC" -s "$DEMO" --ro "$FILES/in, put:/mnt/in put" --rw "$FILES/out" -- sh -c '
		cp "/mnt/in put/deep/data" "$1/copy" && sha256sum "$1/copy"
		echo no >"/mnt/in put/new" || echo refused
		rm "/mnt/in put/deep/data" || echo refused
		cut -d " " -f 1 /proc/modules | sort | tr "\n" " "
		echo
		echo "left by the last command" >"$1/last"' sh "$FILES/out"
	vm none -k "$GENERIC" -- cat /proc/modules
}

test_the_scheduler_and_the_payload_run_on_it() {
	look share
	assert_verdict pass 0
	assert_value scheduler_attached true
}

test_what_the_guest_writes_is_on_the_host() {
	look share
	assert_same_bytes "$FILES/in, put/deep/data" "$FILES/out/copy"
	assert_file_text 'left by the last command' "$FILES/out/last"
}

test_a_read_only_share_stays_as_it_was() {
	look share
	assertEquals "deep" "$(ls "$FILES/in, put")"
	assertTrue "the file is gone" "[ -e '$FILES/in, put/deep/data' ]"
	assertEquals 2 "$(grep -c '^refused$' "$out")"
}

test_the_modules_that_it_needs_are_loaded_and_no_others() {
	look share
	assert_matches '^9p 9pnet 9pnet_virtio netfs $' "$out"
	look none
	assert_verdict pass 0
	assert_empty "$out"
}

. shunit2
