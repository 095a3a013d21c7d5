# The guest's connection to ktrun's own stdin and terminal: the port ktbox-ctl.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   what is typed or piped into ktrun is for the payload. A process of its own passes it on (ktattach),
#        because a terminal must be watched for the key that ends a hung VM, and a guest that takes nothing
#        must not stop that.
# In:    opt_*, stdin, work. Out: run_input (what stdin is: terminal, stream, or empty for nothing to pass
#        on), the fifos ctl.in and ctl.out for QEMU, run_attach. The key sends USR2 to ktrun. Exit: 205.
# shellcheck disable=SC2015,SC2034,SC2154

attach_limit_secs=5 # for what is still to be shown, on a terminal that takes nothing
escape_status=3     # of ktattach, when the key was pressed

# A closed stdin and /dev/null are the same: then the guest has no such port, and the payload's stdin is
# /dev/null.
find_input() {
	run_input=''
	if is_interactive; then
		run_input=terminal
	elif [ -n "$opt_command" ]; then
		case $(stdin_is) in
		'' | /dev/null) ;;
		*) run_input=stream ;;
		esac
	fi
}

# The open file behind it, or nothing when it is closed. (A redirection from itself is no test: sh takes it
# for done.)
stdin_is() {
	readlink /proc/self/fd/0
}

prepare_input() {
	[ -n "$run_input" ] || return 0
	mkfifo "$work/ctl.in" && make_output_of_terminal || die "unable to make the ports in $work"
}

make_output_of_terminal() {
	if [ "$run_input" = terminal ]; then mkfifo "$work/ctl.out"; else ln -s /dev/null "$work/ctl.out"; fi
}

start_attach() {
	[ -n "$run_input" ] || return 0
	[ "$run_input" != terminal ] || take_terminal
	exec 3<&0
	hold_signals
	attach_job &
	run_attach=$!
	release_signals
	exec 3</dev/null
}

take_terminal() {
	run_terminal=$(stty -g)
	[ -z "$opt_escape" ] || [ -n "$opt_quiet" ] || note "Ctrl-$opt_escape ends the VM, whatever it does"
}

attach_job() {
	trap tell_of_escape EXIT
	if [ "$run_input" = terminal ]; then
		supervise attach_ended "$bb" ktattach -t ${opt_escape:+-e "$opt_escape"} "$work/ctl"
	else
		supervise attach_ended "$bb" ktattach "$work/ctl"
	fi
}

tell_of_escape() {
	[ $? -ne "$escape_status" ] || kill -s USR2 $$
}

stop_attach() {
	[ -n "$run_attach" ] || return 0
	kill -s TERM "$run_attach" 2>/dev/null
	await "$attach_limit_secs" attach_ended
	[ -n "$awaited" ] || kill -s USR1 "$run_attach" 2>/dev/null
	wait_for_job "$run_attach"
	run_attach=''
	restore_terminal
}

# ktattach does it itself; this is for one that was killed.
restore_terminal() {
	[ -n "$run_terminal" ] || return 0
	stty "$run_terminal"
	run_terminal=''
}
