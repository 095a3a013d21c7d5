# What happened when in the guest, as a picture and as a table.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   the order of attach, payload, dump, death and exit is the first question after a bad run. In: the
#        marks of result.json (docs/wire.md), $out/console.log (the kernel's own stamps: when /init was
#        started, reports, the last line). Out: SVG and HTML on stdout, nothing where no time is known. Exit:
#        none of its own.
#
# All times are the guest's since its boot, so a replay draws the same. The stamps of the kernel's log come
# from another clock of the same kernel, which may run some hundredths of a second apart.
# shellcheck disable=SC2015,SC2016,SC2034,SC2154

timeline() {
	timeline_events >"$work/events"
	[ -s "$work/events" ] || return 0
	"$bb" awk -F '\t' "$awk_text$timeline_program" "$work/events"
}

# Lines KIND, milliseconds, text: mark, report (of the kernel), init, last.
timeline_events() {
	records marks ms 'ms what' | sed 's/^/mark	/'
	printf %s "$con_reports" | sed -n 's/^\([^ ]*\) \[ *\([0-9]*\)\.\([0-9]\{3\}\)[0-9]*\].*/report	\2\3	\1/p'
	console_lines | sed -n 's/.*\[ *\([0-9]*\)\.\([0-9]\{3\}\)[0-9]*\] Run \/init as init.*/init	\1\2	/p' | head -n 1
	console_lines | sed -n 's/^\[ *\([0-9]*\)\.\([0-9]\{3\}\)[0-9]*\] .*/last	\1\2	/p' | tail -n 1
}

