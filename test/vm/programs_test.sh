#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Programs of the host in a guest: each with its own libraries, scripts with their interpreters, Python's and Perl's
# modules; and the machine that they see. All of it in one boot, whose payload prints a line NAME WORDS for each fact.

# shellcheck disable=SC1091,SC2016,SC2154 # what is sourced sets them; text is for the guest
. "$KT_TEST_LIB/vm.sh"

# program FOLDER FILE RPATH: FILE prints the name of FOLDER, which its library knows.
program() {
	mkdir -p "$1/lib"
	echo "const char *who(void) { return \"$1\"; }" >who.c
	gcc -shared -fPIC -Wl,-soname,libwho.so.1 -o "$1/lib/libwho.so.1" who.c
	ln -sf libwho.so.1 "$1/lib/libwho.so"
	printf '#include <stdio.h>\nconst char *who(void);\nint main(void) { puts(who()); return 0; }\n' >main.c
	gcc -o "$2" main.c "-L$1/lib" -lwho -Wl,-rpath,"$3"
}

# script FILE LINE...
script() {
	script_file=$1
	shift
	printf '%s\n' "$@" >"$script_file"
	chmod +x "$script_file"
}

oneTimeSetUp() {
	cd "$FILES" || exit 1
	program a a/kt-one '$ORIGIN/lib'
	program b b/kt-two '$ORIGIN/lib'
	program c kt-three "$PWD/c/lib"
	mkdir deep
	script kt-bash '#!/bin/bash' 'echo "${BASH_VERSION%%.*}${*:+ $*}"'
	script deep/kt-env-s '#!/usr/bin/env -S bash -e' 'echo "${BASH_VERSION:+bash}"; false; echo not reached'
	script kt-nested "#!$PWD/kt-bash -x"
	script kt-python '#!/usr/bin/env python3' 'import ctypes, ssl, json' 'print(json.dumps("python"))'
	script facts '#!/bin/sh' 'fact() { echo "$*"; }' \
		'fact one $(kt-one); fact two $(kt-two); fact three $(kt-three); fact nested $(kt-nested)' \
		'fact env-s $(kt-env-s); fact python $(kt-python); fact plain $(python3 -c "import ctypes, ssl, json; print(1)")' \
		'fact perl $(perl -MPOSIX -MJSON::PP -e "print encode_json([floor(2.5)])")' \
		'fact user $(getent passwd root); fact host $(getent hosts ktbox); fact name $(hostname)' \
		'fact lo $(ping -c 1 -W 5 localhost | grep -c "1 packets received"); fact path $PATH; fact weird "$PWD|$IFS|$kt_command"' \
		'fact data $(cat /opt/deep/data) $(cat /tmp/kt-data)'
	echo data >data
	vm programs -s "$DEMO" -m 700 -i a/kt-one -i b/kt-two -i kt-three -i kt-bash -i deep -i kt-nested -i kt-python -i facts \
		-i /usr/bin/python3 -i perl -i getent -i data:/opt/deep/ -i data:/tmp/kt-data -e kt_command=/bin/true -e PWD=/weird \
		-- facts
}

# assert_fact NAME WORDS
assert_fact() {
	assertEquals "$(cat "$VMS/programs.err")" "$1 $2" "$(grep "^$1 " "$VMS/programs.out")"
}

test_each_program_has_its_own_library() {
	look programs
	assert_verdict pass 0
	assert_fact one a
	assert_fact two b
	assert_fact three c
}

test_scripts_have_their_interpreters() {
	assert_fact env-s bash
	assert_matches '^nested [0-9]+ -x .*/kt-nested$' "$VMS/programs.out"
	assert_fact python '"python"'
}

test_what_is_loaded_at_run_time_is_there() {
	assert_fact plain 1
	assert_fact perl '[2]'
}

test_the_guest_is_a_machine_of_its_own() {
	assert_fact user root:x:0:0:root:/root:/bin/sh
	assert_fact host '127.0.1.1 ktbox'
	assert_fact name ktbox
	assert_fact lo 1
}

test_files_are_where_they_were_asked_for() {
	assert_fact data 'data data'
	assert_matches '^path /include-files:/.ktbox/bin:[^:]*bin[^:]*:' "$VMS/programs.out"
}

test_the_users_variables_are_the_payloads() {
	assert_matches '[|]/bin/true$' "$VMS/programs.out"
}

. shunit2
