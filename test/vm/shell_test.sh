#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# `ktrun --shell` as a person uses it: in a terminal (tmux's), by keys. Six sessions: a long one that
# ends by `exit 7`, one with break=scheduler, one with a failed boot, one whose VM hangs and is ended by the
# key, one that ends by poweroff and one that ends by reboot. All share a history.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

KEYS_CEILING=60 # seconds until a key has its effect

tm() {
	tmux -L "kt-$$" -f /dev/null "$@"
}

# session NAME ARG...: ktrun --shell in a terminal of its own, whose output is read from descriptor 7. Its stderr goes
# to the file $errors, else to one beside its output.
session() {
	session=$1
	shift
	cat >"$FILES/$session.sh" <<-END
		tmux -L kt-$$ wait-for go-$session
		stty -g >"$VMS/$session.before"
		"$KTRUN" --shell --history "$FILES/history" -t $VM_CEILING -o "$VMS/$session" $* 2>"${errors:-$VMS/$session.err}"
		echo \$? >"$VMS/$session.status"
		stty -g >"$VMS/$session.after"
		tmux -L kt-$$ wait-for -S done-$session
	END
	: >"$VMS/$session.out"
	mkfifo "$FILES/$session.fifo"
	exec 7<>"$FILES/$session.fifo"
	tm new-session -d -s "$session" -x 120 -y 40 "sh '$FILES/$session.sh'"
	tm pipe-pane -t "$session" "cat >'$FILES/$session.fifo'"
	tm wait-for -S "go-$session"
}

# keys KEY...: as tmux names them, or text.
keys() {
	tm send-keys -t "$session" "$@"
}

# sees TEXT: it comes on the terminal. What did not come is noted in a file that a test shows.
sees() {
	"$KT_PYTHON" "$KT_TOP/test/tools/expect.py" "${2:-$KEYS_CEILING}" "$1" "$VMS/$session.out" <&7 && return 0
	echo "$1" >>"$VMS/$session.missed"
	return 1
}

# said NAME TEXT...: note, under this name, that all the texts come, one after the other.
said() {
	name=$1
	shift
	for text; do
		sees "$text" || return 0
	done
	echo yes >"$VMS/said.$name"
}

session_end() {
	timeout "$VM_CEILING" tmux -L "kt-$$" wait-for "done-$session"
	exec 7<&-
}

prompt='# '

type_line() {
	keys -l "$1"
	keys Enter
}

# What the guest runs to hear of a resize, and 100 KB of short lines.
# shellcheck disable=SC2016  # for the guest's shell
make_files() {
	echo 'trap "stty size; kill %1; exit" WINCH; ktlatch wait never & stty size; wait' >"$FILES/winch"
	seq -w 14300 | head -c 100000 >"$FILES/pasted"
	echo >>"$FILES/pasted"
	tm load-buffer "$FILES/pasted"
}

# The effect of a line must not look like the line: what is typed is echoed.
# shellcheck disable=SC2016  # for the guest's shell
long_session() {
	session long -m 600 -s "$DEMO" -i "$FILES/winch"
	sees "$prompt" "$VM_CEILING"
	cp "$VMS/long.out" "$VMS/greeting"
	type_line 'echo $((6*7))-typed'
	said typed '42-typed'
	keys Up Enter
	said history '42-typed'
	keys -l 'echo $((70+1))-ac'
	keys Left
	type_line b
	said editing '71-abc'
	keys -l 'echo /proc/cpui'
	keys Tab Enter
	said completion "/proc/cpuinfo"
	type_line 'echo term-$TERM'
	said term "term-$(tm show-options -gv default-terminal)"
	type_line 'sh /include-files/winch'
	said size '40 120'
	tm resize-window -t "$session" -x 91 -y 33
	said resized '33 91'
	type_line 'stty -echo; echo $((8*8))-paste; sha256sum; stty echo'
	sees '64-paste'
	tm paste-buffer -t "$session"
	keys C-d
	said pasted "$(sha256sum <"$FILES/pasted" | cut -d ' ' -f 1)"
	type_line 'stty -a; tty; ps -o stat,comm | grep kthv; echo $((1+1))-terminal'
	said terminal /dev/pts/ '2-terminal'
	type_line 'echo $((2+2))-go; sleep 600'
	said go '4-go'
	keys C-c
	type_line 'echo $((50+5))-after'
	said interrupted '55-after'
	type_line "sh -c 'while read -r l; do echo got-\$((\${#l}+100)); done'"
	type_line abcde
	said job_runs 'got-105'
	keys C-z
	said job_stops Stopped
	type_line 'jobs; echo $((3+4))-jobs'
	said jobs Stopped '7-jobs'
	type_line fg
	said job_is_back 'while read'
	type_line abc
	said job_goes_on 'got-103'
	keys C-c
	type_line 'echo $((80+8))-end'
	said job_ends '88-end'
	type_line "sh -c 'echo \$((44+1))-fg; exec sleep 600'"
	sees '45-fg'
	keys C-z
	sees Stopped
	type_line 'bg; jobs; kill %1; echo $((46+1))-bg'
	said job_in_background Running '47-bg'
	type_line 'cat /sys/kernel/sched_ext/root/ops; ktsend 0x4d494e45 hello; echo $((90+9))-sent'
	said scheduler scx_demo '99-sent'
	type_line 'kt status'
	said status 'scheduler:  scx_demo' 'state:      enabled' sched_attached 'log:'
	! sees 43-not-typed 2 || echo yes >"$VMS/said.nothing"
	type_line 'exit 7'
	session_end
}

