#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# result.json by its schema, docs/internals/result.schema.json: each verdict's file is valid, and the validator sees
# a key that is missing, unknown or of another type. The runs of test/vm are validated by test/lib/vm.sh.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

SCHED="-s $KT_TOP/build/scx_demo"
DUMP='scx-dump-end=number=1\x20type=error\x20kind=1025\x20complete=1\x20rule=counter\x20reason=it\x20broke'

valid() { # WORD OPTIONS ITEM...
	word=$1 options=$2
	shift 2
	streams "$@"
	ktrun $options
	assert_value verdict "$word"
	assert_valid art/result.json
}

test_the_result_of_each_verdict_is_valid() {
	valid pass '-- true' $READY $STARTED $ENDED $OUT0 'fin=' exit#i32:0
	valid fail '-- true' $READY mark#stamp:5:sys-ready $STARTED $OUT7 $EXIT
	valid boot-failed '-- true'
	valid lost '-- true' $READY $DAMAGE
	valid corrupt '-- true' $READY $STARTED $OUT0 'fin=\xff\x0f\x00\x00\x00\x00\x00\x00' exit#i32:0
	valid init-failed '-- true' $READY $IERR $EXIT
	valid sched-failed "$SCHED -- true" $READY $DIED $EXIT
	valid sched-not-attached "$SCHED -- true" $READY $NOT_ATTACHED $EXIT
	valid sched-died "$SCHED -- true" $READY $ATTACHED $STARTED $DUMP $DIED $OUT0 $EXIT
	valid sched-survived "$SCHED --expect-death -- true" $READY $ATTACHED $STARTED $OUT0 $EXIT
	printf '[    1.0] WARNING: CPU: 0\n' >stub/console
	valid kernel-warned '--fail-on-warn -- true' $READY $STARTED $OUT0 $EXIT
}

test_the_result_of_tests_and_files_is_valid() {
	printf '. shunit2\n' >a_test.sh
	N='\x01\x00\x00\x00'
	valid fail '--get /tmp/out --test a_test.sh' $READY $STARTED \
		'test-case=status=failed\x20ms=2\x20file=a_test.sh\x20name=t\x20message=it\x20broke' $OUT0 \
		"file=${N}kind=begin\\x20path=/tmp/out" $EXIT
}

test_the_validator_sees_what_is_wrong() {
	valid pass '-- true' $READY $STARTED $OUT0 $EXIT
	for change in 's/"code": 0/"code": "0"/' 's/"wall_ms"/"wall"/' 's/"verdict": "pass"/"verdict": "good"/' \
		's/"schema": 2/"schema": 3/' '/"damaged"/d'; do
		sed "$change" art/result.json >wrong.json
		run "$KT_PYTHON" "$KT_TOP/test/tools/validate.py" "$KT_TOP/docs/internals/result.schema.json" wrong.json
		assertEquals "$change" 1 "$status"
	done
}

. shunit2
