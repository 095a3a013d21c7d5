#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# test-busybox.sh SRC PLAIN OURS [APPLET...]: run BusyBox's own test suite on two builds and compare the results.
# In:   SRC, BusyBox's source; PLAIN and OURS, directories with a busybox and its .config: unpatched, and with the kt
#       applets. APPLET: run only the tests of these.
# Out:  the result lines that differ (- unpatched, + ours), and a line with the counts. All result lines are kept in
#       PLAIN/suite.results and OURS/suite.results, the suites' output in suite.log beside them.
# Exit: 0 the results are the same, and at least one is a pass; 1 otherwise.

set -eu

src=$(cd "${1:?usage: test-busybox.sh SRC PLAIN OURS [APPLET...]}" && pwd)
plain=$(cd "${2:?}" && pwd)
ours=$(cd "${3:?}" && pwd)
shift 3

# The suite must be in a directory beside the binary, and builds an echo from BusyBox's source.
prepare() { # DIRECTORY
	rm -rf "$1/suite"
	mkdir -p "$1/suite/bin/scripts"
	cp "$1/busybox" "$1/.config" "$1/suite/bin"
	cp "$src/scripts/echo.c" "$1/suite/bin/scripts"
	cp -R "$src/testsuite" "$1/suite/bin"
}

# SKIP_KNOWN_BUGS skips tests that upstream marks as failing. The suite's exit code, a count of failures, is ignored:
# the results are compared.
run_suite() { # DIRECTORY APPLET...
	bin=$1/suite/bin
	results=$1/suite.results
	log=$1/suite.log
	shift
	(cd "$bin/testsuite" && LC_ALL=C TZ=UTC SKIP_KNOWN_BUGS=1 bindir=$bin tsdir=$PWD \
		sh ./runtest -v "$@" </dev/null >"$log" 2>&1) || :
	grep -aE '^(PASS|FAIL|SKIPPED|UNTESTED): ' "$log" | LC_ALL=C sort >"$results" || :
}

count() { # WORD
	grep -ac "^$1: " "$ours/suite.results" || :
}

for directory in "$plain" "$ours"; do
	prepare "$directory"
	run_suite "$directory" "$@"
	rm -rf "$directory/suite"
done
same=0
diff -aU 0 "$plain/suite.results" "$ours/suite.results" | grep -a '^[-+][A-Z]' && same=1
passes=$(count PASS)
verdict=$([ "$same" = 0 ] && echo the same || echo not the same)
echo "test-busybox: $passes passed, $(count FAIL) failed, $(count SKIPPED) skipped," \
	"$(count UNTESTED) untested; unpatched: $verdict"
[ "$same" = 0 ] && [ "$passes" -gt 0 ]
