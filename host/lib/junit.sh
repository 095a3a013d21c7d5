# A run as JUnit XML.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   CI shows it. In: $work/cases (see cases.sh), verdict*, run_*, out. Out: XML 1.0 on stdout, in which
#        all text is clean (see text.sh). Exit: none of its own.
# shellcheck disable=SC2015,SC2016,SC2034,SC2154

junit_text_max=65536 # bytes of stdout, and of stderr

junit() {
	junit_head
	"$bb" awk -F '\t' -v verdict="$verdict" "$awk_text$junit_program" "$work/cases"
	junit_output system-out "$out/stdout"
	junit_output system-err "$out/stderr"
	printf '</testsuite>\n</testsuites>\n'
}

# One suite: the VM ran once. The script of a test is its class.
junit_head() {
	junit_counts="tests=\"$cases_all\" failures=\"$cases_failed\" errors=\"$cases_error\" skipped=\"$cases_skipped\""
	junit_counts="$junit_counts time=\"$(milliseconds "$run_wall_ms")\""
	printf '<?xml version="1.0" encoding="UTF-8"?>\n'
	printf '<testsuites name="ktrun" %s>\n<testsuite name="ktrun" %s>\n<properties>\n' \
		"$junit_counts" "$junit_counts"
	printf '%s\n' "verdict=$verdict" "code=$verdict_code" "accel=$run_accel" "kernel=$run_kernel" \
		"artifacts=$out" |
		"$bb" awk "$awk_text"'{
			at = index($0, "=")
			printf "<property name=\"%s\" value=\"%s\"/>\n", substr($0, 1, at - 1), xml(substr($0, at + 1))
		}'
	printf '</properties>\n'
}

junit_program='
{
	printf "<testcase classname=\"%s\" name=\"%s\" time=\"%.3f\">", xml($3), xml($4), $2 / 1000
	if ($1 == "failed") printf "<failure type=\"%s\" message=\"%s\"/>", ($4 == "run" ? verdict : "assert"), xml($5)
	if ($1 == "error") printf "<error type=\"%s\" message=\"%s\"/>", verdict, xml($5)
	if ($1 == "skipped") printf "<skipped message=\"%s\"/>", xml($5)
	print "</testcase>"
}'

junit_output() { # ELEMENT FILE
	printf '<%s>' "$1"
	text_ends "$2" 0 "$junit_text_max" | "$bb" awk "$awk_text"'{ print xml($0) }'
	printf '</%s>\n' "$1"
}

milliseconds() { # MS, as seconds
	printf '%s.%03d' "$(($1 / 1000))" "$(($1 % 1000))"
}
