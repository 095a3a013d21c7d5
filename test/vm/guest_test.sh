#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What scheduler and payload find in the guest: the userland, what -i and -e bring, priorities, the
# applets, and nobody who wakes up while nothing happens. One VM, whose payload (tour) looks around; its
# scheduler is a script.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

HOSTILE="it's \"two\"  spaces, \$HOME, \`id\`, \$(id), *, \\n, ; & | <>
second line"
USERLAND="sh ash cat cp mv rm ln ls mkdir rmdir chmod chown touch head tail sort uniq wc cut tr tee dd df du
	date echo printf env expr seq sleep sync basename dirname readlink realpath mktemp sha256sum md5sum test
	true false id uname yes od paste comm nohup kill mknod mkfifo install truncate stat
	ps top pgrep pstree taskset chrt nice renice mount umount dmesg vi less grep sed awk find xargs tar cpio
	hexdump xxd timeout time watch setsid cttyhack stty resize reboot poweroff nproc free uptime devmem ip nc
	ktdump ktpipe kthvc ktexitmon ktsh-lite ktsend ktexec ktlatch ktrecv"

# in_files: all that the guest gets by options.
in_files() {
	cat >"$FILES/script-scheduler" <<-'END'
		#!/bin/sh
		printf 'hostile in the scheduler: '; printf '%s' "$HOSTILE" | od -An -v -tx1 | tr -d ' \n'; echo
		printf 'argument: <%s>\n' "$@"
		exec scx_demo
	END
	mkdir -p "$FILES/folder/deep"
	echo 'data in a folder' >"$FILES/folder/deep/data"
	printf '#!/bin/sh\necho the tool ran\n' >"$FILES/folder/tool-in-folder"
	chmod +x "$FILES/folder/tool-in-folder" "$FILES/script-scheduler"
	echo 'a file with spaces in its name' >"$FILES/a file.txt"
	echo "$USERLAND no_such_tool" >"$FILES/words"
	cat >"$FILES/dynamic.c" <<-'END'
		#include <stdio.h>
		double beside(double x);
		int main(int argc, char **argv) { (void)argv; printf("cos %.4f\n", beside(argc)); return 0; }
	END
	printf '#include <math.h>\ndouble beside(double x) { return cos(x); }\n' >"$FILES/beside.c"
	mkdir "$FILES/lib"
	gcc -shared -fPIC -o "$FILES/lib/libbeside.so" "$FILES/beside.c" -lm
	# shellcheck disable=SC2016 # for the loader
	gcc -o "$FILES/dynamic" "$FILES/dynamic.c" -L"$FILES/lib" -lbeside -Wl,-rpath,'$ORIGIN/lib'
	printf '# echo 7 > /proc/sys/vm/swappiness\n\necho 42 > /proc/sys/vm/swappiness\n' >"$FILES/enable"
	echo 'echo "the disable script ran" > /dev/kmsg' >"$FILES/disable"
}

oneTimeSetUp() {
	in_files
	vm tour -s "$FILES/script-scheduler" -a "one  two*" -c 2 -m 400 \
		--enable "$FILES/enable" --disable "$FILES/disable" \
		-i "$DEMO" -i "$KT_TOP/test/vm/tour" -i "$FILES/folder" -i "$FILES/a file.txt" -i "$FILES/words" \
		-i "$FILES/dynamic" \
		-e "HOSTILE=$HOSTILE" -e PLAIN=plain --append ktbox.trace_kb=4096 -- tour
}

setUp() {
	look tour
}

# fact NAME: what the tour said about it.
fact() {
	sed -n "s/^$1: //p" "$art/stdout"
}

assert_fact() { # NAME EXPECTED
	assertEquals "$1" "$2" "$(fact "$1")"
}

hostile_in_hex() {
	printf '%s' "$HOSTILE" | od -An -v -tx1 | tr -d ' \n'
}

test_the_tour_got_to_its_end() {
	assert_verdict pass 0
	assert_fact tour "done"
	assert_empty "$art/stderr"
}

test_a_script_is_a_scheduler_too() {
	assert_value scheduler_attached true
	assert_value scheduler_name scx_demo
	assert_fact ops 'scx_demo enabled'
	assert_matches '^scx_demo: attached' "$art/sched.log"
}

test_arguments_of_the_scheduler_are_split_at_white_space_and_not_expanded() {
	assertEquals "argument: <one> argument: <two*> " "$(grep '^argument' "$art/sched.log" | tr '\n' ' ')"
}

