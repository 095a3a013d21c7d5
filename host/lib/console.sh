# What the kernel reported on its console.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   a panic, a WARN or a lockup has no frame: the serial console is the only place that has it. It
#        gives reasons and a list; the one verdict that it makes (kernel-warned) is asked for by
#        --fail-on-warn.
# In:    $out/console.log, which a guest may fill with anything. Out: con_* below; run_error when it can't be
#        read. Exit: none of its own.
#
#   con_reports   the first $reports_max reports, a line each: KIND, a blank, the kernel's line
#   con_count     how many there are; con_warned: how many of them count for --fail-on-warn
#   con_panic     the first panic's line, con_panic_at the line number where its story begins
#   con_warn      the first line that counts for --fail-on-warn, con_warn_at its line number
#   con_oom_init  the line that says that the OOM killer took PID 1
#
# A report's line follows the kernel's time stamp: on the UART, text of a process may stand before it.
# Only where the kernel prints no time stamps, it begins a line. awk is that of the tree, the same
# wherever a run is judged.
# shellcheck disable=SC2015,SC2034,SC2154

reports_max=50
report_words='WARNING: |INFO: |BUG|Oops: |LOCKUP|lockup|protection fault|Kernel panic|ut of memory: '

read_console() {
	con_reports='' con_count='' con_warned=0 con_panic='' con_panic_at='' con_warn='' con_warn_at=''
	con_oom_init=''
	find_reports >"$work/reports"
	while IFS=' ' read -r con_what con_rest; do
		case $con_what in
		report) con_reports=$con_reports$con_rest$newline ;;
		panic) con_panic_at=${con_rest%% *} con_panic=${con_rest#* } ;;
		warn) con_warn_at=${con_rest%% *} con_warn=${con_rest#* } ;;
		oom-init) con_oom_init=$con_rest ;;
		count) con_count=${con_rest% *} con_warned=${con_rest#* } ;;
		esac
	done <"$work/reports"
	[ -n "$con_count" ] || run_error="unable to read console.log"
}

console_lines() {
	tr -d '\r' <"$out/console.log" | printable | short_lines
}

# grep is fast and lets few lines through; awk looks at what they say.
find_reports() {
	# most runs have none, and are spared ten processes
	short_lines <"$out/console.log" | grep -a -q -E "$report_words" || { echo "count 0 0"; return; }
	stamped=$(console_lines | grep -c -m 1 '^\[ *[0-9]*\.[0-9]*\]')
	console_lines | grep -n -E "$report_words" |
		"$bb" awk -v max="$reports_max" -v stamped="$stamped" "$report_program"
}

# Reports less than 100 lines apart are one story: an Oops and the panic that it ends in.
# shellcheck disable=SC2016
report_program='
function kind(text) {
	if (text ~ /^Kernel panic - not syncing/) return "panic"
	if (text ~ /^WARNING: (possible |inconsistent lock|bad unlock|lock held|held lock|suspicious RCU|Nested)/ ||
		text ~ /^INFO: (possible |trying to register non-static key)/) return "lockdep"
	if (text ~ /^WARNING: /) return "warn"
	if (text ~ /^(rcu: )?INFO: rcu.* stall/) return "rcu-stall"
	if (text ~ /^(watchdog: BUG|BUG|sched_ext): [Ss]oft lockup/) return "soft-lockup"
	if (text ~ /^(NMI )?watchdog: .*hard LOCKUP/ || text ~ /^sched_ext: [Hh]ard lockup/) return "hard-lockup"
	if (text ~ /^BUG: workqueue lockup/) return "workqueue-lockup"
	if (text ~ /^INFO: task .* blocked for more than/) return "hung-task"
	if (match(text, /^BUG: K(ASAN|CSAN|MSAN|FENCE): /)) return tolower(substr(text, 6, RLENGTH - 7))
	if (text ~ /^UBSAN: /) return "ubsan"
	if (text ~ /^(BUG: |kernel BUG at )/) return "bug"
	if (text ~ /^(Oops: |general protection fault)/) return "oops"
	if (text ~ /^(Out of memory|Memory cgroup out of memory): Killed process /) return "oom-kill"
	return ""
}
{
	at = substr($0, 1, index($0, ":") - 1)
	line = text = substr($0, length(at) + 2)
	if (match(line, /\[ *[0-9]+\.[0-9]+\](\[ *[CT][0-9]+\])? /)) {
		text = substr(line, RSTART + RLENGTH)
		line = substr(line, RSTART)
	} else if (stamped) next
	what = kind(text)
	if (what == "") next
	line = substr(line, 1, 200)
	if (!count || at - last > 100) story = at
	last = at
	if (count++ < max) print "report", what, line
	if (what == "panic" && !panics++) print "panic", story, line
	if (what == "oom-kill" && text ~ /Killed process 1 / && !inits++) print "oom-init", line
	if (what != "oom-kill" && !warned++) print "warn", at, line
}
END { print "count", count + 0, warned + 0 }'

# The head of what the console says from line AT on.
show_console_from() { # TITLE AT
	console_lines | sed -n "$2,$(($2 + 15))p; $(($2 + 15))q" >"$work/story"
	printf '  %s\n' "-- $1"
	show_cut <"$work/story"
}

# JSON array on one line.
reports_json() {
	reports_between=''
	printf '['
	while IFS=' ' read -r report_kind report_line; do
		[ -n "$report_kind" ] || continue
		json_quote "$report_line"
		printf '%s{"kind":"%s","line":%s}' "$reports_between" "$report_kind" "$json"
		reports_between=,
	done <<END
$con_reports
END
	printf ']'
}
