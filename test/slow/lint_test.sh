#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Static analysis: no finding in the shell of the tree and in the C of the applets. Each tool has a twin
# with a planted mistake: a tool that looks at nothing finds nothing.

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

test_no_shell_script_has_a_finding() {
	(cd "$KT_TOP" && exec scripts/lint.sh) >out 2>&1
	kt_verdict $? "it has failed: $(kt_head out)"
	assert_matches '^lint: [0-9]+ shell scripts, no findings' out
}

test_a_script_with_a_finding_is_red() {
	mkdir -p .ci bench host rootfs scripts test examples
	printf '%s\n' '#!/bin/sh' 'echo $1' >scripts/planted
	"$KT_TOP/scripts/lint.sh" >out 2>&1
	assertNotEquals 0 $?
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
