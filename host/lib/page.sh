# A run as one HTML page.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   what a person wants to see of a run, in one file that can be mailed or kept by CI: it loads nothing,
#        runs nothing, and reads without a network. In: verdict*, res_*, con_*, run_*, $work/cases, the
#        artifacts in $out. Out: HTML on stdout. Exit: none of its own.
#
# The guest's text goes through xml() of text.sh only, and each text is bounded: what was left out is said.
# shellcheck disable=SC2015,SC2016,SC2034,SC2154

page_text_max=65536 # bytes of a text on the page

page() {
	page_head "ktrun: $verdict"
	page_verdict
	page_section Summary page_facts
	[ "$cases_all" -le 1 ] || page_section Tests page_tests
	page_section Timeline timeline
	[ "$con_count" -eq 0 ] || page_section 'Reports of the kernel' page_reports
	page_section 'Logs' page_logs
	page_section Machine page_machine
	page_foot
}

page_head() { # TITLE
	printf '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
	printf '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
	printf '<meta http-equiv="Content-Security-Policy" content="%s">\n' \
		"default-src 'none'; style-src 'unsafe-inline'"
	printf '<title>%s</title>\n<style>\n' "$(printf %s "$1" | as_html)"
	page_style
	printf '</style>\n</head>\n<body>\n<main>\n'
}

page_foot() {
	printf '<footer>Artifacts: <code>%s</code></footer>\n</main>\n</body>\n</html>\n' \
		"$(printf %s "$out" | as_html)"
}

as_html() {
	"$bb" awk "$awk_text"'{ printf "%s%s", (NR == 1 ? "" : " "), xml($0) }'
}

tone_of() { # VERDICT
	case $1 in
	pass) echo good ;;
	timeout | interrupted | error | boot-failed | lost | corrupt | init-failed) echo warn ;;
	*) echo bad ;;
	esac
}

page_verdict() {
	printf '<header class="%s">\n<p class="kicker">Verdict of ktrun</p>\n' "$(tone_of "$verdict")"
	printf '<h1>%s <small>code %s</small></h1>\n' "$verdict" "$verdict_code"
	[ -z "$verdict_reason" ] || printf '<p class="reason">%s</p>\n' "$(printf %s "$verdict_reason" | as_html)"
	printf '</header>\n'
}

# What COMMAND prints, under a heading; nothing if that is nothing.
page_section() { # TITLE COMMAND
	"$2" >"$work/section"
	[ -s "$work/section" ] || return 0
	printf '<section>\n<h2>%s</h2>\n' "$1"
	cat "$work/section"
	printf '</section>\n'
}

page_facts() {
	printf '<dl class="facts">\n'
	! has_scheduler || page_fact Scheduler "$(describe_scheduler)"
	for_each_dump page_dump_fact
	! has_payload || page_fact Payload "$(describe_payload)"
	page_fact Stream "$(describe_stream)"
	page_fact 'Wall time' "$(seconds "$run_wall_ms") s"
	[ -z "$run_qemu_killed" ] || page_fact QEMU 'did not end by itself: killed'
	printf '</dl>\n'
}

page_fact() { # NAME TEXT
	[ -z "$2" ] || printf '<dt>%s</dt><dd>%s</dd>\n' "$1" "$(printf %s "$2" | as_html)"
}

page_dump_fact() {
	[ "$dump_number" -gt "$dumps_shown" ] ||
		page_fact "Dump $dump_number" "$(dumps_described=0 describe_dump | sed 's/^  dump [0-9]* *//')"
}

page_tests() {
	printf '<p>%s of %s failed, %s skipped</p>\n' "$((cases_failed + cases_error))" "$cases_all" "$cases_skipped"
	printf '<div class="scroll"><table><thead><tr><th>Outcome</th><th>Test</th><th>Time</th><th>Message</th></tr>'
	printf '</thead><tbody>\n'
	"$bb" awk -F '\t' "$awk_text"'
		NR > 1000 { left++; next }
		{
			tone = $1 == "passed" ? "good" : $1 == "skipped" ? "quiet" : $1 == "error" ? "warn" : "bad"
			printf "<tr><td><span class=\"pill %s\">%s</span></td>", tone, xml($1)
			printf "<td>%s <span class=\"dim\">%s</span></td>", xml($4), xml($3)
			printf "<td>%.3f s</td><td class=\"message\">%s</td></tr>\n", $2 / 1000, xml($5)
		}
		END { if (left) printf "<tr><td colspan=\"4\">%d more are in result.json</td></tr>\n", left }' "$work/cases"
	printf '</tbody></table></div>\n'
}

