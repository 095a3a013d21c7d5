# The reports of a run that were asked for: --json, --junit, --tap, --report.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   each format goes to the file of the user's choice, whole or not at all, also when the run was
#        interrupted. In: opt_json, opt_junit, opt_tap, opt_report (a path, or - for stdout; empty: not
#        wanted). Out: the files. Exit: 205 for a place that can't be written, before anything starts where
#        that can be seen.
#
# The payload's stdout is ktrun's own. With a report on it, stdout is the report's, and the payload's is kept
# as the artifact only: no program has to take the two apart.
# shellcheck disable=SC2015,SC2034,SC2154

check_reports() {
	run_stdout_taken=''
	check_report --json "$opt_json"
	check_report --junit "$opt_junit"
	check_report --tap "$opt_tap"
	check_report --report "$opt_report"
}

check_report() { # OPTION FILE
	case $2 in
	'') return ;;
	-) check_report_on_stdout "$1"; return ;;
	esac
	check_folder=${2%/*}
	[ -d "${check_folder:-/}" ] || die "$1: no such folder: ${check_folder:-/}"
	[ ! -d "$2" ] || die "$1: a folder is in the way: $2"
	[ ! -e "$2" ] || [ -w "$2" ] || die "$1: not writable: $2"
	[ -e "$2" ] || [ -w "${check_folder:-/}" ] || die "$1: not writable: ${check_folder:-/}"
}

check_report_on_stdout() { # OPTION
	[ -z "$run_stdout_taken" ] || die "$run_stdout_taken and $1 both on stdout"
	! is_interactive || die "$1: stdout is the shell's"
	run_stdout_taken=$1
}

# Where the payload's stdout goes.
to_payloads_reader() { # COMMAND ARG...
	if [ -n "$run_stdout_taken" ]; then "$@" >/dev/null; else "$@"; fi
}

# To be called with the verdict and result.json there.
write_reports() {
	[ -n "$opt_json$opt_junit$opt_tap$opt_report" ] || return 0
	list_cases
	write_report --json "$opt_json" cat "$out/result.json"
	write_report --junit "$opt_junit" junit
	write_report --tap "$opt_tap" tap
	write_report --report "$opt_report" page
}

# A regular file is replaced at once; anything else (a terminal, a pipe) is written.
write_report() { # OPTION FILE COMMAND ARG...
	report_option=$1 report_file=$2
	shift 2
	case $report_file in
	'') return ;;
	-) "$@" || die "$report_option: unable to write stdout" ;;
	*)
		"$@" >"$work/report" || die "$report_option: unable to make it in $work"
		replace_file "$work/report" "$report_file" 2>"$work/err" || die "$report_option: unable to write $report_file"
		;;
	esac
}

# In one step where that can be. A link stays one (/dev/stdout is one that everybody uses).
replace_file() { # NEW FILE
	replace_folder=${2%/*}
	if [ -h "$2" ] || { [ -e "$2" ] && { [ ! -f "$2" ] || [ ! -w "${replace_folder:-/}" ]; }; }; then
		cat "$1" >"$2"
	elif ! { cat "$1" >"$2.$$" && mv -f "$2.$$" "$2"; }; then
		rm -f "$2.$$"
		return 1
	fi
}
