#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The tests' own encoder and decoder against bytes written down by hand from the wire facts: what judges
# must be judged.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

hex() {
	od -An -v -tx1 | tr -d ' \n'
}

test_the_encoder_writes_the_documented_bytes() {
	assertEquals "5449584504000000ffffffff00000000ffffffff" "$(encode 'exit#i32:-1' | hex)"
	assertEquals "59445253000000000000000000000000" "$(encode sys-ready | hex)"
	assertEquals "54554f53090000002639f4cb00000000313233343536373839" "$(encode stdout=123456789 | hex)"
	assertEquals "4546494c02000000" "$(encode 'lifecycle#phase:3:x' | head -c 8 | hex)"
	assertEquals "0378" "$(encode 'lifecycle#phase:3:x' | tail -c 2 | hex)"
	assertEquals "0100000000000000" "$(encode 'scenario-end#u64:1' | tail -c 8 | hex)"
}

test_the_decoder_reads_what_the_encoder_writes() {
	encode 'exit#i32:-1' stdout=hello sys-ready 'lifecycle#phase:4:timeout' 0x41424344=z >stream
	assert_frames stream 'exit 4 -1' 'stdout 5 hello' 'sys-ready 0' 'lifecycle 8 4 timeout' '0x41424344 1 z'
}

test_the_decoder_refuses_damage() {
	encode stdout=a badcrc:stdout=b >stream
	assertContains "$(decode stream)" "damage at 17"
}

test_the_oracle_skips_damage_and_tells_truncation() {
	encode badcrc:stdout=hello stderr=x cut:20:stdout=hello >stream
	"$KT_PYTHON" "$KT_TOP/test/tools/frames.py" oracle stream >said
	assert_file_text '{"offset": 0, "type": "stdout", "length": 5, "crc": "bad", "skipped": 21}
{"offset": 21, "type": "stderr", "length": 1, "crc": "ok"}
{"offset": 38, "type": "stdout", "length": 5, "crc": "truncated", "skipped": 20}' said
}

. shunit2
