# A run as test cases, for the formats that know nothing else.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   JUnit and TAP ask for cases, each with an outcome. A run is one; each test of --test is one more.
# In:    verdict*, run_wall_ms, $out/result.json. Out: $work/cases, a line a case: STATUS (passed, failed,
#        error, skipped), milliseconds, suite, name, message, with a tab between two; cases_*, how many of
#        each. Exit: none of its own.
# shellcheck disable=SC2015,SC2034,SC2154

list_cases() {
	records tests status 'status ms file name message' >"$work/tests"
	cases_run=$(status_of_run)
	{
		printf '%s\t%s\tktrun\trun\t%s\n' "$cases_run" "$run_wall_ms" "$(words_of_run)"
		cat "$work/tests"
	} >"$work/cases"
	cases_all=$(wc -l <"$work/cases")
	cases_failed=$(grep -c '^failed	' "$work/cases")
	cases_error=$(grep -c '^error	' "$work/cases")
	cases_skipped=$(grep -c '^skipped	' "$work/cases")
}

# A finding is a failure; what says nothing about scheduler and payload is an error. Where tests have failed,
# the run itself has done its part.
status_of_run() {
	case $verdict in
	pass) echo passed ;;
	fail) if grep -q '^failed	' "$work/tests"; then echo passed; else echo failed; fi ;;
	sched-* | kernel-warned) echo failed ;;
	*) echo error ;;
	esac
}

words_of_run() {
	[ "$cases_run" = passed ] || printf '%s (code %s)%s' "$verdict" "$verdict_code" \
		"${verdict_reason:+: $verdict_reason}" | tr '\n\t' '  '
}