test_environment_with_hostile_quoting_reaches_payload_and_scheduler() {
	assert_fact hostile "$(hostile_in_hex)"
	assert_fact plain plain
	assert_matches "^hostile in the scheduler: $(hostile_in_hex)\$" "$art/sched.log"
}

test_the_enable_script_is_applied_before_and_the_disable_script_after() {
	assert_fact swappiness 42
	assert_matches 'the disable script ran' "$art/console.log"
	grep -anE 'the disable script ran|sched_ext: BPF scheduler "scx_demo" (en|dis)abled' "$art/console.log" |
		sed 's/.*\(enabled\|disabled\|ran\).*/\1/' >order
	assertEquals "enabled disabled ran" "$(tr -d '\r' <order | tr '\n' ' ' | sed 's/ $//')"
}

test_included_files_folders_and_programs_are_there_and_on_the_path() {
	assert_fact file 'a file with spaces in its name'
	assert_fact file_in_folder 'data in a folder'
	assert_fact tool_in_folder 'the tool ran'
}

test_an_included_dynamic_program_brings_its_libraries() {
	assert_fact dynamic "$("$FILES/dynamic")"
	assert_fact dynamic 'cos 0.5403'
}

test_payload_and_scheduler_have_ordinary_priority() {
	assert_fact payload 'policy 0 priority 0 oom 0'
	assert_fact scheduler 'policy 0 priority 0 oom 0'
}

test_init_and_all_daemons_are_first_in_line_and_safe_from_the_oom_killer() {
	assert_matches '^init: policy 1 priority [1-9][0-9]* oom -1000$' "$art/stdout"
	for daemon in kthvc ktpipe ktexitmon ktexec; do
		assert_matches "^daemon [^ ]*${daemon}[ :]" "$art/stdout"
	done
	# kthvc is a deadline task: real-time ones of the payload must not keep it from answering
	assert_matches '^daemon kthvc .*: policy 6 priority 0 oom -1000$' "$art/stdout"
	grep '^daemon ' "$art/stdout" | grep -v -e '^daemon kthvc ' -e ': policy 1 priority [1-9][0-9]* oom -1000$' >others
	assert_empty others
}

test_every_command_of_the_userland_is_on_the_path() {
	assert_fact missing no_such_tool
	for word in $USERLAND; do
		assertNotNull "path of $word" "$(fact "path_of_$word")"
	done
}

test_hvc0_is_raw_while_the_guest_runs() {
	fact tty_mode >modes
	assert_matches '-icanon' modes
	assert_matches '-echo' modes
	assert_matches '-icrnl' modes
}

test_a_latch_works_from_the_payload() {
	assert_fact wait_for_a_latch_that_is_set 0
	assert_fact wait_for_a_latch_that_is_not 124
}

test_a_frame_of_the_payload_reaches_the_host() {
	assert_fact ktsend 0
	assert_value unknown_frames 1
	payload 0x4d494e45 "$art/bulk.bin" >unknown
	assert_file_text 'from the payload' unknown
}

test_staged_logs_come_in_the_order_of_their_numbers_and_empty_ones_do_not() {
	assert_value sched_log_blocks 3
	grep -aE '^log of the|: attached' "$art/sched.log" >order
	assertEquals "log of the ninth,log of the tenth" "$(grep '^log' order | tr '\n' ',' | sed 's/,$//')"
	assertEquals 3 "$(wc -l <order)"
	assert_matches ': attached' "$art/sched-1.log" # the first scheduler's comes live, so before all blocks
}

test_programs_find_latches_by_a_path() {
	assert_fact run_dir /run/kt
	assert_fact directory /
}

test_a_word_of_ktbox_on_the_command_line_is_known() {
	grep -ai ktbox "$art/console.log" | grep -aiv 'command line: .*console=' >reported
	assert_no_match 'ktbox\.trace_kb' reported
}

test_nobody_of_ktbox_wakes_up_while_nothing_happens() {
	assertTrue "processes: $(fact idle_processes)" "[ $(fact idle_processes) -ge 5 ]"
	assertTrue "switches in 10 s: $(fact idle_switches)" "[ $(fact idle_switches) -le 5 ]"
	assertTrue "switches of the payload, which do count" "[ $(fact own_switches) -ge 1 ]"
	echo "idle: $(fact idle_switches) switches of $(fact idle_processes) processes in 10 s"
}

. shunit2
