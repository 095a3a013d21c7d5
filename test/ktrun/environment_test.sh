#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun's environment: KTRUN_OPTS, KTRUN_KERNEL, NO_COLOR; and --version.

# shellcheck disable=SC1091,SC2154,SC2086,SC2016 # what is sourced sets them; items are words; $x is meant literally
. "$KT_TEST_LIB/stub.sh"

# words_of STRING: how KTRUN_OPTS is split, one word per line in < >.
words_of() {
	launcher 'from launcher.options.cli import environment_words
for word in environment_words(sys.argv[1]):
    print("<%s>" % word)' "$1"
}

assert_words() { # STRING EXPECTED...
	words_string=$1
	shift
	assertEquals "words of: $words_string" "$(printf '<%s>\n' "$@")" "$(words_of "$words_string")"
}

test_words_are_split_as_a_shell_splits_them() {
	assert_words '-m 300' -m 300
	assert_words '  a	b
c ' a b c
	assert_words "-e 'A=x y'" -e 'A=x y'
	assert_words '-a"b c"d' '-ab cd'
	assert_words 'a\ b \"' 'a b' '"'
	assert_words '"a\"b\\c\d"' 'a"b\c\d'
	assert_words "'' \"\"" '' ''
	assertEquals "words of nothing" "" "$(words_of '  ')"
}

test_nothing_in_the_words_is_expanded_or_run() {
	assert_words '$HOME `touch ran` $(touch ran) * ~ a;b &' '$HOME' '`touch' 'ran`' '$(touch' 'ran)' '*' '~' 'a;b' '&'
	assertFalse "a command was run" "[ -e ran ]"
}

test_options_of_the_environment_come_first_and_the_command_line_wins() {
	KTRUN_OPTS="-m 301 --append 'one two'" run "$KTRUN" -n -c 3 -- true
	assert_status 0
	assert_matches '^  -m 301 ' out
	assert_matches '^  -smp 3' out
	assert_matches ' one two' out
	KTRUN_OPTS="-m 301" run "$KTRUN" -n -m 302 -- true
	assert_matches '^  -m 302 ' out
}

test_what_is_wrong_in_the_environment_is_said_to_be_there() {
	for opts in --nonsense -m '-m 9999999' '-- true' "-e 'A=b" '--replay x' word; do
		KTRUN_OPTS=$opts run "$KTRUN" -- true
		assert_refused
		assert_matches '^ktrun: KTRUN_OPTS: ' err
	done
	run "$KTRUN" --nonsense
	assert_no_match KTRUN_OPTS err
}

test_the_kernel_of_the_environment_yields_to_k() {
	KTRUN_KERNEL=$KT_TOP/build/kernel/image run "$KTRUN" -n -- true
	assert_status 0
	KTRUN_KERNEL=no-such-kernel run "$KTRUN" -n -k "$KT_TOP/build/kernel/image" -- true
	assert_status 0
	KTRUN_KERNEL=no-such-kernel run "$KTRUN" -- true
	assert_refused
	assert_matches "kernel not found: $PWD/no-such-kernel" err
}

test_replay_is_not_disturbed_by_the_options_of_the_environment() {
	streams $READY $STARTED $OUT7 $EXIT
	ktrun -- true
	assert_status 7
	KTRUN_OPTS='-m 300 -c 4' run "$KTRUN" --replay art
	assert_status 7
	sed -i 's/"interrupted":null/"interrupted":"the key Ctrl-]"/' art/host.json
	run "$KTRUN" --replay art
	assert_status 130
	sed -i 's/"interrupted":"[^"]*"/"interrupted":"\\ud800"/; s/"get":\[\]/"get":["a\\nktrun: pass"]/' art/host.json
	run "$KTRUN" --replay art
	assert_status 130
	assert_no_match '^ktrun: pass' err
	rm art/host.json
	KTRUN_OPTS='-s build/scx_demo --expect-death' run "$KTRUN" --replay art
	assert_status 7
}

