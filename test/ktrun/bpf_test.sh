#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# --bpf, the host's side: what becomes of the files that a guest sends, whatever is in them. test/vm/bpf_test.sh has the
# real ones.

# shellcheck disable=SC1091,SC2154,SC2086 # what is sourced sets them; items are words
. "$KT_TEST_LIB/stub.sh"

N='\x01\x00\x00\x00'
PLACE=/run/kt/bpf
PROGRAM='id=6\x20type=27\x20tag=7A5051d4b5b7476c\x20verified_insns=10\x20run_cnt=29\x20run_time_ns=18'
PROGRAM="$PROGRAM\\x20recursion_misses=0\\x20name=enq"
TYPES='btf_id=11\x20key_type=0\x20value_type=4'
ARRAY="id=5\\x20type=2\\x20key_size=4\\x20value_size=2\\x20max_entries=1\\x20cpus=0\\x20$TYPES"
PER_CPU="id=7\\x20type=6\\x20key_size=1\\x20value_size=2\\x20max_entries=1\\x20cpus=2\\x20$TYPES"

# sent NAME TEXT: the frames of a file
sent() {
	printf '%s' "file=${N}kind=file\\x20path=$PLACE/$1 file-data=${N}$2 "
}

# objects FRAMES: a run whose guest has sent these files
objects() {
	streams $READY $ATTACHED $STARTED $OUT0 "file=${N}kind=begin\\x20path=$PLACE file=${N}kind=folder\\x20path=$PLACE" $1 \
		"file-end=${N}files=1\\x20folders=1\\x20bytes=5\\x20failed=0\\x20skipped=0" $EXIT
	ktrun --bpf -- true
	assert_status 0
	assert_valid art/result.json
	grep '^  "bpf": ' art/result.json >said
}

assert_said() { # TEXT
	grep -qF -- "$1" said
	kt_verdict $? "no $1 in: $(cat said)"
}

test_the_guest_is_asked_for_as_much_as_there_is_space_for() {
	objects "$(sent programs 'left_out=0\x20counted=1\n')"
	assert_matches ' ktbox.bpf=1048576( |$)' stub/args
	ktrun --bpf --max-output 64M -- true
	assert_matches ' ktbox.bpf=262144( |$)' stub/args
	ktrun -- true
	assert_no_match 'ktbox.bpf' stub/args
	assert_matches '^  "bpf": null' art/result.json
}

test_programs_and_entries_are_those_that_were_sent() {
	objects "$(sent programs "left_out=0\\x20counted=1\\n$PROGRAM\\n")$(
		sent maps "left_out=0\\x20counted=1\\n$ARRAY\\x20entries=1\\x20left_out=size\\x20name=x.bss\\n$(
			:)$PER_CPU\\x20entries=1\\x20left_out=none\\x20name=stats\\n")$(
		sent map-5 '\x00\x00\x00\x00\x2a\xff')$(sent map-7 '\x09ab\x00\x00\x00\x00\x00\x00cd\x00\x00\x00\x00\x00\x00')"
	assert_said '{"id":6,"type":"struct_ops","name":"enq","tag":"7a5051d4b5b7476c","verified_insns":10,"run_cnt":29,'
	assert_said '"entries":1,"file":"bpf-5-x.bss.json","left_out":"there are more than fit"}'
	assert_said '"problem":null'
	assert_file_text '[{"key":["0x00","0x00","0x00","0x00"],"value":["0x2a","0xff"]}]' art/bpf-5-x.bss.json
	assert_file_text '[{"key":["0x09"],"values":[{"cpu":0,"value":["0x61","0x62"]},{"cpu":1,"value":["0x63","0x64"]}]}]' \
		art/bpf-7-stats.json
	assert_matches '^  bpf        1 programs with 29 calls, 2 maps, 2 of them kept$' err
}

test_a_kernel_without_the_figures_has_none_and_that_is_said() {
	line=$(printf '%s' "$PROGRAM" | sed 's/verified_insns=10/verified_insns=0/')
	objects "$(sent programs "left_out=3\\x20counted=0\\n$line\\n")"
	assert_said '"verified_insns":null,"run_cnt":null,"run_time_ns":null,"recursion_misses":null'
	assert_said '3 programs left out'
	assert_said 'the kernel did not count the calls of programs'
	assert_said 'the kernel does not say how many instructions it verified'
}

test_what_is_not_of_ktbpf_is_damage_and_makes_no_file() {
	for line in 'id=5' "$ARRAY\\x20entries=1\\x20left_out=none\\x20name=../../x" \
		"$ARRAY\\x20entries=1\\x20left_out=no\\x20name=x"; do
		objects "$(sent programs 'left_out=0\x20counted=1\n')$(sent maps "left_out=0\\x20counted=1\\n$line\\n")"
		assert_said '"problem":"1 lines damaged"'
		assert_said '"maps":[]'
	done
	assertEquals "files" "" "$(find art -name 'bpf-*')"
}

test_sizes_that_no_file_has_give_no_entries() {
	for sizes in key_size=0\\x20value_size=0 key_size=4\\x20value_size=9999999999 key_size=9999999999\\x20value_size=4; do
		line=$(printf '%s' "$ARRAY" | sed 's/key_size=4.x20value_size=2/SIZES/')
		line=${line%%SIZES*}$sizes${line#*SIZES}
		objects "$(sent programs 'left_out=0\x20counted=1\n')$(sent maps "left_out=0\\x20counted=1\\n$line\\x20entries=7\\x20left_out=none\\x20name=x\\n")$(sent map-5 abcdefgh)"
		assert_said '"entries":0,"file":null'
	done
	assertEquals "files" "" "$(find art -name 'bpf-*')"
}

test_a_later_run_has_none_of_the_files() {
	objects "$(sent programs 'left_out=0\x20counted=1\n')$(
		sent maps "left_out=0\\x20counted=1\\n$ARRAY\\x20entries=1\\x20left_out=none\\x20name=x\\n")$(sent map-5 abcdef)"
	assertTrue "the file" "[ -e art/bpf-5-x.json ]"
	streams $READY $STARTED $OUT0 $EXIT
	run "$KTRUN" --bpf -o "$PWD/art" -- true
	assert_status 0
	assertEquals "files" "" "$(find art -name 'bpf-*')"
}

# shellcheck disable=SC1091
. shunit2
