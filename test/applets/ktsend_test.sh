#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktsend: every type by its name, numbers and their ranges, streams as they arrive, one port shared by many.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

# sends ITEM ARG...: ktsend with ARG... writes exactly the frame ITEM.
sends() {
	encode "$1" >expected
	shift
	rm -f port
	run_kt ktsend -p port "$@"
	assert_status 0
	assert_same_bytes expected port
}

# refuses ARG...: an error that sends nothing.
refuses() {
	: >port
	run_kt ktsend -p port "$@"
	assertEquals "status of ktsend $*" 1 "$status"
	assert_matches '^ktsend: ' err
	assert_empty port
}

test_opaque_types_take_text() {
	for type in stimulus test-result crash payload-metrics raw-payload-output profraw kern-addrs \
		snapshot-request snapshot-reply kernel-op-request kernel-op-reply; do
		sends "$type=some text" "$type" "some text"
	done
}

test_stream_types_take_text() {
	for type in stdout stderr sched-log dmesg probe-output; do
		sends "$type=some text" "$type" "some text"
	done
}

test_empty_types_have_no_payload() {
	for type in scenario-start scenario-pause scenario-resume sys-ready; do
		sends "$type" "$type"
	done
}

test_numbers_are_signed_32_bit() {
	for type in exit sched-exit exec-exit; do
		for number in 0 7 -1 255 2147483647 -2147483648; do
			sends "$type#i32:$number" "$type" "$number"
		done
	done
}

test_a_number_out_of_range_sends_nothing() {
	for number in 2147483648 -2147483649 99999999999999999999 1x x '' ' ' 1.5; do
		refuses exit "$number"
	done
	refuses exit
	refuses sched-exit 4294967296
	refuses exec-exit -2147483649
}

test_scenario_end_is_unsigned_64_bit() {
	for number in 0 812 4294967296 18446744073709551615; do
		sends "scenario-end#u64:$number" scenario-end "$number"
	done
}

test_scenario_end_out_of_range_sends_nothing() {
	for number in -1 18446744073709551616 x ''; do
		refuses scenario-end "$number"
	done
	refuses scenario-end
}

test_lifecycle_takes_a_phase_by_name_or_number() {
	number=0
	for phase in init-started payload-starting scheduler-died scheduler-not-attached; do
		number=$((number + 1))
		sends "lifecycle#phase:$number:" lifecycle "$phase"
		sends "lifecycle#phase:$number:" lifecycle "$number"
		sends "lifecycle#phase:$number:a reason" lifecycle "$phase" "a reason"
	done
}

test_an_unknown_phase_lists_the_known_and_sends_nothing() {
	for phase in 0 5 -1 256 257 4294967297 init '' init-started2; do
		refuses lifecycle "$phase"
	done
	refuses lifecycle
	refuses lifecycle nonsense
	for phase in init-started payload-starting scheduler-died scheduler-not-attached; do
		assert_matches "$phase" err
	done
}

test_an_unknown_type_lists_the_known_and_sends_nothing() {
	refuses nonsense text
	for type in stimulus exit sched-exit lifecycle sys-ready kern-addrs; do
		assert_matches "$type" err
	done
	refuses ''
	refuses EXIT 1
}

test_any_tag_in_hex() {
	sends "0x41424344=text" 0x41424344 text
	sends "0x5a5a5a5a=" 0x5A5A5A5A ''
}

test_a_tag_that_is_no_32_bit_number_sends_nothing() {
	for tag in 0x 0x100000000 0x4142434g; do
		refuses "$tag" text
	done
}

test_the_list_has_every_type() {
	run_kt ktsend -l
	assert_status 0
	for type in stimulus scenario-start scenario-end scenario-pause scenario-resume exit test-result sched-exit \
		crash payload-metrics raw-payload-output profraw stdout stderr sched-log lifecycle exec-exit dmesg \
		probe-output snapshot-request snapshot-reply kernel-op-request kernel-op-reply sys-ready kern-addrs \
		sched-state init-error; do
		assert_matches "(^|[[:space:]])$type([[:space:]]|\$)" out
	done
}

# Up to 40 bytes go through the table, longer payloads through words first: each rest and the seam between.
test_the_checksum_is_right_for_every_length_around_words_and_tables() {
	head -c 32752 /dev/urandom >random
	set --
	for len in $(seq 0 130) 1023 4096 32745 32751 32752; do
		head -c "$len" random >"part.$len"
		"$KT_BUSYBOX" ktsend -p port stimulus - <"part.$len"
		set -- "$@" "stimulus@part.$len"
	done
	encode "$@" >expected
	assert_same_bytes expected port
}

test_an_opaque_payload_of_32752_bytes_is_sent() {
	text 32752 >data
	encode payload-metrics@data >expected
	run_kt ktsend -p port payload-metrics "$(cat data)"
	assert_status 0
	assert_same_bytes expected port
	rm port
	run_kt ktsend -p port payload-metrics - <data
	assert_same_bytes expected port
}