# Two shells, the first before there is a scheduler.
# shellcheck disable=SC2016  # for the guest's shell
stop_session() {
	session stop -s "$DEMO" -e NO_COLOR=1 --append break=scheduler
	sees "$prompt" "$VM_CEILING"
	type_line 'kt status'
	said stopped 'scheduler:  none' 'process:    none was started'
	type_line 'exit 3'
	said goes_on 'scheduler: scx_demo' "$prompt"
	type_line 'seq -s " " 3000; echo $((900+99))-last; exit 4'
	said last '999-last'
	session_end
}

# A kernel without 9p, of which ktrun does not know that: /init can't mount the share.
# shellcheck disable=SC2016  # for the guest's shell
rescue_session() {
	cp "$KT_TOP/build/kernel/image" "$FILES/image"
	mkdir "$FILES/shared"
	session rescue -k "$FILES/image" --ro "$FILES/shared:/mnt" --append ktbox.rescue=1
	sees "$prompt" "$VM_CEILING"
	type_line 'grep -c " /mnt " /proc/mounts; echo $((300+3))-rescued'
	said rescued 303-rescued
	type_line exit
	session_end
}

# A QEMU that is stopped is as deaf as a kernel can be. A program has the alternate screen.
# shellcheck disable=SC2016  # for the guest's shell
hung_session() {
	session hung
	sees "$prompt" "$VM_CEILING"
	type_line 'printf "\033[?1049h"; echo $((600+66))-hung' # as vi does
	said hung '666-hung'
	vm_name=hung
	kill -STOP "$(vm_qemu)"
	keys C-]
	said restored '[?1049l' '[r'
	session_end
}

recall() {
	keys Up Enter
	said recalled '666-hung'
}

oneTimeSetUp() {
	TMUX_TMPDIR=$FILES
	export TMUX_TMPDIR
	unset TMUX
	tm new-session -d -s keeper cat # a server without a session ends
	make_files
	long_session
	stop_session
	rescue_session
	hung_session
	for way in poweroff reboot; do
		errors=
		[ "$way" = poweroff ] || errors=/dev/tty
		session "$way"
		sees "$prompt" "$VM_CEILING"
		[ "$way" = reboot ] || recall
		type_line "$way"
		[ "$way" = poweroff ] || said ended 'ktrun: pass'
		session_end
	done
	tr -d '\r' <"$VMS/reboot.out" >"$VMS/reboot.err"
	tm kill-server
	vm command --shell -- sh -c 'echo to stdout; echo to stderr >&2; exit 5'
}

assert_said() { # NAME...
	for name; do
		assertTrue "$name (missed: $(cat "$VMS/$session.missed"))" "[ -f '$VMS/said.$name' ]"
	done
}

setUp() {
	session=long
	: >>"$VMS/long.missed"
}

test_the_greeting_says_kernel_memory_cpus_scheduler_and_how_to_leave() {
	kernel=$(cat "$KT_TOP/build/kernel/version")
	assertTrue "kernel: $(cat "$VMS/greeting")" "grep -qaF '$kernel' '$VMS/greeting'"
	assert_matches '[56][0-9][0-9] *M' "$VMS/greeting"
	assert_matches '2 CPU|CPUs?:? *2' "$VMS/greeting"
	assert_matches 'scx_demo' "$VMS/greeting"
	assert_matches 'exit|poweroff' "$VMS/greeting"
}

test_until_the_shell_begins_a_status_line_tells_that_it_boots() {
	assert_matches 'ktrun: booting, [0-9]+ s' "$VMS/reboot.out"
	sed -n '/ktbox: exit/,$p' "$VMS/reboot.out" >after
	assert_no_match 'ktrun: booting' after
}

