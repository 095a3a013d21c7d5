#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A short part of `make fuzz`: ktrecv's frame reader agrees with the oracle of test/fuzz/fuzz_reader.c, and a
# reader that is broken does not.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/test.sh"

INPUTS=20000

fuzz() { # FUZZER: leaves status, out, err
	KT_FUZZER=$1 KT_FUZZ_DIR=$PWD/fuzz "$KT_TOP/test/fuzz/run" "-$INPUTS" >out 2>err
	status=$?
}

# build_broken SED: the fuzzer of a reader that this has changed.
build_broken() {
	sed "$1" "$KT_TOP/applets/frame_reader.c" >frame_reader.c
	! cmp -s frame_reader.c "$KT_TOP/applets/frame_reader.c" || fail "changes nothing: $1"
	(cd "$KT_TOP" && exec scripts/build-fuzzer.sh build/bb build/bb/san reader "$OLDPWD/broken" \
		"$OLDPWD/frame_reader.c" applets/wire.c applets/crc32.c) >out 2>&1 || fail "$(kt_head out)"
}

test_the_reader_agrees_with_the_oracle() {
	fuzz "$KT_TOP/build/fuzz/reader"
	assertEquals "status ($(tail -n 3 err))" 0 "$status"
	assert_matches '^fuzz: inputs without a finding: [1-9][0-9]{4}' out
}

test_a_reader_that_skips_a_byte_too_many_behind_damage_is_found() {
	build_broken 's/^	r->start++;$/	r->start += 2;/'
	fuzz "$PWD/broken"
	assertNotEquals 0 "$status"
	assert_matches 'the reader and the oracle differ|ERROR: AddressSanitizer' fuzz/log
}

test_a_reader_that_believes_every_checksum_is_found() {
	build_broken 's/return crc_is_right(r, header) ? KT_FRAME : KT_DAMAGE;/return KT_FRAME;/'
	fuzz "$PWD/broken"
	assertNotEquals 0 "$status"
	assert_matches 'the reader and the oracle differ|ERROR: AddressSanitizer' fuzz/log
}

. shunit2