test_an_opaque_payload_of_32753_bytes_is_refused_not_split() {
	text 32753 >data
	refuses payload-metrics "$(cat data)"
	refuses 0x41424344 "$(cat data)"
	: >port
	timeout 30 "$KT_BUSYBOX" ktsend -p port payload-metrics - <data 2>err
	assertEquals "status" 1 $?
	assert_matches '^ktsend: ' err
	assert_empty port
}

test_a_lifecycle_reason_over_the_bound_is_refused() {
	text 32751 >data
	sends "lifecycle#phase:3:$(cat data)" lifecycle 3 "$(cat data)"
	refuses lifecycle 3 "$(cat data)x"
}

test_a_stream_from_stdin_is_split_at_32752_bytes() {
	bytes 100000 >data
	timeout 30 "$KT_BUSYBOX" ktsend -p port stdout - <data
	assertEquals "status" 0 $?
	payload stdout port >got
	assert_same_bytes data got
	assertEquals "longest frame" 32752 "$(decode port | awk '$2 > m { m = $2 } END { print m }')"
}

test_an_opaque_payload_from_stdin_in_pieces_is_one_frame() {
	mkfifo in
	"$KT_BUSYBOX" ktsend -p port stimulus - <in &
	pid=$!
	exec 3>in
	printf 'one ' >&3
	a_moment
	printf two >&3
	exec 3>&-
	end_of "$pid"
	assertEquals "status" 0 "$status"
	assert_frames port 'stimulus 7 one two'
}

test_a_stream_is_sent_as_it_arrives() {
	mkfifo in port
	"$KT_BUSYBOX" ktsend -p port stdout - <in &
	pid=$!
	exec 3>in 4<port
	printf first >&3
	timeout "$KT_CEILING" head -c 21 <&4 >got # before stdin is closed
	assert_frames got 'stdout 5 first'
	printf second >&3
	timeout "$KT_CEILING" head -c 22 <&4 >got
	assert_frames got 'stdout 6 second'
	exec 3>&-
	end_of "$pid"
	assertEquals "status" 0 "$status"
	assertEquals "rest" "" "$(timeout "$KT_CEILING" cat <&4)"
	exec 4<&-
}

test_dash_p_dash_is_stdout() {
	run_kt ktsend -p - exit 3
	assert_status 0
	assert_frames out 'exit 4 3'
}

test_a_regular_file_is_appended_to() {
	printf before >port
	run_kt ktsend -p port sys-ready
	run_kt ktsend -p port exit 1
	assertEquals before "$(head -c 6 port)"
	tail -c +7 port >frames
	assert_frames frames 'sys-ready 0' 'exit 4 1'
}

test_the_port_is_the_inherited_descriptor() {
	KT_PORT_FD=7 run_kt ktsend exit 5 7>port
	assert_status 0
	assert_frames port 'exit 4 5'
}

test_dash_p_wins_over_the_inherited_descriptor() {
	KT_PORT_FD=7 run_kt ktsend -p port exit 5 7>other
	assert_frames port 'exit 4 5'
	assert_empty other
}

test_a_port_fd_that_is_not_open_or_no_number_is_an_error() {
	for fd in 77 x '' -1 1x; do
		KT_PORT_FD=$fd run_kt ktsend exit 1
		assertEquals "status with KT_PORT_FD=$fd" 1 "$status"
		assert_matches '^ktsend: unable to [a-z]+ .*: .+' err
	done
}

test_a_port_that_cannot_be_opened_is_an_error() {
	run_kt ktsend -p no/such/file exit 1
	assert_error ktsend
	run_kt ktsend -p . exit 1
	assert_error ktsend
}

test_a_port_that_nobody_reads_any_more_is_an_error() {
	mkfifo port
	exec 7<>port
	exec 5>port
	exec 7<&-
	KT_PORT_FD=5 run_kt ktsend exit 1
	assert_error ktsend
	exec 5>&-
}

test_a_full_disk_is_an_error() {
	run_kt ktsend -p /dev/full stdout text
	assert_error ktsend
}

test_a_write_of_0_has_sent_nothing_and_is_tried_again() {
	run strace -qq -o trace -e trace=write -e inject=write:retval=0:when=1 \
		"$KT_BUSYBOX" ktsend -p port stdout text
	assert_status 0
	assertEquals "frames" stdout "$(types_in port)"
}

test_a_short_write_is_an_error() {
	run strace -qq -o trace -e trace=write -e inject=write:retval=5:when=1 \
		"$KT_BUSYBOX" ktsend -p port stdout text
	assert_error ktsend
}

test_without_a_port_it_waits_for_the_handshake_and_gives_up() {
	run_kt ktsend exit 1
	assert_error ktsend
	assert_matches 'ktstr-bulk' err
}

test_usage_errors_are_errors() {
	run_kt ktsend
	assertNotEquals 0 "$status"
	run_kt ktsend -p
	assertNotEquals 0 "$status"
	run_kt ktsend -Z exit 1
	assertNotEquals 0 "$status"
}