test_after_a_guest_that_died_on_the_alternate_screen_it_is_the_user_s_screen_again() {
	session=hung
	: >>"$VMS/hung.missed"
	assert_said restored
	assertEquals "a shell that ended in order needs no such thing" 0 "$(grep -ac '\[?1049l' "$VMS/reboot.out")"
}

test_a_typed_command_runs() {
	assert_said typed scheduler
	assertFalse "something that was not typed" "[ -f '$VMS/said.nothing' ]"
}

test_kt_status_reports_the_scheduler() {
	assert_said status
}

test_lines_can_be_edited_completed_and_taken_from_the_history() {
	assert_said history editing completion
}

test_the_history_is_kept_between_sessions_even_if_the_vm_was_killed() {
	session=poweroff
	: >>"$VMS/poweroff.missed"
	assert_said recalled
	assert_matches '^exit 7$' "$FILES/history"
	assertEquals "lines" 1 "$(grep -c '666\|600+66' "$FILES/history")"
}

test_the_window_has_the_users_size_from_the_start_and_follows_it() {
	assert_said size resized
}

test_term_is_that_of_the_users_terminal() {
	assert_said term
}

test_a_paste_of_100_kb_loses_nothing() {
	assert_said pasted
}

test_the_last_output_before_the_exit_is_shown() {
	session=stop
	: >>"$VMS/stop.missed"
	assert_said last
}

test_the_key_ends_a_vm_that_hangs_and_says_so() {
	session=hung
	: >>"$VMS/hung.missed"
	assert_said hung
	look hung
	assert_verdict interrupted 130
	assert_matches '^ktrun: Ctrl-\] ends the VM' "$err"
	assert_matches 'the key Ctrl-\]' "$err"
	assert_same_bytes "$VMS/hung.before" "$VMS/hung.after"
	assert_nothing_left hung
}

test_the_shell_has_a_terminal_of_its_own() {
	assert_said terminal
}

test_ctrl_c_interrupts_a_command_and_not_the_shell() {
	assert_said go interrupted
}

test_job_control_works() {
	assert_said job_runs job_stops jobs job_is_back job_goes_on job_ends job_in_background
	assert_no_match "can't access tty|job control turned off" "$VMS/long.out"
}

esc=$(printf '\033')

test_the_prompt_has_colours_where_the_terminal_has_them_and_no_color_is_unset() {
	assert_matches "$esc\\[1;32mktbox$esc" "$VMS/long.out"
	assert_no_match "$esc\\[1;32mktbox" "$VMS/stop.out"
	assert_matches 'ktbox:~# ' "$VMS/stop.out"
}

test_break_gives_a_shell_before_the_scheduler_and_its_exit_goes_on() {
	session=stop
	: >>"$VMS/stop.missed"
	assert_said stopped goes_on
	assert_matches '^ktbox: debug shell before the phase scheduler; exit continues the run' "$VMS/stop.out"
	assertEquals 'greetings with the way out' 1 "$(grep -c 'exit, poweroff and reboot end' "$VMS/stop.out")"
	look stop
	assert_verdict fail 4
	assert_value scheduler_attached true
}

test_a_failed_boot_gives_a_shell_that_says_so_and_the_verdict_stays() {
	session=rescue
	: >>"$VMS/rescue.missed"
	assert_said rescued
	assert_matches "^ktbox: debug shell after a failed boot: shares: cannot mount /mnt.*; exit continues the run" \
		"$VMS/rescue.out"
	look rescue
	assert_verdict init-failed 209
}

test_the_status_of_the_shell_is_the_verdict() {
	look long
	assert_verdict fail 7
	assert_value exec_exit_code 7
	assert_value scheduler_attached true
	assert_value scheduler_end 'stopped code=0'
	assert_value unknown_frames 1
}

test_with_a_command_the_command_runs_instead_of_a_terminal() {
	look command
	assert_verdict fail 5
	assert_file_text 'to stdout' "$art/stdout"
	assert_file_text 'to stderr' "$art/stderr"
}

test_the_terminal_is_as_it_was() {
	for name in long poweroff reboot; do
		assertNotNull "$(cat "$VMS/$name.before")"
		assert_same_bytes "$VMS/$name.before" "$VMS/$name.after"
	done
}

test_poweroff_and_reboot_end_the_vm_in_order() {
	for name in poweroff reboot; do
		look "$name"
		assert_value sys_ready true
		assertNotEquals "exit frame after $name ($(value verdict))" null "$(value exit_code)"
		assert_verdict pass 0
		assert_value init_error null
		assert_nothing_left "$name"
	done
}

. shunit2
