#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktsh, the shell of /init: the binary's own applets come before PATH, some without a process. sh and ash are as ever.
# shellcheck disable=SC2016,SC2317  # scripts for another shell; shunit2 calls the tests

. "$KT_TEST_LIB/unit.sh"

setUp() {
	mkdir bin
	ln -s "$KT_BUSYBOX" bin/ktsh
	ln -s "$KT_BUSYBOX" bin/ash
	printf '#!/bin/sh\necho "from PATH: ${0##*/} $*"\n' >bin/mkdir
	cp bin/mkdir bin/ktlatch
	cp bin/mkdir bin/mine
	chmod +x bin/mkdir bin/ktlatch bin/mine
	KT_RUN_DIR=$PWD/run
	export KT_RUN_DIR
}

shell() { # NAME SCRIPT
	shell_name=$1
	shift
	PATH=$PWD/bin:$PATH timeout "$KT_CEILING" "$PWD/bin/$shell_name" -c "$@" >out 2>err
}

test_only_ktsh_takes_its_own_applets_before_path() {
	shell ktsh 'mkdir d; ktlatch set one; mine 1; (mkdir e); mkdir f | cat; exec mkdir g'
	assert_file_text 'from PATH: mine 1' out
	assertTrue "$(ls)" "[ -d d ] && [ -d e ] && [ -d f ] && [ -d g ] && [ -e run/one ]"
	shell ash 'mkdir h; ktlatch set two'
	assert_file_text 'from PATH: mkdir h
from PATH: ktlatch set two' out
}

test_it_needs_no_file() {
	shell ktsh 'rm -r bin; PATH=; unset PATH; mkdir d; ktlatch set one; (ls d) && cat run/one && ktlatch wait -t 9 one & wait $!; echo $?'
	assert_file_text 0 out
	assert_empty err
}

# The shell itself runs ktsend: neither an error nor --help ends it, and nothing stays set.
test_a_command_without_a_process_is_a_command() {
	shell ktsh 'ktsend -p port mark one; echo $?; ktsend -p port nonsense; echo $?; ktsend --help >help; echo $?
		ktsend -p none/port exit 0; echo $?; KT_RUN_DIR=$PWD/other ktlatch set two; ls other; echo "$KT_RUN_DIR"
		ktsend -p port exit 7 >out2 2>&1 && ktsend -p port kmsg - <help; echo $?'
	assert_file_text "0
1
0
1
two
$PWD/run
0" out
	assert_matches "ktsend: unable to send 'nonsense'" err
}

# test/vm/guest_test.sh looks at its words in /proc/PID/cmdline: not every host lets root change them.
test_a_child_has_its_name_and_the_signals_of_a_program() {
	shell ktsh 'trap "echo caught" TERM USR1; trap "" HUP
		sleep 60 &
		until [ "${name:-}" = sleep ]; do read -r name </proc/$!/comm; done
		kill -HUP $!; kill -USR1 $!; wait $!; echo $?'
	assert_file_text $((128 + 10)) out
}

# A second ash in the same process would find the variables of the first.
test_a_shell_in_ktsh_is_a_program() {
	shell ktsh 'mine() { echo function; }; var=1; ash -c "echo \${var-none}; mine 2"'
	assert_file_text 'none
from PATH: mine 2' out
}

test_descriptors_and_output_stay_in_order() {
	shell ktsh 'echo one; mkdir d && echo two; exec 5>file; echo three >&5; ktlatch test none || echo four; cat file; ls /proc/self/fd >fds
		(ls /proc/self/fd) >fds2'
	assert_file_text 'one
two
four
three' out
}

test_a_thousand_commands_leave_no_descriptor_and_little_memory() {
	shell ktsh 'memory() { while read -r key kib _; do [ "$key" != VmRSS: ] || echo "$kib"; done </proc/$$/status; }
		twice() { i=0; while [ $i -lt 1000 ]; do ktsend -p /dev/null mark $i; ktlatch wait -a -i -t 0 -p $$ none; i=$((i + 1)); done; }
		twice; before=$(memory); twice; echo $(($(memory) - before)); set -- /proc/$$/fd/*; echo $#'
	read -r grown <out
	# A sanitizer keeps what was freed for a while.
	[ -n "${KT_SANITIZED:-}" ] || assertTrue "$(cat out err)" "[ $grown -lt 200 ]"
	assertTrue "descriptors: $(tail -n 1 out)" "[ $(tail -n 1 out) -lt 10 ]"
}

. shunit2
