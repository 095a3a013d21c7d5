#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --matrix on a real kernel: two schedulers by two payloads.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

oneTimeSetUp() {
	cat >"$FILES/matrix" <<-END
		scheduler = demo $DEMO
		scheduler = dies $DEMO --error-after 300
		payload = quick true
		payload = endless yes >/dev/null & ktlatch wait -t 3 never; kill \$!
		limit = $VM_CEILING
	END
	timeout -k 20 $((3 * VM_CEILING)) "$KTRUN" --matrix "$FILES/matrix" -o "$VMS/m" </dev/null >"$VMS/m.out" 2>"$VMS/m.err"
	echo $? >"$VMS/m.status"
}

test_the_one_combination_that_kills_its_scheduler_is_found() {
	assertEquals "exit code" 1 "$(cat "$VMS/m.status")"
	assert_matches ' demo +quick +1/1 100%' "$VMS/m.out"
	assert_matches ' dies +endless +0/1 0% .* 1 sched-died' "$VMS/m.out"
	assert_matches '"verdict": "sched-died"' "$VMS/m/00004/result.json"
	assertEquals "lines of the job log" 4 "$(wc -l <"$VMS/m/joblog")"
}

. shunit2