page_reports() {
	printf '<p>%s on the console; the first ones:</p>\n<div class="scroll"><table><tbody>\n' "$con_count"
	printf %s "$con_reports" | head -n 20 | "$bb" awk "$awk_text"'{
		at = index($0, " ")
		printf "<tr><td><span class=\"pill bad\">%s</span></td><td><code>%s</code></td></tr>\n",
			xml(substr($0, 1, at - 1)), xml(substr($0, at + 1))
	}'
	printf '</tbody></table></div>\n'
}

page_logs() {
	page_dump_file=${error_file:-$newest_file}
	[ -z "$page_dump_file" ] || page_log open "$page_dump_file" "The scheduler's dump" 0
	page_log open sched.log "The scheduler's log" 16384
	page_log "$(open_if fail)" stderr "The payload's stderr" 16384
	page_log "$(open_if fail)" stdout "The payload's stdout" 16384
	page_log "$(open_if timeout)" hang.txt 'What the tasks did at the limit' 49152
	page_log "$(open_if boot-failed lost kernel-warned)" console.log "The kernel's console" 8192
	page_log "$(open_if init-failed lost boot-failed)" com2.log 'Last words of /init' 0
	page_log "$(open_if error)" qemu.log "QEMU's messages" 0
}

open_if() { # VERDICT...
	for open_verdict; do
		[ "$open_verdict" != "$verdict" ] || printf open
	done
}

# HEAD bytes of its begin, the rest of the bound for its end; a dump is read from its begin.
page_log() { # OPEN FILE TITLE HEAD
	[ -s "$out/$2" ] || return 0
	page_tail=$((page_text_max - $4))
	[ "$4" -gt 0 ] || page_tail=$page_text_max
	text_ends "$out/$2" "$4" "$page_tail" | "$bb" awk "$awk_text$mark_program" >"$work/lines"
	page_hits=$(grep -c '^<span class="hit">' "$work/lines")
	printf '<details%s><summary>%s <small>%s, %s bytes</small>' "${1:+ open}" "$3" "$2" "$(wc -c <"$out/$2")"
	[ "$page_hits" -eq 0 ] || printf ' <small class="count">%s marked</small>' "$page_hits"
	printf '</summary>\n<pre tabindex="0" role="region" aria-label="%s">' "$3"
	tr -d '\n' <"$work/lines"
	printf '</pre></details>\n'
}

# The lines for which one opens a log. hit: why it ended; look: what led there.
mark_program='
function class_of(s) {
	if (s ~ /^\[\.\.\. [0-9]+ of [0-9]+ bytes left out \.\.\.\]$/) return "gap"
	if (s ~ /triggered exit kind|EXIT: kind|Kernel panic|kernel BUG at|BUG: |Oops: |general protection fault/) return "hit"
	if (s ~ /scx_bpf_error[^_]|runnable task stall|thrown out|disabled \(|~~~~ TRUNCATED|LOST [0-9]+ EVENTS/) return "hit"
	if (s ~ /^(ASSERT|FAILED|not ok)/) return "hit"
	if (s ~ /WARNING: |INFO: .*(stall|blocked for more)|lockup|Out of memory|Killed process|Debug dump triggered/) return "look"
	if (s ~ /^(libbpf|[A-Za-z_0-9.\/-]+): .*([Ee]rror|[Ff]ailed|[Uu]nable|[Ii]nvalid)/ || s ~ /^[Ee]rror/) return "look"
	return ""
}
{
	sub(/^.*sched_ext_dump: /, "")
	if (length($0) > 4000) $0 = substr($0, 1, 4000) " [... " length($0) - 4000 " bytes of this line left out ...]"
	class = class_of($0)
	printf "<span%s>%s</span>\n", class == "" ? "" : " class=\"" class "\"", xml($0)
}'

# As the kernel itself tells, since a replay has nothing else.
page_machine() {
	printf '<dl class="facts">\n'
	page_fact 'Kernel image' "$run_kernel"
	page_fact Linux "$(console_says 'Linux version ' | cut -d ' ' -f 1)"
	page_fact Accelerator "$run_accel"
	page_fact CPUs "$(console_says 'smp: Brought up ')"
	page_fact Memory "$(console_says 'Memory: ')"
	page_fact 'Command line' "$(console_says 'Command line: ')"
	page_fact Limit "${opt_limit:+$opt_limit s}"
	printf '</dl>\n'
}

console_says() { # BEGINNING: the rest of the first line of the kernel that begins so
	head -c 262144 "$out/console.log" | tr -d '\r' |
		sed -n "s/^\[ *[0-9.]*\] $1//p" | head -n 1
}
