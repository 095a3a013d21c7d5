#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# --vmcore: what is kept of what QEMU writes, and what is said when it can't or does not. QEMU is a server of the
# test's own.

# shellcheck disable=SC1091,SC2016,SC2154 # what is sourced sets them; $x is meant literally
. "$KT_TEST_LIB/stub.sh"

# dumped PYTHON: PYTHON sets "answer", which gets the socket that QEMU would write to, and returns QEMU's reply. Prints
# what write_vmcore raised, or the file that it made.
dumped() {
	launcher 'import os, socket, struct, threading
from launcher.lib.jobs import Jobs
from launcher.kernel.image import X86_64
from launcher.machine.qmp import Qmp
from launcher.run.vmcore import Limits, Memory, NoVmcore, write_vmcore
HEAD = b"makedumpfile\0\0\0\0" + bytes(4080)
END = struct.pack(">qq", -1, -1)
OK, NO = b"{\"return\": {}}\n", b"{\"error\": {\"desc\": \"no\"}}\n"
def record(offset, data, size=None):
	return struct.pack(">qq", offset, len(data) if size is None else size) + data
'"$1"'
near, far = socket.socketpair()
def serve():
	_, taken, _, _ = socket.recv_fds(far, 4096, 1)
	far.sendall(b"{\"event\": \"STOP\"}\n" + OK)
	far.recv(4096)
	far.sendall(answer(socket.socket(fileno=taken[0])))
threading.Thread(target=serve, daemon=True).start()
with Jobs() as jobs:
	try:
		write_vmcore(Qmp(near, jobs, 60), "vmcore", Limits(8192, 0), Memory(X86_64, 128), ".", jobs)
		print(open("vmcore", "rb").read())
	except NoVmcore as why:
		print(why, os.path.exists("vmcore"))
' >out 2>err || fail "$(cat err)"
	assert_empty err
}

test_records_go_to_their_places() {
	dumped 'def answer(sink):
	sink.sendall(HEAD + record(3, b"def") + record(0, b"abc") + END)
	sink.close()
	return OK'
	assert_file_text "b'abcdef'" out
}

test_a_dump_that_qemu_refuses_is_not_waited_for() {
	dumped 'kept = []
def answer(sink):
	kept.append(sink)
	return NO'
	assert_file_text 'dump-guest-memory: no False' out
}

test_a_record_beyond_the_limit_is_refused() {
	for at in '8190, b"abc"' '-5, b"abc"' '0, b"abc", 1 << 60' '1 << 62, b"abc", 1 << 62' '0, b"abc", -7'; do
		dumped "def answer(sink):
	sink.sendall(HEAD + record($at))
	sink.recv(1)
	return NO"
		assert_file_text 'it takes more than its half of --max-output, 8 KiB False' out
	done
}

test_a_record_that_ends_at_the_limit_is_kept() {
	dumped 'def answer(sink):
	sink.sendall(HEAD + record(8189, b"abc") + END)
	sink.close()
	return OK'
	assert_matches 'abc' out
}

test_a_dump_that_breaks_off_is_not_kept() {
	dumped 'def answer(sink):
	sink.sendall(HEAD + record(0, b"abc", 7))
	sink.close()
	return NO'
	assert_file_text 'dump-guest-memory: no False' out
}

test_another_format_is_not_kept() {
	dumped 'def answer(sink):
	sink.sendall(b"\x7fELF" + bytes(4092))
	sink.close()
	return OK'
	assert_file_text 'QEMU wrote another format False' out
}

test_the_streams_have_the_other_half_of_the_disk_space() {
	launcher 'from launcher.options.cli import parse
for words in (["-n"], ["-n", "--vmcore"]):
	print(parse([*words, "--max-output", "64M"], "", "", "").streams_kib)' >out
	assert_file_text "65536
32768" out
}

# shellcheck disable=SC1091
. shunit2
