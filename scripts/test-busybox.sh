#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# test-busybox.sh SRC PLAIN OURS [APPLET...]: BusyBox's own test suite on two builds of it.
# In:   SRC, BusyBox's source; PLAIN and OURS, folders with a busybox and its .config each: unpatched, and
#       with the kt applets. APPLET: only the tests of these.
# Out:  the suites' result lines that differ (- unpatched, + ours), and a line with the counts. All lines stay
#       in PLAIN/suite.results and OURS/suite.results, and how each failed in suite.log beside them.
# Exit: 0 the same results, at least one of them a pass; 1 not so.

set -eu

src=$(cd "${1:?usage: test-busybox.sh SRC PLAIN OURS [APPLET...]}" && pwd)
plain=$(cd "${2:?}" && pwd)
ours=$(cd "${3:?}" && pwd)
shift 3

# The suite wants its own folder beside the binary, and makes an echo of BusyBox's source.
prepare() { # FOLDER
	rm -rf "$1/suite"
	mkdir -p "$1/suite/bin/scripts"
	cp "$1/busybox" "$1/.config" "$1/suite/bin"
	cp "$src/scripts/echo.c" "$1/suite/bin/scripts"
	cp -R "$src/testsuite" "$1/suite/bin"
}

# SKIP_KNOWN_BUGS: tests that upstream marks as failing. The suite's exit code counts failures; they are
# judged by comparison.
run_suite() { # FOLDER APPLET...
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

for folder in "$plain" "$ours"; do
	prepare "$folder"
	run_suite "$folder" "$@"
	rm -rf "$folder/suite"
done
same=0
diff -aU 0 "$plain/suite.results" "$ours/suite.results" | grep -a '^[-+][A-Z]' && same=1
passes=$(count PASS)
verdict=$([ "$same" = 0 ] && echo the same || echo not the same)
echo "test-busybox: $passes passed, $(count FAIL) failed, $(count SKIPPED) skipped," \
	"$(count UNTESTED) untested; unpatched: $verdict"
[ "$same" = 0 ] && [ "$passes" -gt 0 ]
