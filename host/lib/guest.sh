# One run of the guest: QEMU, the reader of its frames, and how both end.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   whatever happens, QEMU is gone and what arrived is decoded when run_guest returns.
# In:    opt_*, run_*, work, out. Out: the artifacts; run_timed_out, run_qemu_status, run_qemu_killed,
#        run_full, run_reader_status, run_wall_ms. Exit: none of its own.
# shellcheck disable=SC2015,SC2034,SC2154

end_limit_secs=15  # from the exit frame to QEMU's own end: the guest still drains a slow console
stop_limit_secs=10 # from the request for dump and shutdown to the kill

run_guest() {
	read_clock
	run_start_ms=$now_ms
	prepare_ports
	start_attach
	start_viewer
	start_reader
	start_qemu
	if ! await_the_end; then
		measure_silence
		run_timed_out=yes
		ask_what_it_does
		await_late_end
	fi
	[ "$awaited" = qemu_ended ] || run_qemu_killed=yes
	stop_qemu
	find_full_file
	stop_attach
	finish_reader
	finish_viewer
	read_clock
	run_wall_ms=$((now_ms - run_start_ms))
}

prepare_ports() {
	mkfifo "$work/hvc0.in" && ln -s /dev/null "$work/hvc0.out" || die "unable to make the ports in $work"
	exec 3</dev/null
	prepare_input
}

start_reader() {
	reader_progress=''
	[ ! -t 2 ] || [ -n "$opt_quiet$opt_verbose" ] || is_interactive || reader_progress=--progress
	hold_signals
	to_payloads_reader supervise reader_ended "$bb" ktrecv -f ${opt_plain:+--plain} $reader_progress \
		-d "$out" "$out/bulk.bin" &
	run_reader=$!
	release_signals
}

start_qemu() {
	[ -z "$opt_verbose" ] || qemu_command print_command >&2
	[ -z "$opt_gdb" ] || note "waiting for a debugger: gdb $run_kernel -ex 'target remote :1234'"
	hold_signals
	qemu_command limited supervise qemu_ended >"$out/qemu.log" 2>&1 &
	run_qemu=$!
	release_signals
}

# False when the limit was reached first. The reader ends at the exit frame; it also ends when nobody
# takes the payload's output any more (a closed pipe), and then the run goes on without it.
await_the_end() {
	await "$opt_limit" qemu_ended reader_ended
	[ "$awaited" = reader_ended ] || [ -z "$awaited" ] || return 0
	[ -n "$awaited" ] || return 1
	take_reader_status
	if [ "$run_reader_status" -le 2 ]; then
		acknowledge
		await "$end_limit_secs" qemu_ended
		return 0
	fi
	await_without_reader
}

take_reader_status() {
	wait_for_job "$run_reader"
	run_reader='' run_reader_status=$job_status
}

# The exit frame has been decoded. A guest with ktbox.ack=1 waits for this; nobody else minds.
# Bounded, since nobody reads the pipe any more when QEMU has ended: once full it would block for ever.
acknowledge() {
	timeout 1 printf '\256' 1<>"$work/hvc0.in"
}

await_without_reader() {
	left=$opt_limit
	if [ -n "$left" ]; then
		read_clock
		left=$((left - (now_ms - run_start_ms) / 1000))
		[ "$left" -gt 0 ] || return 1
	fi
	await "$left" qemu_ended
	[ -n "$awaited" ]
}

# The guest has been asked for an orderly end: it comes to the exit frame like any other run, or not at all.
await_late_end() {
	if [ -n "$run_reader" ]; then await "$stop_limit_secs" qemu_ended reader_ended
	else await "$stop_limit_secs" qemu_ended
	fi
	[ "$awaited" = reader_ended ] || return 0
	take_reader_status
	acknowledge
	await "$end_limit_secs" qemu_ended
}

# QEMU has had its time: it is killed if it is still there.
stop_qemu() {
	[ -n "$run_qemu" ] || return 0
	kill -s USR1 "$run_qemu" 2>/dev/null
	wait_for_job "$run_qemu"
	run_qemu='' run_qemu_status=$job_status
}

# On TERM the reader reads to the end of the file; it takes as long as the one who takes the payload's
# output. A reader that died (of a closed pipe) has left no result: then the stream is decoded once more,
# for the files only.
finish_reader() {
	if [ -n "$run_reader" ]; then
		kill -s TERM "$run_reader" 2>/dev/null
		take_reader_status
	fi
	[ "$run_reader_status" -le 2 ] || read_for_files_only
}

read_for_files_only() {
	"$bb" ktrecv ${opt_plain:+--plain} -d "$out" "$out/bulk.bin" >/dev/null 2>"$work/ktrecv.err"
	run_reader_status=$?
}

# Descriptor 4 keeps the pipe open from before the viewer reads until QEMU has ended.
start_viewer() {
	[ -n "$opt_verbose" ] || return 0
	mkfifo "$work/console.pipe"
	exec 4<>"$work/console.pipe"
	hold_signals
	sed -u 's/\r$//; s/[^\t -~]/?/g; s/^/| /' <"$work/console.pipe" >&2 4>&- &
	run_viewer=$!
	release_signals
}

finish_viewer() {
	[ -n "$run_viewer" ] || return 0
	exec 4>&-
	wait_for_job "$run_viewer"
	run_viewer=''
}
