#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Every reader of frames against every type of frame with every length that may matter. make test-sanitized runs this
# with the sanitizers, which see more than whether a reader lives.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

# all_frames [WITHOUT...]: each type, and one that is unknown, with no payload, one byte, each length around the fixed
# parts of payloads, and the most that one write carries.
all_frames() {
	"$KT_PYTHON" - "$@" <<-'PYTHON'
		import os, sys
		sys.path.insert(0, os.environ["KT_TOP"] + "/test/tools")
		import frames
		for name in [*sorted(frames.NAMES), "0x41424344"]:
		    for length in (0, 1, 3, 4, 5, 7, 8, 9, 11, 12, 13, 24, 200, 4096, 4097, 32752):
		        for byte in (b"\0", b"x", b"\xff", b"="):
		            if name not in sys.argv[1:]:
		                sys.stdout.buffer.write(frames.frame(frames.tag_of(name), byte * length))
	PYTHON
}

setUp() {
	all_frames exit >frames
}

# ends STATUS COMMAND...: it ends by itself with one of them (separated by |), and no sanitizer speaks.
ends() {
	ends_with=$1
	shift
	run "$@"
	case "|$ends_with|" in
	*"|$status|"*) ;;
	*) fail "$2: status $status: $(kt_head err)" ;;
	esac
	assert_no_match 'runtime error|AddressSanitizer' err
}

test_ktrecv_lives() {
	ends 2 "$KT_BUSYBOX" ktrecv -d d frames
	ends 2 "$KT_BUSYBOX" ktrecv --plain -d d frames
	ends 2 "$KT_BUSYBOX" ktrecv -j frames
	assertTrue "it is JSON" "$KT_PYTHON -m json.tool d/stream.json"
}

# The input ends at an empty stdin frame, which is the first of its kind.
test_ktstdin_lives() {
	mkfifo ctl.in ctl.out
	exec 8<>ctl.in 9<>ctl.out
	{ all_frames exit stdin && encode stdin=last stdin; } >frames
	cat frames >&8 &
	ends 0 "$KT_BUSYBOX" ktstdin -p ctl
	assert_file_text last out
	exec 8>&- 9>&-
}

test_ktterm_lives() {
	mkfifo ctl.in ctl.out
	exec 8<>ctl.in 9<>ctl.out
	{ all_frames exit stdin tty-ack && encode 'stdin=exit 5\n'; } >frames
	cat frames >&8 &
	"$KT_BUSYBOX" ktterm -p ctl sh >out 2>err 8>&- 9>&- &
	pid=$!
	timeout "$KT_CEILING" "$KT_PYTHON" - <&9 <<-'PYTHON'
		import os, sys
		sys.path.insert(0, os.environ["KT_TOP"] + "/test/tools")
		import frames
		got = b""
		with open("ctl.out", "rb", buffering=0) as port:
		    while frames.frame(frames.tag_of("tty-end"), b"") not in got:
		        got += port.read(65536)
	PYTHON
	encode tty-ack >&8
	end_of "$pid"
	assertEquals "status of ktterm: $(kt_head err)" 5 "$status"
	exec 8>&- 9>&-
}

test_kttty_lives_and_reads_the_key() {
	ends 0 "$KT_PYTHON" "$KT_TOP/test/tools/attach.py" "$KT_BUSYBOX" frames 1 1
	assert_file_text '3 restored' out
}

# An empty frame that comes first finds no queue yet.
test_an_empty_output_frame_alone() {
	encode tty-output >frames
	ends 0 "$KT_PYTHON" "$KT_TOP/test/tools/attach.py" "$KT_BUSYBOX" frames 1 1
	assert_file_text '3 restored' out
}

# A guest that asks and asks for the window's size, and takes no answer.
test_no_flood_hides_the_key() {
	for item in tty-begin tty-end; do
		rm -f tty.in tty.out
		encode "$item" "$item" "$item" "$item" >frames
		ends 0 "$KT_PYTHON" "$KT_TOP/test/tools/attach.py" "$KT_BUSYBOX" frames 450000 0
		assert_file_text '3 restored' out
	done
}

. shunit2