# Spans first begin and then end; what never ended is drawn to the end, and said to be open.
timeline_program='
function seconds(ms) { return sprintf("%.2f s", ms / 1000) }
function span(name, class, from, to) {
	if (!(from in at)) return
	rows++
	row_name[rows] = name; row_class[rows] = class; row_from[rows] = at[from]; row_to[rows] = -1
	if (to in at && at[to] >= at[from]) row_to[rows] = at[to]
}
function point(name, class, ms) {
	if (points >= 16) { left_out++; return }
	points++; rows++
	row_name[rows] = name; row_class[rows] = class " point"; row_from[rows] = row_to[rows] = ms
}
function alias(name, first, second) {
	if (first in at) at[name] = at[first]
	else if (second in at) at[name] = at[second]
}
function meaning(what) {
	if (what ~ /^wake:/) return "wake bytes " substr(what, 6)
	if (what ~ /^kernel:/) return "kernel: " substr(what, 8)
	return what in said ? said[what] : what
}
function place(ms) { return sprintf("%.2f%%", end_ms ? 100 * ms / end_ms : 0) }
function tick_step(   step) {
	step = 1
	while (end_ms / step > 6) step *= (substr(step, 1, 1) == 2 ? 2.5 : 2)
	return step
}
function draw_axis(height, bottom,   step, ms) {
	step = tick_step()
	for (ms = 0; ms <= end_ms; ms += step) {
		printf "<line class=\"grid\" x1=\"%s\" x2=\"%s\" y1=\"0\" y2=\"%d\"/>", place(ms), place(ms), bottom
		printf "<text class=\"tick\" x=\"%s\" y=\"%d\" text-anchor=\"%s\">%g s</text>\n", place(ms), height - 5, \
			(ms == 0 ? "start" : ms > end_ms * 0.95 ? "end" : "middle"), ms / 1000
	}
}
function draw_bar(i, y,   to) {
	if (row_class[i] ~ /point/ || (row_to[i] >= 0 && row_to[i] - row_from[i] < end_ms / 250)) {
		printf "<circle class=\"%s\" cx=\"%s\" cy=\"%d\" r=\"5\"/>\n", row_class[i], place(row_from[i]), y
		return
	}
	to = row_to[i] < 0 ? end_ms : row_to[i]
	printf "<rect class=\"%s\" x=\"%s\" y=\"%d\" width=\"%s\" height=\"10\" rx=\"2\"/>\n", \
		row_class[i] (row_to[i] < 0 ? " open" : ""), place(row_from[i]), y - 5, place(to - row_from[i])
}
function draw_label(i, y,   time) {
	time = row_class[i] ~ /point/ ? "at " seconds(row_from[i]) : seconds(row_to[i] - row_from[i])
	if (row_to[i] < 0) time = "from " seconds(row_from[i]) ", no end"
	printf "<text class=\"label\" x=\"0\" y=\"%d\">%s <tspan class=\"time\">%s</tspan></text>\n", \
		y + 4, xml(row_name[i]), time
}
function sort_rows(   i, k, from, swap) {
	for (i = 1; i <= rows; i++) order[i] = i
	for (i = 2; i <= rows; i++)
		for (k = i; k > 1 && row_from[order[k - 1]] > row_from[order[k]]; k--) {
			swap = order[k]; order[k] = order[k - 1]; order[k - 1] = swap
		}
}
function sort_marks(   i, k, ms, what) {
	for (i = 2; i <= marks; i++) {
		ms = mark_ms[i]; what = mark_what[i]
		for (k = i; k > 1 && mark_ms[k - 1] > ms; k--) { mark_ms[k] = mark_ms[k - 1]; mark_what[k] = mark_what[k - 1] }
		mark_ms[k] = ms; mark_what[k] = what
	}
}
function draw(   i, height) {
	height = rows * 34 + 30
	printf "<div class=\"timeline\">\n<svg class=\"labels\" width=\"100%%\" height=\"%d\">\n", height
	for (i = 1; i <= rows; i++) draw_label(order[i], i * 34 - 14)
	printf "</svg>\n<svg class=\"plot\" width=\"100%%\" height=\"%d\" role=\"img\" %s>\n", height, \
		"aria-labelledby=\"tl-t tl-d\""
	print "<title id=\"tl-t\">Timeline of the run</title>"
	printf "<desc id=\"tl-d\">%d phases and %d events in %s of the guest&#39;s time; the table below has them all.</desc>\n", \
		rows - points, points, seconds(end_ms)
	draw_axis(height, rows * 34 + 8)
	for (i = 1; i <= rows; i++) { printf "<g class=\"bar\">"; draw_bar(order[i], i * 34 - 14); print "</g>" }
	print "</svg>\n</div>"
}
function tabulate(   i) {
	printf "<details><summary>All %d times</summary>\n<table class=\"times\"><thead><tr><th>Since boot</th>", marks
	print "<th>Since the one before</th><th>What</th></tr></thead><tbody>"
	for (i = 1; i <= marks && i <= 200; i++)
		printf "<tr><td>%.3f s</td><td>%s</td><td>%s</td></tr>\n", mark_ms[i] / 1000, \
			(i > 1 ? sprintf("+%.3f s", (mark_ms[i] - mark_ms[i - 1]) / 1000) : ""), xml(meaning(mark_what[i]))
	print "</tbody></table>"
	if (marks > 200) printf "<p class=\"note\">%d more are left out; result.json has the first 1000.</p>\n", marks - 200
	print "</details>"
}
BEGIN {
	said["sys-ready"] = "guest is ready"; said["init-started"] = "/init has started"
	said["scheduler-started"] = "scheduler is started"; said["attached"] = "scheduler is attached"
	said["detached"] = "scheduler is unregistered"; said["ejected"] = "thrown out by the kernel"
	said["exited"] = "scheduler has exited"; said["killed"] = "scheduler was killed"
	said["stopped"] = "scheduler has stopped, as asked"; said["scheduler-died"] = "death noticed by /init"
	said["scheduler-not-attached"] = "scheduler did not attach"; said["init-error"] = "/init could not do its part"
	said["payload-starting"] = "payload is prepared"; said["scenario-start"] = "payload is started"
	said["scenario-end"] = "payload has ended"
	said["exec-exit"] = "status of the payload is sent"; said["exit"] = "exit frame"; said["init"] = "kernel starts /init"
	bad = "^(detached|ejected|exited|killed|scheduler-not-attached|init-error)$"
	told = "^(sys-ready|init-started|scheduler-started|attached|stopped|payload-starting|scenario-|exec-exit|dump-|scheduler-died|exit$|init$)"
}
{
	if ($2 + 0 > end_ms) end_ms = $2 + 0
	if ($1 == "last") next
	what = $1 == "report" ? "kernel:" $3 : $1 == "init" ? "init" : $3
	mark_ms[++marks] = $2 + 0; mark_what[marks] = what
	if (!(what in at)) at[what] = $2 + 0
}
END {
	sort_marks()
	at["boot"] = 0
	alias("ready", "sys-ready", "init-started")
	alias("booted", "init", "sys-ready")
	alias("init-over", "scheduler-started", "payload-starting")
	alias("payload-over", "scenario-end", "exec-exit")
	for (i = 1; i <= marks; i++)
		if (mark_what[i] ~ /^(ejected|detached|exited|killed|stopped)$/ && !("gone" in at)) at["gone"] = mark_ms[i]
	alias("over", "payload-over", "gone")
	if (!("init-over" in at) && "exit" in at) at["init-over"] = at["exit"]
	span("kernel boots", "boot", "boot", "booted")
	span("/init sets up", "init", "booted", "init-over")
	span("scheduler loads", "load", "scheduler-started", "attached")
	span("scheduler is attached", "sched", "attached", "gone")
	span("payload runs", "payload", "scenario-start", "payload-over")
	span("teardown", "init", "over", "exit")
	for (i = 1; i <= marks; i++) {
		what = mark_what[i]
		if (what ~ /^dump-start-/) span("dump " substr(what, 12), "dump", what, "dump-end-" substr(what, 12))
		else if (what ~ /^kernel:/ || what ~ bad) point(meaning(what), "bad", mark_ms[i])
		else if (what ~ /^wake:/) point(meaning(what), "wake", mark_ms[i])
		else if (what !~ told) point(what, "own", mark_ms[i])
	}
	if ("exit" in at) point("exit frame", "over", at["exit"])
	sort_rows()
	draw()
	if (left_out) printf "<p class=\"note\">%d more events are in the table only.</p>\n", left_out
	tabulate()
}'