test_no_color_reaches_the_guest() {
	streams $READY $STARTED $OUT0 $EXIT
	NO_COLOR=1 run "$KTRUN" -o art -- true
	assert_status 0
	tail -c +$(($(wc -c <"$KT_TOP/build/initramfs.cpio") + 1)) stub/initrd >added.cpio
	cpio -i --quiet --to-stdout '.ktbox/env' <added.cpio >variables 2>cpio.err
	printf 'NO_COLOR=1\000' >expected
	assert_same_bytes expected variables
	rm -rf art
	NO_COLOR='' run "$KTRUN" -o art -- true
	tail -c +$(($(wc -c <"$KT_TOP/build/initramfs.cpio") + 1)) stub/initrd >added.cpio
	cpio -i --quiet --to-stdout '.ktbox/env' <added.cpio >variables 2>cpio.err
	assert_empty variables
}

# hostile COMMAND ARG...: with variables that change how programs work.
hostile() {
	env PYTHONPATH=/no/such PYTHONHOME=/no/such PYTHONSTARTUP=/no/such PYTHONWARNINGS=error LD_LIBRARY_PATH=/no/such \
		LD_BIND_NOW=1 PERL5OPT=-Mno_such PERL5LIB=/no/such GREP_OPTIONS=--no-such POSIXLY_CORRECT=1 CDPATH=/ ENV=/no/such \
		BASH_ENV=/no/such PARALLEL=--no-such PARALLEL_SHELL=/no/such SHELL=/no/such LANG=de_DE LC_ALL=de_DE.UTF-8 \
		XZ_OPT=--no-such XZ_DEFAULTS=--no-such ZSTD_CLEVEL=x MODPROBE_OPTIONS=--no-such IFS=t GLIBC_TUNABLES=x KT_PORT_FD=77 \
		"$@"
}

test_no_variable_of_the_caller_changes_a_run() {
	printf '#!/usr/bin/env bash\n' >script
	chmod +x script
	streams $READY $ATTACHED $STARTED $OUT7 $EXIT
	echo 'env >"$stub/env"' >stub/act
	hostile "$KTRUN" -o art -v -s "$KT_TOP/build/scx_demo" -i /usr/bin/env -i script -i /usr/bin/perl -- true >out 2>err
	assertEquals "$(cat err)" 7 $?
	assert_value verdict fail
	assert_no_match '^(PYTHON|PERL|LD_|GREP|POSIX|CDPATH|PARALLEL|XZ_|ENV=|BASH_ENV|MODPROBE|GLIBC)' stub/env
	assert_matches '^STUB=' stub/env # QEMU may be a script of the user
	hostile "$KTRUN" --replay art >out 2>err
	assertEquals "$(cat err)" 7 $?
}

test_a_helper_sees_nothing_but_what_it_needs() {
	MINE=1 LD_PRELOAD='' TMPDIR=/no/such launcher 'from launcher.lib.jobs import Jobs
with Jobs() as jobs:
    print(jobs.tool(["/usr/bin/env"]).output.decode())' >seen
	assert_no_match '^(MINE|LD_PRELOAD|TMPDIR|STUB|KT_)' seen
	assert_matches '^LC_ALL=C$' seen
	assert_matches '^PATH=.*/usr/sbin' seen
}

test_a_program_that_is_missing_is_named_with_its_package() {
	launcher 'from launcher.lib.jobs import Jobs
from launcher.lib.text import Fault
import os
os.environ["PATH"] = "/no/such"
import launcher.lib.environment
launcher.lib.environment._SYSTEM_PATH.clear()
with Jobs() as jobs:
    for name in ("xz", "zstd", "modprobe", "parallel", "sed"):
        try:
            jobs.tool([name])
        except Fault as fault:
            print(fault)' >seen
	assertEquals 'no program xz: is the package xz-utils installed?
no program zstd: is the package zstd installed?
no program modprobe: is the package kmod installed?
no program parallel: is the package parallel installed?
no program sed: is the package sed installed?' "$(cat seen)"
}

test_version_is_that_of_config_mk() {
	run "$KTRUN" --version
	assert_status 0
	assert_matches '^ktrun [0-9]+\.[0-9]+\.[0-9]+$' out
	assertEquals "version" "$(sed -n 's/^VERSION *:= */ktrun /p' "$KT_TOP/config.mk")" "$(cat out)"
}

. shunit2
