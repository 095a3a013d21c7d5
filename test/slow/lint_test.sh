#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Static analysis: no finding in the shell and the Python of the tree and in the C of the applets. Each tool has a
# twin with a planted mistake: a tool that looks at nothing finds nothing. The analysers are limited by CPU time
# alone (KT_FILE_CPU), since a busy machine makes them arbitrarily slow.

# shellcheck disable=SC1091,SC2154,SC2016 # what is sourced sets them; the planted shell is not ours
. "$KT_TEST_LIB/test.sh"

lint_c() { # TOOL [FILE...]: leaves status, out, err
	(cd "$KT_TOP" && exec scripts/lint-c.sh build/bb "$@") >out 2>err
	status=$?
}

assert_no_findings() { # TOOL
	lint_c "$1"
	assertEquals "status ($(kt_head out) $(kt_head err))" 0 "$status"
	assert_matches "^lint: $(cd "$KT_TOP/applets" && find . -name '*.c' | wc -l) C files, no findings of $1" out
}

# assert_finds TOOL ERE LINE...: the tool's words about a file with these lines.
assert_finds() {
	tool=$1 words=$2
	shift 2
	printf '%s\n' '#include "libbb.h"' 'int planted(const char *text);' "$@" >planted.c
	lint_c "$tool" "$PWD/planted.c"
	cat out err >said
	assertNotEquals "$tool passes a planted mistake" 0 "$status"
	assert_matches "$words" said
}

test_no_shell_script_and_no_python_has_a_finding() {
	(cd "$KT_TOP" && exec scripts/lint.sh) >out 2>&1
	kt_verdict $? "it has failed: $(kt_head out)"
	assert_matches '^lint: [0-9]+ shell scripts, no findings' out
	assert_matches '^lint: [0-9]+ Python files of mypy, no findings' out
	assert_matches '^lint: [0-9]+ other Python files, no findings' out
}

# lint_planted FILE LINE...: lint.sh on a tree that has this file alone; leaves status and out.
lint_planted() {
	mkdir -p .ci bench host/launcher rootfs scripts test/tools examples
	planted=$1
	shift
	printf '%s\n' "$@" >"$planted"
	"$KT_TOP/scripts/lint.sh" >out 2>&1
	status=$?
	rm "$planted"
}

test_a_script_with_a_finding_is_red() {
	lint_planted scripts/planted '#!/bin/sh' 'echo $1'
	assertEquals 1 "$status"
	assert_matches 'SC2086' out
	assert_no_match 'no findings' out
}

test_python_with_a_wrong_type_is_red() {
	for planted_place in test/tools/planted.py host/launcher/planted.py; do
		lint_planted "$planted_place" 'def double(number: int) -> int:' '    return "2" * number'
		assertEquals "$planted_place" 1 "$status"
		assert_matches "^$planted_place:2: error: .*\[return-value\]" out
		assert_no_match 'no findings' out
		lint_planted "$planted_place" 'def untyped(number):' '    return number'
		assertEquals "$planted_place" 1 "$status"
		assert_matches '\[no-untyped-def\]' out
		lint_planted "$planted_place" 'def double(number: int) -> int:' '    return 2 * number'
		assertEquals "$planted_place" 0 "$status"
		assert_matches '^lint: 1 Python files of mypy, no findings' out
	done
}

test_a_line_of_python_that_is_too_wide_is_red() {
	lint_planted host/launcher/planted.py "A = 1  # $(printf '%0111d' 0)"
	assertEquals "120 columns" 0 "$status"
	lint_planted host/launcher/planted.py "A = 1  # $(printf '%0112d' 0)"
	assertEquals "121 columns" 1 "$status"
	assert_matches '^host/launcher/planted.py:1: 121 columns, not 120$' out
}

test_other_python_that_does_not_compile_is_red() {
	for planted_place in bench/planted.py test/planted; do
		lint_planted "$planted_place" '#!/usr/bin/env python3' 'def broken(:'
		assertEquals "$planted_place" 1 "$status"
		assert_matches 'SyntaxError' out
		assert_no_match 'no findings' out
	done
}

test_changed_looks_at_what_is_not_committed_alone() {
	mkdir -p scripts
	printf '%s\n' '#!/bin/sh' 'echo $1' >scripts/old
	printf '%s\n' '#!/bin/sh' 'echo "$1"' >scripts/new
	git init -q .
	git add scripts/old
	git -c user.name=test -c user.email=test@localhost commit -qm old
	run "$KT_TOP/scripts/lint.sh" --changed
	assert_status 0
	assert_file_text 'lint: 1 shell scripts, no findings' out
	echo 'echo $2' >>scripts/old
	run "$KT_TOP/scripts/lint.sh" --changed
	assert_status 1
	assert_matches 'SC2086' out
}

test_gcc_analyzer_has_no_finding_in_the_applets() {
	assert_no_findings gcc-analyzer
}

test_gcc_analyzer_finds_a_planted_mistake() {
	assert_finds gcc-analyzer 'double-.free' 'int planted(const char *text)' '{' \
		'char *copy = xstrdup(text);' 'free(copy);' 'free(copy);' 'return 0;' '}'
}

test_clang_tidy_has_no_finding_in_the_applets() {
	assert_no_findings clang-tidy
}

test_clang_tidy_finds_a_planted_mistake() {
	assert_finds clang-tidy 'bugprone-sizeof-expression' 'int planted(const char *text)' '{' \
		'struct stat *info = (struct stat *)xzalloc(sizeof(info));' 'return stat(text, info);' '}'
}

test_cppcheck_has_no_finding_in_the_applets() {
	assert_no_findings cppcheck
}

test_cppcheck_finds_a_planted_mistake() {
	assert_finds cppcheck 'arrayIndexOutOfBounds' 'int planted(const char *text)' '{' \
		'char four[4];' 'four[4] = text[0];' 'return four[4];' '}'
}

. shunit2
