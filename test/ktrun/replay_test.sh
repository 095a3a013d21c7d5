#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrun --replay reads what may come from anywhere: a host.json that ktrun does not write is refused, and says why.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

# finished: a run that passed, in art/.
finished() {
	streams $READY $STARTED $OUT0 $EXIT
	ktrun -- true
	assert_verdict pass 0
	mv art/host.json good.json
}

# refuses_host WHY: art/host.json, by this word of the message.
refuses_host() {
	run "$KTRUN" --replay "$PWD/art"
	assert_status 205
	assertEquals "lines on stderr: $(kt_head err)" 1 "$(wc -l <err)"
	assert_matches "^ktrun: --replay: $PWD/art/host.json is not what ktrun writes: .*$1" err
}

# refuses_change WHY SED-SCRIPT: of a good host.json.
refuses_change() {
	sed "$2" good.json >art/host.json
	cmp -s good.json art/host.json
	assertEquals "$2 changes something" 1 $?
	refuses_host "$1"
}

test_as_it_was_written_it_is_read() {
	finished
	cp good.json art/host.json
	run "$KTRUN" --replay "$PWD/art"
	assert_verdict pass 0
}

test_a_value_of_another_type_is_refused() {
	finished
	refuses_change 'qemu_status: not of type int' 's/"qemu_status":0/"qemu_status":"0"/'
	refuses_change 'wall_ms: not of type int' 's/"wall_ms":[0-9]*/"wall_ms":1.5/'
	refuses_change 'qemu_status: not of type int' 's/"qemu_status":0/"qemu_status":true/'
	refuses_change 'shell: not of type bool' 's/"shell":false/"shell":0/'
	refuses_change 'kernel: not of type str' 's/"kernel": .*,$/"kernel": null,/'
	refuses_change 'get: no list' 's/"get":\[\]/"get":"\/etc"/'
	refuses_change 'get: not of type str' 's/"get":\[\]/"get":[1]/'
	refuses_change 'no object for Ending' 's/"ending": .*/"ending": [],/'
}

test_a_key_too_many_is_refused_and_one_of_a_later_ktrun_may_be_missing() {
	finished
	refuses_change "unknown key 'more'" 's/"plain":false/"plain":false,"more":1/'
	sed 's/"allow_bad_exit":false,//; /"origin"/d' good.json >art/host.json
	run "$KTRUN" --replay art
	assert_verdict pass 0
}

test_a_number_out_of_bounds_is_refused() {
	finished
	refuses_change 'a number out of bounds' 's/"wall_ms":[0-9]*/"wall_ms":-1/'
	refuses_change 'a number out of bounds' 's/"qemu_status":0/"qemu_status":1000000000000000/'
	refuses_change 'a number out of bounds' 's/"hang_from":null/"hang_from":-1/'
	refuses_change 'a number out of bounds' 's/"snapshot_age_secs": null/"snapshot_age_secs": -1/'
}

test_a_value_that_ktrun_never_writes_is_refused() {
	finished
	refuses_change 'format 1, not 2' 's/"format": 2/"format": 1/'
	refuses_change 'full: ' 's/"full":null/"full":"..\/good.json"/'
	refuses_change 'start: ' 's/"start": "cold"/"start": "hot"/'
	refuses_change 'accel: ' 's/"accel": "tcg"/"accel": "t<g"/'
	refuses_change 'timed_out without' 's/"timed_out":false/"timed_out":true/'
}

test_what_is_no_json_or_too_long_is_refused() {
	finished
	echo '{' >art/host.json
	refuses_host ''
	{ cat good.json && head -c 17000000 /dev/zero | tr '\0' ' '; } >art/host.json
	refuses_host 'more than 16777216 bytes'
}

. shunit2
