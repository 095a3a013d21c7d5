#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# kttsc: a frequency that is the same at each measurement, also on a busy machine.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

# measured: one measurement, in kHz.
measured() {
	run_kt kttsc
	assert_status 0
	assert_matches '^[1-9][0-9]{5,6}$' out
	khz=$(cat out)
}

# assert_near FIRST SECOND: they are apart by a thousandth at most.
assert_near() {
	apart=$(($1 - $2))
	kt_verdict $((${apart#-} * 1000 > $1)) "kHz: $1 and $2"
}

test_measurements_agree_also_when_all_cpus_are_busy() {
	measured
	quiet=$khz
	spinners=
	for spinner in $(seq $((2 * $(nproc)))); do
		sh -c 'while :; do :; done' "$spinner" &
		spinners="$spinners $!"
	done
	for try in 1 2 3 4 5 6 7 8; do
		measured
		assert_near "$quiet" "$khz"
	done
	# shellcheck disable=SC2086 # process ids
	kill $spinners
	assertEquals "tries" 8 "$try"
}

test_usage_errors_are_errors() {
	run_kt kttsc word
	assert_status 1
	assert_empty out
	assert_matches '^Usage: kttsc' err
}

. shunit2
