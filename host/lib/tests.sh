# --test: shunit2 scripts that run in the guest.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   a test of a scheduler is written like any test of a shell script, and each of its cases is known on
#        the host. In: opt_tests, paths with a newline between two. Out: the guest's command; links in the
#        stage; res_tests_* judged and told. Exit: 205 for a script that can't be one.
#
# The guest's runner is rootfs/usr/bin/kt-test; what it tells comes as frames, and is in result.json.
# shellcheck disable=SC2015,SC2034,SC2154

tests_shown=5

# --test takes the words up to the next option.
take_tests() { # FILE...
	take_taken=0
	for take_word; do
		case $take_word in
		-*) break ;;
		esac
		take_path --test "$take_word"
		refuse_newline --test "$take_word"
		opt_tests=$opt_tests$absolute$newline
		take_taken=$((take_taken + 1))
	done
	[ "$take_taken" -gt 0 ] || die "--test needs a script (see ktrun --help)"
}

check_tests() {
	[ -n "$opt_tests" ] || return 0
	[ -z "$opt_command$opt_shell" ] || die "--test is the guest's command: neither -- nor --shell goes with it"
	check_names=' '
	for_each_line "$opt_tests" check_test
}

check_test() { # PATH
	check_file '--test: script' "$1"
	case ${1##*/} in
	-* | *[!A-Za-z0-9._+-]*) die "--test: not a plain name (letters, digits, . _ + -): ${1##*/}" ;;
	esac
	case $check_names in
	*" ${1##*/} "*) die "--test: two scripts with the name ${1##*/}" ;;
	esac
	check_names="$check_names${1##*/} "
	check_said=$("$bb" sh -n "$1" 2>&1) || die "--test: not a script for sh: $(printf %s "$check_said" | head -n 1)"
	grep -q 'shunit2' "$1" || die "--test: no shunit2 script (it does not end with . shunit2): $1"
	opt_command="${opt_command:-kt-test} /tests/${1##*/}"
}

stage_test() { # PATH
	stage_link "$1" "/tests/${1##*/}"
}

# False when no test has failed.
judge_tests() {
	[ "$res_tests_failed" != 0 ] || return 1
	give fail 1 "$res_tests_failed of $((res_tests_passed + res_tests_failed + res_tests_skipped)) tests failed"
}

describe_tests() {
	[ "$res_tests_passed$res_tests_failed$res_tests_skipped" != 000 ] || return 0
	printf '  tests      %s passed, %s failed, %s skipped\n' "$res_tests_passed" "$res_tests_failed" "$res_tests_skipped"
	records tests status 'status file name message' | grep '^failed	' | head -n "$tests_shown" |
		cut -f 2-4 | sed 's/	/: /g; s/^/     /' | cut -b 1-140
	[ "$res_tests_failed" -le "$tests_shown" ] || printf '     ... more in result.json\n'
}
