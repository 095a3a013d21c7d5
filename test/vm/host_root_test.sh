#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --host-root by virtiofs: programs, directory and environment of the host, and nothing that the guest does
# changes the host. Root in the guest tries in the overlay, where all works and is gone at the end, and below it, where
# nothing may work. By virtio-9p: test/vm-modules/vm/host_root_test.sh.

# shellcheck disable=SC1091,SC2154,SC2016 # what is sourced sets them; the guest's shell expands
. "$KT_TEST_LIB/vm.sh"
. "$KT_TEST_LIB/host_root.sh"

oneTimeSetUp() {
	make_home
	cd "$HOME_DIRECTORY" || return
	KIND_OF_TEST='a word' SSH_AUTH_SOCK=/nowhere SHELL=/bin/bash HOME=/home/of-a-test \
		vm all --host-root -s "$DEMO" -m 640 --topology 2,1,2,1 --rw "$FILES/rw" --ro "$FILES/ro" --ro "$FILES/ro:/mnt/ro" \
		--get "$PWD/made-by-the-guest" -- sh payload.sh "$KT_PYTHON" "$FILES"
	vm tests --host-root --stats --trace-last 1 --test the_test.sh
	kill_in_the_middle gone ktrun
	kill_in_the_middle served virtiofsd
	cd /
}

# kill_in_the_middle NAME virtiofsd|ktrun: kill this process while the payload runs.
kill_in_the_middle() {
	vm_begin "$1" --host-root -- sh -c 'echo ready; sleep 600'
	vm_hears ready
	pgrep -P "$vm_pid" >"$FILES/$1.children"
	case $2 in
	ktrun) kill -KILL "$vm_pid" ;;
	virtiofsd) kill -KILL "$(pgrep -P "$vm_pid" virtiofsd)" ;;
	esac
	vm_finish
}

test_the_run_passes_with_a_scheduler_of_the_host() {
	look all
	assert_verdict pass 0
	assert_value scheduler_attached true
}

test_the_payload_has_the_callers_directory_and_environment() {
	look all
	assert_matches "^in $HOME_DIRECTORY, a word, no agent, /home/of-a-test, shell /bin/bash$" "$out"
	assert_matches "^$HOME_DIRECTORY$" "$out"
}

test_its_root_is_an_overlay_and_the_guest_has_its_own_proc_and_run() {
	look all
	assert_matches '^root: overlayfs, /proc: proc, /run: tmpfs$' "$out"
}

test_the_kt_commands_work_inside() {
	look all
	assert_matches '^kt commands work$' "$out"
	assert_matches 'from-inside' "$result"
}

test_all_that_the_guest_changes_is_gone_and_the_host_is_as_it_was() {
	look all
	assert_attempts overlay 'done' 21
	assert_the_host_is_as_it_was
}

test_below_the_overlay_the_host_refuses_every_change() {
	look all
	assert_matches '^below: writable, as the guest has it$' "$out"
	assert_attempts below refused 21
	assert_attempts below 'done' 0
}

test_a_directory_of_rw_takes_them_and_one_of_ro_does_not() {
	look all
	assert_matches '^ro refuses$' "$out"
	assertEquals 2 "$(grep -c '^of the host$' "$out")"
	assert_matches '^rw: done write$' "$out"
	assert_file_text 'from the guest' "$FILES/rw/target/file"
}

test_get_brings_back_what_the_payload_sees() {
	look all
	assert_matches 'from the guest' "$art/get$HOME_DIRECTORY/made-by-the-guest"
}

test_tests_figures_and_the_recording_work() {
	look tests
	assert_verdict pass 0
	assert_value tests_passed 1
	assert_matches '"name":"test_that_bash_is_there"' "$result"
	assert_matches '"metrics"' "$result"
	assertTrue "no recording" "[ -s '$art/trace.dat' ]"
}

test_a_virtiofsd_that_is_killed_ends_the_run_with_a_reason() {
	look served
	assert_verdict error 205
	assert_value_matches reason '^virtiofsd, which serves the host.s files, has ended, status 137'
	assert_nothing_left served
}

test_a_ktrun_that_is_killed_takes_virtiofsd_with_it() {
	assertTrue "processes of the run: $(tr '\n' ' ' <"$FILES/gone.children")" "[ \$(wc -l <'$FILES/gone.children') -ge 3 ]"
	wait_until "! ps -o pid= -p '$(paste -sd, "$FILES/gone.children")' | grep -q ."
}

. shunit2
