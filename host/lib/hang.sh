# What a guest was doing when its time was over.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   "not done after 120 s" is no finding. A guest that still prints but does not come to its end
#        and one that is silent are told apart, and a live kernel is asked what its tasks do.
# In:    times and sizes of console.log and bulk.bin. Out: run_console_age and run_frames_age (seconds
#        since the last growth, empty if nothing ever came), run_hang_from (the console's size at the
#        request), hang.txt: what the console got after it. Exit: 205 when hang.txt can't be written.
# shellcheck disable=SC2015,SC2034,SC2154

silent_after_secs=3
tasks_shown=8

# To be called at the limit, before anything is asked of the guest.
measure_silence() {
	run_now=$(date +%s)
	run_console_age=$(age_of "$out/console.log")
	run_frames_age=$(age_of "$out/bulk.bin")
	run_hang_from=$(stat -c %s "$out/console.log")
}

age_of() { # FILE
	[ -s "$1" ] || return 0
	age=$((run_now - $(stat -c %Y "$1")))
	[ "$age" -ge 0 ] || age=0
	printf %s "$age"
}

# Bytes for kthvc: a dump of the scheduler, the state of all tasks, the blocked tasks, an orderly end.
# Opened for reading too, so that opening never blocks, and bounded, for a guest that takes nothing.
ask_what_it_does() {
	timeout 1 printf '\321\267\270\323' 1<>"$work/hvc0.in"
}

write_hang() {
	[ -n "$run_hang_from" ] || return 0
	tail -c +$((run_hang_from + 1)) "$out/console.log" >"$out/hang.txt" || die "unable to write $out/hang.txt"
}

describe_silence() {
	silence="last frame: $(describe_age "$run_frames_age")"
	silence="$silence, last console output: $(describe_age "$run_console_age")"
	if is_recent "$run_frames_age"; then printf %s "the guest still sent frames ($silence)"
	elif is_recent "$run_console_age"; then
		printf %s "the guest still printed, but did not come to its end ($silence)"
	else printf %s "the guest was silent ($silence)"
	fi
}

is_recent() { # AGE
	[ -n "$1" ] && [ "$1" -lt "$silent_after_secs" ]
}

describe_age() { # AGE
	if [ -n "$1" ]; then printf '%s s before' "$1"; else printf never; fi
}

# What the answer says, in a few lines.
show_hang() {
	if ! short_lines <"$out/hang.txt" | grep -a 'task:' >"$work/states"; then
		printf '  %s\n' "-- the guest did not tell what its tasks do"
		return
	fi
	printf '  %s\n' "-- what its tasks did, hang.txt"
	show_tasks running R
	show_tasks 'waiting in the kernel, uninterruptible' D
	head -c "$run_hang_from" "$out/console.log" | tail -c 8192 >"$work/before"
	show_ends 'the console before the limit, console.log' "$work/before" 0
}

# kthvc runs because it was asked.
show_tasks() { # TITLE STATE
	sed -n "s/^.*task:\([^ ]*\) *state:$2 .* pid:\([0-9]*\) .*/\1[\2]/p" "$work/states" |
		grep -a -v '^kthvc\[' | uniq >"$work/tasks"
	printf '     %s: %s\n' "$1" "$(wc -l <"$work/tasks")"
	head -n "$tasks_shown" "$work/tasks" | sed 's/^/       /'
}
