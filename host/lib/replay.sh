# A finished run, judged again from its folder.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   the same summary, files and exit code as the run had, without QEMU, kernel and initramfs: on
#        another machine, or with a newer ktbox. What only the host knew of the run is kept in the
#        folder's host.txt.
# In:    $out/bulk.bin, console.log, host.txt, qemu.log and com2.log. Out: what the run had set, and the
#        reader's files. Exit: 205 when the folder is not one of a run.
#
# host.txt has these lines in this order, KEY=VALUE each, and nothing else. It is read line by line: no
# part of it is ever run.
# shellcheck disable=SC2015,SC2034,SC2154

write_host() {
	host_lines >"$out/host.txt.$$" &&
		mv -f "$out/host.txt.$$" "$out/host.txt" || die "unable to write $out/host.txt"
}

host_lines() {
	printf '%s\n' "form=1" \
		"scheduler=${opt_scheduler:+yes}" "command=${opt_command:+yes}" "shell=${opt_shell:+yes}" \
		"expect_death=${opt_expect_death:+yes}" "fail_on_warn=${opt_fail_on_warn:+yes}" \
		"plain=${opt_plain:+yes}" "limit_secs=$opt_limit" "accel=$run_accel"
	printf 'kernel=%s\n' "$(printf %s "$run_kernel" | without_controls)"
	printf '%s\n' "wall_ms=$run_wall_ms" "qemu_status=$run_qemu_status" "qemu_killed=$run_qemu_killed" \
		"timed_out=$run_timed_out" "console_age_secs=$run_console_age" "frames_age_secs=$run_frames_age" \
		"hang_from=$run_hang_from" "full=$run_full" "interrupted=$run_interrupted" "error=$run_error"
}

replay() {
	out=$opt_replay
	check_replay
	make_temporary_folder
	lock_output
	recall_host
	write_hang
	read_saved_stream
}

check_replay() {
	check_busybox
	[ -d "$out" ] || die "--replay: not a folder: $out"
	check_file "--replay: bulk.bin" "$out/bulk.bin"
	check_file "--replay: console.log" "$out/console.log"
	[ -w "$out" ] || die "--replay: not writable: $out"
	check_reports
}

# Without host.txt the frames alone decide: what was asked of the run, and how QEMU ended, is not known.
recall_host() {
	if [ -e "$out/host.txt" ]; then
		take_host <"$out/host.txt"
	else
		run_accel=unknown run_kernel=''
		opt_scheduler='' opt_command='' opt_shell='' opt_expect_death='' opt_fail_on_warn='' opt_plain='' opt_limit=''
		note "no host.txt in $out: judged by the frames alone"
	fi
}

take_host() {
	take form number; [ "$value" = 1 ] || refuse_host
	take scheduler yes; opt_scheduler=$value
	take command yes; opt_command=$value
	take shell yes; opt_shell=$value
	take expect_death yes; opt_expect_death=$value
	take fail_on_warn yes; opt_fail_on_warn=$value
	take plain yes; opt_plain=$value
	take limit_secs number; opt_limit=$value
	take accel word; run_accel=$value
	take kernel text; run_kernel=$value
	take wall_ms number; run_wall_ms=${value:-0}
	take qemu_status number; run_qemu_status=${value:-0}
	take qemu_killed yes; run_qemu_killed=$value
	take timed_out yes; run_timed_out=$value
	take console_age_secs number; run_console_age=$value
	take frames_age_secs number; run_frames_age=$value
	take hang_from number; run_hang_from=$value
	take full name; run_full=$value
	take interrupted text; run_interrupted=$value
	take error text; run_error=$value
	! IFS= read -r host_line && [ -z "$host_line" ] || refuse_host
	[ -z "$run_timed_out" ] || check_time_out
}

check_time_out() {
	[ -n "$opt_limit" ] && [ -n "$run_hang_from" ] || refuse_host
}

# Sets $value from the next line, which must have this KEY. A value may be empty.
take() { # KEY KIND
	IFS= read -r host_line || refuse_host
	value=${host_line#"$1="}
	[ "$1=$value" = "$host_line" ] || refuse_host
	case $2:$value in
	yes: | number: | word: | name: | text:) ;;
	yes:yes | number:0) ;;
	number:0* | number:*[!0-9]* | number:????????????????*) refuse_host ;;
	word:*[!a-zA-Z]*) refuse_host ;;
	name:bulk.bin | name:console.log | name:com2.log | name:qemu.log) ;;
	number:* | word:* | text:*) ;;
	*) refuse_host ;;
	esac
}

refuse_host() {
	die "--replay: $out/host.txt is not what ktrun writes, at this line: $host_line"
}

read_saved_stream() {
	to_payloads_reader "$bb" ktrecv ${opt_plain:+--plain} -d "$out" "$out/bulk.bin"
	run_reader_status=$?
	[ "$run_reader_status" -le 2 ] || read_for_files_only
}
