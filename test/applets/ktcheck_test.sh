#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktcheck: which system calls a kernel lacks. strace stands in for kernels that do.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

test_a_kernel_that_has_all_calls_is_told_by_the_status_alone() {
	run_kt ktcheck
	assert_status 0
	assert_empty out
	assert_empty err
}

# lacking CALL[,OLD-CALL] OPTION [ERROR]: the kernel lacks this call.
lacking() {
	run strace -f -qq -o trace -e trace="$1" -e inject="$1:error=${3:-ENOSYS}" "$KT_BUSYBOX" ktcheck
	assert_status 1
	assert_file_text "$2" out
}

test_each_call_that_a_kernel_lacks_is_told_by_its_option() {
	lacking signalfd,signalfd4 CONFIG_SIGNALFD
	lacking inotify_init1 CONFIG_INOTIFY_USER
	lacking socket CONFIG_NET
	lacking socket CONFIG_NET EAFNOSUPPORT
	lacking flock CONFIG_FILE_LOCKING
	lacking getitimer CONFIG_POSIX_TIMERS
}

test_several_that_are_missing_are_told_line_by_line() {
	run strace -f -qq -o trace -e inject=flock,socket:error=ENOSYS "$KT_BUSYBOX" ktcheck
	assert_status 1
	assert_file_text 'CONFIG_NET
CONFIG_FILE_LOCKING' out
}

test_an_error_of_another_kind_is_not_a_missing_call() {
	run strace -f -qq -o trace -e inject=socket,inotify_init1:error=EMFILE "$KT_BUSYBOX" ktcheck
	assert_status 0
	assert_empty out
}

test_a_word_is_a_usage_error() {
	run_kt ktcheck word
	assert_status 1
	assert_matches 'Usage: ktcheck' err
}

. shunit2
