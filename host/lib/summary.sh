# The summary after a run, on stderr.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   a person sees in a few lines what happened and where to look. In: verdict*, res_*, run_*, out.
#        Out: stderr, all of it through the filter for guest text. Exit: none of its own.
# shellcheck disable=SC2015,SC2034,SC2154

reports_shown=5

print_summary() {
	[ -z "$opt_quiet" ] || [ "$verdict" != pass ] || return 0
	summary | printable >&2
	printf '%s' "  artifacts  $out" | without_controls >&2
	printf '\n' >&2
	[ "$verdict" = pass ] || evidence | printable >&2
}

summary() {
	printf 'ktrun: %s (code %s)%s\n' "$verdict" "$verdict_code" "${verdict_reason:+: $verdict_reason}"
	! has_scheduler || printf '  scheduler  %s\n' "$(describe_scheduler)"
	describe_dumps | cut -b 1-200
	describe_gets | cut -b 1-200
	! has_payload || printf '  payload    %s\n' "$(describe_payload)"
	describe_tests
	describe_reports
	printf '  stream     %s\n' "$(describe_stream)"
	printf '  time       %s s, %s\n' "$(seconds "$run_wall_ms")" "$run_accel"
	[ -z "$run_qemu_killed" ] || printf '  qemu       did not end by itself: killed\n'
}

# A scheduler or payload is told of when it was given, and when frames know of one.
has_scheduler() {
	[ -n "$opt_scheduler" ] || [ "$res_attached$res_died$res_not_attached" != falsefalsefalse ]
}

has_payload() {
	[ -n "$opt_command$opt_shell" ] || [ "$res_exec_exit_code" != null ]
}

describe_scheduler() {
	[ "$res_name" = null ] || printf '%s: ' "$res_name"
	if [ "$res_attached" = true ]; then printf 'attached'; else printf 'not attached'; fi
	[ "$res_ejected" != true ] || printf ', thrown out by the kernel (%s)' "$res_ejected_reason"
	[ "$res_died" != true ] || printf ', died'
	[ "$res_end" = null ] || printf ', %s' "$(describe_end)"
	[ "$res_sched_exit_code" = null ] || printf ', sched-exit %s' "$res_sched_exit_code"
}

# "exited ms=4100 code=1" -> "exited after 4.10 s with code 1"
describe_end() {
	end_text=''
	for end_word in $res_end; do
		case $end_word in
		ms=*[!0-9]* | ms= | ms=0?* | ms=?????????*) ;;
		ms=*) end_word="after $(seconds "${end_word#ms=}") s" ;;
		code=*) end_word="with code ${end_word#code=}" ;;
		signal=*) end_word="by signal ${end_word#signal=}" ;;
		core=0) continue ;;
		core=1) end_word='(core dumped)' ;;
		esac
		end_text="$end_text${end_text:+ }$end_word"
	done
	printf %s "$end_text"
}

describe_payload() {
	if [ "$res_exec_exit_code" != null ]; then printf 'code %s' "$res_exec_exit_code"
	elif [ "$res_started" = true ]; then printf 'started, no status'
	else printf 'not started'
	fi
	[ "$res_elapsed_ms" = null ] || [ ${#res_elapsed_ms} -gt 9 ] ||
		printf ' after %s s' "$(seconds "$res_elapsed_ms")"
}

describe_stream() {
	if [ "$res_exit_code" = null ]; then printf '%s bytes, without an exit frame' "$res_bytes"
	elif [ "$res_complete" = true ]; then printf 'complete, %s bytes' "$res_bytes"
	elif [ "$res_complete" = false ]; then describe_missing
	else printf '%s bytes; whether that is all is unknown, the guest could not tell' "$res_bytes"
	fi
	[ "$res_damaged" = 0 ] || printf ', %s damaged places' "$res_damaged"
	[ "$res_truncated" != true ] || printf ', ends within a frame'
}

describe_missing() {
	case $res_missing in
	-*) printf '%s bytes more than the guest has sent' "${res_missing#-}" ;;
	*) printf '%s bytes missing' "$res_missing" ;;
	esac
}

describe_reports() {
	[ "$con_count" -gt 0 ] || return 0
	printf '  kernel     reports on the console: %s\n' "$con_count"
	printf %s "$con_reports" | head -n "$reports_shown" | cut -b 1-140 | sed 's/^/     /'
	[ "$con_count" -le "$reports_shown" ] || printf '     ... more in result.json and console.log\n'
}

seconds() { # MS
	printf '%s.%02d' "$(($1 / 1000))" "$(($1 % 1000 / 10))"
}

# What a person would open first: the heads and tails of dump, log and last words, bounded.
evidence() {
	show_dump
	[ ! -e "$out/sched.log" ] || show_ends 'the log, sched.log' "$out/sched.log" 0
	show_ends 'last words of /init, com2.log' "$out/com2.log" 0
	case $verdict in
	boot-failed | lost) show_end_of_guest ;;
	timeout) show_hang ;;
	kernel-warned) show_console_from 'the first report, console.log' "$con_warn_at" ;;
	error) show_ends 'QEMU, qemu.log' "$out/qemu.log" 0 ;;
	esac
}

# That of an error exit, else the newest one. A guest that was lost may have got no frame of its dump
# out: then the copy on the console is all there is.
show_dump() {
	dump_file=${error_file:-$newest_file}
	if [ -n "$dump_file" ]; then
		[ ! -e "$out/$dump_file" ] || short_lines <"$out/$dump_file" | sed 's/^.*sched_ext_dump: //' >"$work/dump"
	else
		dump_file=console.log
		short_lines <"$out/console.log" | sed -n 's/^.*sched_ext_dump: //p' >"$work/dump"
	fi
	show_ends "the dump, $dump_file" "$work/dump" 4
}

show_end_of_guest() {
	if [ -n "$con_panic_at" ]; then
		show_console_from 'the panic, console.log' "$con_panic_at"
	else
		tail -c 65536 "$out/console.log" | grep -a -v 'sched_ext_dump: ' >"$work/console"
		show_ends 'the console, console.log' "$work/console" 0
	fi
}

# The last lines of FILE, and before them its first HEAD lines if the two are apart.
show_ends() { # TITLE FILE HEAD
	[ -s "$2" ] || return 0
	printf '  %s\n' "-- $1"
	show_lines=$(wc -l <"$2")
	if [ "$3" -gt 0 ] && [ "$show_lines" -gt $(($3 + 8)) ]; then
		head -n "$3" "$2" | show_cut
		printf '     ... %s lines ...\n' $((show_lines - $3 - 8))
	fi
	tail -c 8192 "$2" | tail -n 8 | show_cut
}

show_cut() {
	tr -d '\r' | cut -b 1-140 | sed 's/^/     /'
}