# send_many WRITER COUNT SIZE: the frames of one of several writers.
send_many() {
	text "$3" | tr x "$1" >"data$1"
	count=0
	while [ $count -lt "$2" ]; do
		kt ktsend stimulus "$(cat "data$1")" || echo "writer $1: $?" >>writer-errors
		count=$((count + 1))
	done
}

test_processes_that_share_a_file_tear_no_frame() {
	exec 7>>port
	KT_PORT_FD=7
	export KT_PORT_FD
	for writer in a b c d; do
		send_many $writer 40 32752 &
		writers="${writers:-} $!"
	done
	for pid in $writers; do wait "$pid"; done
	unset KT_PORT_FD writers
	exec 7>&-
	assertEquals "errors" "" "$(cat writer-errors 2>/dev/null)"
	assertEquals "frames" 160 "$(decode port | grep -c '^stimulus 32752 crc32:')"
	assertEquals "different frames" 4 "$(decode port | sort -u | wc -l)"
}

test_processes_that_share_a_descriptor_without_append_tear_no_frame() {
	exec 7>port
	KT_PORT_FD=7
	export KT_PORT_FD
	for writer in a b; do
		send_many $writer 40 1000 &
		writers="${writers:-} $!"
	done
	for pid in $writers; do wait "$pid"; done
	unset KT_PORT_FD writers
	exec 7>&-
	assertEquals "frames" 80 "$(decode port | grep -c '^stimulus 1000 crc32:')"
}

test_processes_that_share_a_pipe_tear_no_frame() {
	mkfifo pipe
	cat pipe >port &
	reader=$!
	exec 7>pipe
	KT_PORT_FD=7
	export KT_PORT_FD
	for writer in a b c d; do
		send_many $writer 40 4000 &
		writers="${writers:-} $!"
	done
	for pid in $writers; do wait "$pid"; done
	unset KT_PORT_FD writers
	exec 7>&-
	wait "$reader"
	assertEquals "frames" 160 "$(decode port | grep -c '^stimulus 4000 crc32:')"
}

# send_fifo ARG...: ktsend with a FIFO as its stdin, which fd 3 holds open; its process id is $sender.
send_fifo() {
	mkfifo fifo
	exec 3<>fifo
	"$KT_BUSYBOX" ktsend -p port "$@" - <fifo 2>err 3>&- &
	sender=$!
	echo first >&3
	wait_until '[ -s port ]'
}

test_with_d_term_lets_it_send_what_is_there_and_end() {
	send_fifo -d printk
	kill -STOP $sender
	echo second >&3
	kill -TERM $sender
	kill -CONT $sender
	end_of $sender
	exec 3>&-
	assert_status 0
	assert_empty err
	assert_file_text 'first
second' "$(payload printk port >text; echo text)"
}

# Each record of /dev/kmsg is a read of its own; there may be a hundred thousand in a second.
test_many_records_of_the_kernel_s_log_go_into_few_frames() {
	seq -f '6,%g,1000,-;a record of the log' 5000 >records
	kt ktsend -p port kmsg - <records
	payload kmsg port >sent
	assert_same_bytes records sent
	assertTrue "frames: $(kt ktrecv -j port | wc -l)" "[ $(kt ktrecv -j port | wc -l) -lt 12 ]"
}

test_with_d_term_ends_a_wait_for_more() {
	send_fifo -d printk
	a_moment
	kill -TERM $sender
	end_of $sender
	exec 3>&-
	assert_status 0
}

test_without_d_term_is_the_end() {
	send_fifo printk
	kill -TERM $sender
	end_of $sender
	exec 3>&-
	assert_status 143
}

# sent_metric: what the only frame of the port says after its time.
sent_metric() {
	payload metric port | tail -c +9
}

test_a_metric_has_a_name_a_value_and_a_unit() {
	while read -r expected; do
		rm -f port
		# shellcheck disable=SC2086 # words
		run_kt ktsend -p port metric $expected
		assert_status 0
		assertEquals "$expected" "$(sent_metric)"
	done <<-'END'
		ops 12 1/s
		A.b-c_9 -0.5 %
		latency 1.5e-3 us
		big +1e300 x
	END
	rm port
	run_kt ktsend -p port metric ops 3
	assertEquals 'ops 3 count' "$(sent_metric)"
}

test_a_metric_that_the_host_would_not_take_is_refused() {
	refuses metric
	refuses metric ops
	refuses metric ops 1 us more
	for name in '' 1ops _ops 'a b' a/b "$(text 65)"; do
		refuses metric "$name" 1
	done
	for value in '' nan inf -inf 0x10 1e999 1,5 '1 2' . - 1e "$(text 41 | tr x 1)"; do
		refuses metric ops "$value"
	done
	for unit in '' 'u s' '<s>' "$(text 17)"; do
		refuses metric ops 1 "$unit"
	done
	run_kt ktsend -p port metric "$(text 64)" "$(text 40 | tr x 1)" "$(text 16)"
	assert_status 0
}

. shunit2
