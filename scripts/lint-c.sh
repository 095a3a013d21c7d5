#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# lint-c.sh BB TOOL [FILE...]: check the C files of the applets, or these, with one static analyser.
# In:   BB, the directory of a built BusyBox (its headers and configuration); TOOL: gcc-analyzer,
#       clang-tidy (its checks: .clang-tidy) or cppcheck. What is not looked for has its reason here or there.
# Out:  the tool's findings, each with file and line.
# Exit: 0 none; 1 some, or the tool could not run.

set -eu

bb=${1:?usage: lint-c.sh BB TOOL [FILE...]}
tool=${2:?}
shift 2
[ $# -gt 0 ] || set -- applets/*/*.c
[ -e "$bb/obj/include/autoconf.h" ] || {
	echo "lint-c: no configured BusyBox in $bb (make busybox)" >&2
	exit 1
}

# As BusyBox compiles them. System directories, so that findings in BusyBox's own headers are not ours.
includes="-Iapplets/wire -Iapplets/lib -Iapplets/guest -Iapplets/host"
flags="-std=gnu99 -funsigned-char -D_GNU_SOURCE -DNDEBUG -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 $includes
	-isystem $bb/obj/include -isystem $bb/src/include -include $bb/obj/include/autoconf.h"

each_file() { # COMMAND...: run it with each file as its last argument, two at once
	printf '%s\n' "$files" | xargs -P 2 -I '{}' "$@"
}

# Without: unused parameters and missing initializers (both are BusyBox's way: applets' argc, tables that end
# with zeros), sign of comparisons (lengths of read(2) against sizes).
gcc_analyzer() {
	# shellcheck disable=SC2086  # a list of words
	each_file gcc $flags -O2 -fanalyzer -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers \
		-Wno-sign-compare -Wshadow -Wwrite-strings -Wstrict-prototypes -Werror -c -o /dev/null '{}'
}

# A process a file: with several, clang-tidy 14 forgets that va_start() was seen. What it says on stderr
# counts the findings that are not shown.
clang_tidy() {
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	# shellcheck disable=SC2086
	each_file clang-tidy --config-file=.clang-tidy --quiet '{}' -- $flags 2>"$log" && return
	sed '/warnings\{0,1\} generated/d' "$log" >&2
	return 1
}

# cppcheck reads no system headers. Without: variableScope (declarations stand at a function's head, as in
# BusyBox), redundantContinue (the body of an empty loop), unusedStructMember (the kernel reads
# them), and whatever stands in BusyBox's headers.
cppcheck_all() {
	# shellcheck disable=SC2086
	cppcheck --quiet --error-exitcode=1 --template='{file}:{line}: {severity}: {message} [{id}]' \
		--enable=warning,style,performance,portability --library=scripts/cppcheck-libbb.cfg \
		--suppress=variableScope --suppress=redundantContinue --suppress=unusedStructMember \
		--suppress="*:$bb/*" --inline-suppr \
		-D_GNU_SOURCE -D__linux__ -D__GNUC__=12 -D__STDC__ -D__LITTLE_ENDIAN=1234 -D__BYTE_ORDER=1234 \
		$includes "-I$bb/obj/include" "-I$bb/src/include" "--include=$bb/obj/include/autoconf.h" "$@"
}

files=$(printf '%s\n' "$@")
case $tool in
gcc-analyzer) gcc_analyzer ;;
clang-tidy) clang_tidy ;;
cppcheck) cppcheck_all "$@" ;;
*)
	echo "lint-c: unknown tool '$tool'" >&2
	exit 1
	;;
esac
echo "lint: $# C files, no findings of $tool"
