#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# --repeat --gdb, the part between a debugger and QEMU: its packets, and where it goes back to. The QEMU of these tests
# is a list of the positions at which a breakpoint is met; test/vm-post-mortem/vm/record_replay_test.sh has a real one,
# and a real gdb.

# shellcheck disable=SC1091,SC2016,SC2154 # what is sourced sets them; $bs is meant literally
. "$KT_TEST_LIB/stub.sh"

QEMU='import socket
from launcher.repeat import backwards
from launcher.repeat.backwards import Debugger, DebuggerLeft, Packets
HITS = [10, 20, 30]
asked = []
class Replay:
	"""It stops at each of HITS when there are breakpoints, else where it was told."""
	def __init__(self, start, jobs):
		self.position, self.is_at_breakpoint, self.armed, self.limit = 0, False, False, 100
		asked.append("new")
	def close(self): pass
	def stop_at(self, position): self.limit = position
	def go(self, secs, gdb=None):
		hit = next((hit for hit in HITS if self.position <= hit <= self.limit), None) if self.armed else None
		self.position, self.is_at_breakpoint = (self.limit, False) if hit is None else (hit, True)
	def ask(self, text, answers=()):
		if text == b"?": self.armed = False
		if text[:1] in b"Zz": self.armed = text[:1] == b"Z"
		if text == b"s": self.position += 1
		asked.append(text.decode())
		return b"T05thread:01;" if text in (b"?", b"s") else b"OK"
backwards.Replay = Replay
def at(position):
	debugger = Debugger(None, 9, None)
	debugger._replay.position = position
	return debugger
'

test_packets_are_acknowledged_and_may_come_in_pieces() {
	launcher "$QEMU"'near, far = socket.socketpair()
packets = Packets(near, DebuggerLeft())
far.sendall(b"+$bs#d5+\3$mff")
print(packets.receive())
far.sendall(b"f0,1#2c")
print(packets.receive(), far.recv(9))
packets.send(b"OK")
print(far.recv(9))
far.close()
for talk in (packets.receive, packets.interrupt, lambda: packets.send(b"OK")):
	try: talk()
	except DebuggerLeft: print("left")' >out
	assert_file_text "[b'bs', b'\\x03']
[b'mfff0,1'] b'++'
b'\$OK#9a'
left
left
left" out
}

# A QEMU of the test's own behind the monitor's socket: what it answers to each command, in one write.
SOCKET_QEMU='import socket, threading
from launcher.lib.jobs import Jobs
from launcher.machine.qmp import Qmp
from launcher.repeat.backwards import DebuggerLeft, Lost, Packets, Replay
def replay_of(answers, jobs):
	replay = Replay.__new__(Replay)
	near, far = socket.socketpair()
	stub, replay.far_stub = socket.socketpair()
	replay._jobs, replay._qmp, replay.stub = jobs, Qmp(near, jobs, 9), Packets(stub, Lost("QEMU has ended"))
	replay.far_stub.sendall(b"+$QC01#f5")
	def answer():
		for one in answers:
			far.recv(999)
			far.sendall(one)
	threading.Thread(target=answer, daemon=True).start()
	return replay
'

test_a_stop_that_comes_together_with_the_reply_is_seen() {
	launcher "$SOCKET_QEMU"'with Jobs() as jobs:
	replay = replay_of([b"{\"event\":\"RESUME\"}\n{\"return\":{}}\n{\"event\":\"STOP\"}\n"], jobs)
	try: print(replay.go(3))
	except Lost as why: print(why)' >out
	assert_file_text "None" out
}

test_gdb_stops_a_guest_on_its_way_back_and_its_end_is_seen_there() {
	launcher "$SOCKET_QEMU"'from launcher.repeat.backwards import Stopped
for says in (b"\3", b""):
	with Jobs() as jobs:
		near, far = socket.socketpair()
		replay = replay_of([b"{\"return\":{}}\n"], jobs)
		monitor, far_monitor = socket.socketpair()
		replay._qmp = Qmp(monitor, jobs, 9)
		far_monitor.sendall(b"{\"return\":{}}\n")
		far.sendall(says)
		def stop():
			while b"\3" not in replay.far_stub.recv(9): pass
			far_monitor.sendall(b"{\"event\":\"STOP\"}\n")
		threading.Thread(target=stop, daemon=True).start()
		if not says: far.close()
		try: replay.go(9, Packets(near, DebuggerLeft("left")))
		except (Stopped, DebuggerLeft, Lost) as why: print(repr(why))' >out
	assert_file_text "Stopped()
DebuggerLeft('left')" out
}

test_a_guest_that_does_not_stop_is_given_up_at_one_deadline_whatever_it_reports() {
	launcher "$SOCKET_QEMU"'import time
with Jobs() as jobs:
	replay = replay_of([b"{\"return\":{}}\n"], jobs)
	near, far = socket.socketpair()
	replay._qmp = Qmp(near, jobs, 9)
	def chatter():
		far.sendall(b"{\"return\":{}}\n")
		try:
			while True:
				far.sendall(b"{\"event\":\"RTC_CHANGE\"}\n")
				time.sleep(0.1)
		except OSError: pass
	threading.Thread(target=chatter, daemon=True).start()
	began = time.monotonic()
	closing = threading.Timer(3, far.close)
	closing.start()
	try: replay.go(0.5)
	except Exception as why: print(why)
	print(time.monotonic() - began < 2)
	closing.cancel()
	far.close()' >out
	assert_file_text "the guest did not stop in 0 s
True" out
}

test_a_step_back_is_a_new_guest_one_instruction_before_with_the_breakpoints() {
	launcher "$QEMU"'debugger = at(25)
for packet in (b"qSupported:x", b"Hg1", b"Z0,a,1", b"Z0,b,1", b"z0,a,1"): debugger._remember(packet)
asked.clear()
print(debugger._step_back(), debugger._replay.position, asked)
print(at(0)._step_back())' >out
	assert_file_text "b'T05thread:01;' 24 ['new', 'qSupported:x', 'Hg1', '?', 'Z0,b,1']
b'T05replaylog:begin;'" out
}

test_continuing_back_ends_at_the_last_breakpoint_before() {
	launcher "$QEMU"'for position in (100, 31, 30, 21, 20, 11, 10):
	debugger = at(position)
	debugger._remember(b"Z0,a,1")
	print(position, debugger._continue_back(), debugger._replay.position)' >out
	assert_file_text "100 b'T05thread:01;' 30
31 b'T05thread:01;' 30
30 b'T05thread:01;' 20
21 b'T05thread:01;' 20
20 b'T05thread:01;' 10
11 b'T05thread:01;' 10
10 b'T05replaylog:begin;' 0" out
}

test_without_a_breakpoint_it_goes_to_the_start() {
	launcher "$QEMU"'debugger = at(50)
print(debugger._continue_back(), debugger._replay.position)' >out
	assert_file_text "b'T05replaylog:begin;' 0" out
}

# shellcheck disable=SC1091
. shunit2
