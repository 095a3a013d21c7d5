#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The boot tests themselves: they must not touch this host, and their asserts must fail when they should.
# shellcheck disable=SC2016,SC2317  # the stubs' behaviour is text; shunit2 calls the tests

. "$KT_TEST_LIB/boot.sh"

lay_out_booted() { # what boot leaves, without a boot
	for shell in $BOOT_SHELLS; do
		printf '%s\n' 'one x' 'two y' 'ktsend exit 7' 'ktsend exit 8' 'three' >"journal.$shell"
		printf 'ktbox: complaint\n' >"console.$shell"
	done
}

# refuses ASSERT ARG...: in a subshell and against a log of its own, so that its failure is not this test's.
refuses() {
	: >refused
	(
		fail() { echo fail >>refused; }
		kt_log() { echo "$1" >>refused; }
		"$@"
	) >/dev/null
	assertTrue "this must fail: $*" "grep -q fail refused"
}

test_a_root_outside_of_the_tests_folder_is_refused() {
	for folder in '' / /tmp "$SHUNIT_TMPDIR" "$SHUNIT_TMPDIR-other/root"; do
		assertFalse "'$folder' must be refused" "boot_is_safe '$folder' >said"
		assert_matches '^boot: refused: ' said
	done
}

test_a_root_that_lacks_a_stub_is_refused() {
	for stub in $BOOT_STUBS; do
		mv "root/stubs/$stub" spare
		assertFalse "without $stub" "boot_is_safe '$PWD/root' >said"
		mv spare "root/stubs/$stub"
	done
	mv root/bin/reboot spare
	assertFalse 'without bin/reboot' "boot_is_safe '$PWD/root' >said"
	mv spare root/bin/reboot
	assertTrue 'the whole root' "boot_is_safe '$PWD/root'"
}

test_no_tool_of_the_host_that_could_harm_it_is_found() {
	for name in mount umount reboot poweroff halt kill pkill init systemctl chroot unshare busybox; do
		assertFalse "$name" "[ -e root/tools/$name ]"
	done
	for tool in $BOOT_TOOLS; do
		assertEquals "$tool is what it is called" "$tool" "$(basename "$(readlink "root/tools/$tool")")"
	done
}

test_init_is_run_by_nothing_but_boot_under() {
	grep -rl 'rootfs/init\|sh init' "$KT_TEST_LIB" "$KT_TOP/test/init" >callers
	assert_file_text "$KT_TEST_LIB/boot.sh
$KT_TOP/test/init/safety_test.sh" callers
	assert_matches 'boot_is_safe "[$]PWD/[$]1" \|\| return' "$KT_TEST_LIB/boot.sh"
}

test_each_shell_is_run_as_itself() {
	cat >root/lib/ktbox/zz_who.sh <<-'END'
		who() { tr '\0' ' ' <"/proc/$$/maps" >"$ROOT/maps"; }
		who
	END
	boot
	assert_matches '/busybox$' ash/maps
	assert_no_match '/dash$' ash/maps
	case $BOOT_SHELLS in
	*dash*) assert_matches '/dash$' dash/maps ;;
	esac
}

test_the_asserts_hold_where_they_should() {
	lay_out_booted
	assert_did 'one x' 'three'
	assert_did_not '^four'
	assert_order 'one' 'two' 'three'
	assert_times 2 '^ktsend exit '
	assert_console '^ktbox: '
}

test_the_asserts_fail_where_they_should() {
	lay_out_booted
	refuses assert_did 'one'
	refuses assert_did_not '^one'
	refuses assert_order 'two' 'one'
	refuses assert_order 'four' 'two'
	refuses assert_order 'one x' 'four'
	refuses assert_times 1 '^ktsend exit '
	refuses assert_exit 8
	printf '%s\n' 'ktsend exit 7' 'ktsend fin 1' | tee journal.ash >journal.dash
	refuses assert_exit 7
	lay_out_booted
	refuses assert_console '^four'
	refuses assert_not_on_console '^ktbox: '
	refuses assert_no_frame
	echo 'one more' >>journal.ash
	refuses assert_times 1 '^one'
}

. shunit2
