# The one way out of ktrun.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   Ctrl-C, TERM, HUP, an error in the middle and the normal end leave the same: no process, no
#        temporary file, the terminal as it was. In: run_* of what is still there. Out: a result of an
#        unfinished run. Exit: the code that was on its way; 130 for a signal.
# shellcheck disable=SC2015,SC2034,SC2154

reader_limit_secs=5 # an interrupted reader may be stuck on a closed terminal or a full pipe

catch_signals() {
	work='' out=''
	run_qemu='' run_reader='' run_viewer='' run_waiter='' run_attach='' run_parallel=''
	run_terminal='' run_start_ms='' run_reported=''
	run_made_work='' run_holds=''
	run_error='' run_interrupted='' run_timed_out='' run_qemu_killed='' run_qemu_status=0 run_reader_status=0
	run_wall_ms=0 awaited='' run_console_age='' run_frames_age='' run_hang_from='' run_full=''
	trap leave EXIT
	trap : PIPE # who read the messages has gone: that neither ends a run nor leaves its things behind
	trap 'interrupt HUP' HUP
	trap 'interrupt INT' INT
	trap 'interrupt TERM' TERM
	trap 'interrupt QUIT' QUIT # Ctrl-\: what runs in the background would live on
	trap 'interrupt "the key Ctrl-$opt_escape"' USR2 # ktattach's
}

interrupt() { # BY
	run_interrupted=$1
	[ -n "$run_holds" ] || exit 130
	run_holds=signal
}

# Around the making of a thing and the note of it: a signal between the two would leave a job or a folder
# that nobody knows.
hold_signals() {
	run_holds=yes
}

release_signals() {
	held=$run_holds run_holds=''
	[ "$held" != signal ] || exit 130
}

leave() {
	leave_code=$?
	trap '' HUP INT QUIT TERM USR2 TTOU
	trap - EXIT
	stop_everything
	[ -z "$run_start_ms" ] || [ -n "$run_reported" ] || (report_unfinished)
	restore_terminal
	[ -z "$run_made_work" ] || rm -rf -- "$work"
	exit "$leave_code"
}

stop_everything() {
	[ -z "$run_waiter" ] || kill -s KILL "$run_waiter" 2>/dev/null
	stop_cells
	stop_qemu
	stop_attach
	[ -z "$run_reader" ] || stop_reader
	[ -z "$run_viewer" ] || kill -s KILL "$run_viewer" 2>/dev/null
}

stop_reader() {
	kill -s TERM "$run_reader" 2>/dev/null
	await "$reader_limit_secs" reader_ended
	[ -n "$awaited" ] || kill -s USR1 "$run_reader" 2>/dev/null
	finish_reader
}

# The run began and did not come to its verdict: say what there is.
report_unfinished() {
	[ -n "$run_interrupted" ] || run_error='ktrun itself could not go on'
	read_clock
	run_wall_ms=$((now_ms - run_start_ms))
	[ -e "$out/result.json" ] || read_for_files_only # the signal came before the reader
	write_hang
	write_host
	keep_history
	decide_verdict
	write_result
	print_summary
	write_reports
}
