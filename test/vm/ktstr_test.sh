#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A ktbox guest under a host that is not ktrun: what the reference's host waits for is there, without a word
# or a frame of ktbox's own (ktstr_host.py).

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/vm.sh"

# host NAME OPTION...: one run; leaves $VMS/NAME/frames and .status.
host() {
	host_name=$1
	shift
	mkdir "$VMS/$host_name"
	timeout "$VM_CEILING" "$KT_PYTHON" "$KT_TOP/test/tools/ktstr_host.py" "$VMS/$host_name" \
		"$KT_TOP/build/kernel/image" "$KT_TOP/build/initramfs.cpio" "$@" >"$VMS/$host_name/frames"
	echo $? >"$VMS/$host_name/status"
}

oneTimeSetUp() {
	host plain stats accessor 'exec_cmd=ktlatch wait -t 60 accessor_ready; exit 7'
	host bytes scheduler="$DEMO" wake=D1,D3 \
		'exec_cmd=echo ready; ktlatch wait -t 60 dump_complete; echo ready; exec sleep 600'
	host death scheduler="$DEMO" 'sched_args=--error-after 300' 'exec_cmd=sleep 600'
	host ktruns stats word=ktbox.host=ktrun 'exec_cmd=ktlatch wait -t 5 never_set; exit 7'
}

# told NAME: the frames of this run; its status is that of a host that was told how it ended.
told() {
	frames=$VMS/$1/frames
	assertEquals "status of host $1" 0 "$(cat "$VMS/$1/status")"
}

# types_told: the types of the frames, without those of stats and streams.
types_told() {
	sed 's/ .*//' "$frames" | grep -vE '^(stats|SOUT|SERR|unknown|KADR)$' | tr '\n' ' '
}

test_the_host_gets_the_frames_that_it_waits_for_and_skips_the_others() {
	told plain
	assertEquals 'SRDY LIFE LIFE SCST SCEN EXCX EXIT ' "$(types_told)"
	assert_matches '^LIFE 1 $' "$frames"
	assert_matches '^LIFE 2 $' "$frames"
	assert_matches '^EXCX 7$' "$frames"
	assert_matches '^EXIT 7$' "$frames"
	assert_matches '^unknown [1-9]' "$frames"
}

# phys_base is 2 MiB-aligned, both symbols are in the kernel's mapping, and _text begins a page.
test_the_kernels_addresses_are_sent_and_plausible() {
	told plain
	assert_matches '^KADR [0-9a-f]*1 ffffffff[0-9a-f]{8} ffffffff[0-9a-f]{5}001$' "$frames"
	told ktruns
	assert_no_match '^KADR' "$frames"
}

test_without_a_scheduler_the_stats_relay_says_so() {
	told plain
	assert_matches '^stats \{"ktstr_relay_error":"no scheduler available"\}$' "$frames"
	told ktruns
	assert_no_match '^stats' "$frames"
}

test_the_dump_byte_makes_a_dump_and_the_shutdown_byte_an_orderly_end() {
	told bytes
	assert_matches 'Debug dump triggered by SysRq-D' "$VMS/bytes/serial.log"
	assert_matches 'SCX_EV_SUB_BYPASS_DISPATCH' "$VMS/bytes/serial.log"
	assertEquals 'SRDY LIFE LIFE SCST SCEN EXCX SCLG SCLG SCLG EXIT ' "$(types_told)"
	assert_matches '^SCLG scx_demo: attached.*unregistered from user space' "$frames"
}

# /init tells of the payload and of the death while ktexitmon sends the log: who is first is nobody's promise.
test_a_death_is_reported_after_the_log() {
	told death
	assertEquals 'SRDY SCLG SCLG SCLG SCDX ' "$(types_told | sed 's/LIFE //g; s/SCST //')"
	assertEquals "lifecycle frames" 3 "$(grep -c '^LIFE ' "$frames")"
	assert_matches '^LIFE 3 ' "$frames"
	assert_matches '^SCLG ===SCHED_OUTPUT_START===$' "$frames"
	assert_matches '^SCLG scx_demo: attached.*EXIT: kind 1025' "$frames"
	assert_matches '^SCDX 1$' "$frames"
	assert_matches 'deliberate error' "$VMS/death/serial.log"
}

. shunit2
