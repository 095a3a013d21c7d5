#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# `git bisect run ktrun --bisect`: in a repository of nine commits of a scheduler, of which one does not build, git
# finds the commit from which on it dies.
#
# The scheduler is a program that executes scx_demo: real guests, real deaths.

# shellcheck disable=SC1091,SC2016,SC2154 # what is sourced sets them; scripts are text
. "$KT_TEST_LIB/vm.sh"

REPOSITORY=$FILES/repository

# commit NAME WORDS: the arguments of a scheduler in C, or no C at all.
commit() {
	printf '#include <unistd.h>\nint main(void)\n{\n\treturn execl("/include-files/scx_demo", "scx_demo", %s, NULL);\n}\n' \
		"$2" >scx.c
	git add scx.c
	git commit -q -m "$1"
	git tag "$1"
}

make_repository() {
	git init -q "$REPOSITORY"
	cd "$REPOSITORY" || return 1
	git config user.name test
	git config user.email test@localhost
	git config advice.detachedHead false
	for number in 1 2 3 4; do commit "c$number" "\"--delay\", \"$number\""; done
	commit c5 'this does not build'
	commit c6 '"--delay", "6"'
	for number in 7 8 9; do commit "c$number" "\"--error-after\", \"${number}0\""; done
}

# bisect NAME SCRIPT: between c1 and c9; leaves $FILES/NAME.out, .log and .first.
bisect() {
	git bisect start c9 c1 >"$FILES/$1.start"
	timeout -k 20 $((6 * VM_CEILING)) git bisect run sh -c "$2" >"$FILES/$1.out" 2>&1
	echo $? >"$FILES/$1.status"
	git bisect log >"$FILES/$1.log" 2>/dev/null
	git describe --tags refs/bisect/bad >"$FILES/$1.first"
	git bisect reset -q
}

oneTimeSetUp() {
	make_repository || return 1
	build='rm -f scx; cc -o scx scx.c'
	options="--warm -t $VM_CEILING -s ./scx -i $DEMO"
	bisect found "$build || exit 125; $KTRUN $options --bisect good=pass bad=sched-died -- sleep 2"
	bisect unchecked "$build; $KTRUN $options --bisect bad=sched-died -- sleep 2"
	bisect usage "$build; $KTRUN $options --bisect bad=nonsense -- true"
	cd /
}

test_git_finds_the_first_bad_commit() {
	for name in found unchecked; do
		assertEquals "status: $(tail -n 5 "$FILES/$name.out")" 0 "$(cat "$FILES/$name.status")"
		assert_matches "^$(git -C "$REPOSITORY" rev-parse c7) is the first '?bad'? commit" "$FILES/$name.out"
		assert_file_text c7 "$FILES/$name.first"
	done
}

test_a_commit_that_does_not_build_is_skipped() {
	for name in found unchecked; do
		assert_matches '^# skip: .* c5$' "$FILES/$name.log"
		assert_matches '^# bad: .* c7$' "$FILES/$name.log"
		assert_matches '^# good: .* c6$' "$FILES/$name.log"
		assert_matches '^scx.c:.* error: ' "$FILES/$name.out"
		assert_matches '^ktrun: bisect: bad \(code 1\): sched-died$' "$FILES/$name.out"
		assert_matches '^ktrun: bisect: good \(code 0\): pass$' "$FILES/$name.out"
	done
	assert_no_match 'bisect: skip' "$FILES/found.out" # the build said so
	assert_matches '^ktrun: bisect: skip \(code 125\): scheduler not found: .*/scx$' "$FILES/unchecked.out"
}

test_bad_input_ends_the_bisect_at_once() {
	assertNotEquals "status" 0 "$(cat "$FILES/usage.status")"
	assertEquals "runs" 1 "$(grep -c '^ktrun: --bisect: no verdict: nonsense ' "$FILES/usage.out")"
	assert_no_match '^# (good|bad|skip): .* c[2-8]$' "$FILES/usage.log"
}

test_nothing_is_left() {
	assertEquals "processes" "" "$(pgrep -f "$REPOSITORY")"
	assertEquals "temporary directories" "" "$(find "$TMPDIR" -maxdepth 1 -name 'ktrun.*')"
}

. shunit2
