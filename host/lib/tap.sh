# A run as TAP, the Test Anything Protocol, version 13.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   a line a case, for prove and for people. In: $work/cases (see cases.sh). Out: TAP on stdout. What the
#        guest wrote is in comments and quoted strings only: none of it can be a line of TAP.
# Exit:  none of its own.
# shellcheck disable=SC2015,SC2016,SC2034,SC2154

tap() {
	printf 'TAP version 13\n1..%s\n' "$cases_all"
	"$bb" awk -F '\t' "$awk_text$tap_program" "$work/cases"
}

# A # would begin a directive.
tap_program='
function words(s) {
	s = clean(s)
	gsub(/\t/, " ", s); gsub(/\\/, "\\\\", s); gsub(/#/, "\\#", s)
	return s
}
function quoted(s) {
	s = clean(s)
	gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s)
	return "\"" s "\""
}
{
	bad = $1 == "failed" || $1 == "error"
	printf "%s %d - %s: %s", (bad ? "not ok" : "ok"), NR, words($3), words($4)
	if ($1 == "skipped") printf " # SKIP %s", words($5)
	printf "\n  ---\n  duration_ms: %d\n", $2
	if ($5 != "") printf "  message: %s\n", quoted($5)
	if (bad) printf "  severity: %s\n", $1 == "error" ? "error" : "fail"
	print "  ..."
}'
