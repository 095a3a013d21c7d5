#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktrelay between a pty, which takes the place of the virtio port, and a unix socket.

# shellcheck disable=SC1091,SC2154 # what is sourced sets them
. "$KT_TEST_LIB/unit.sh"

# relay CASE: runs ktrelay and both of its ends; prints what happened.
relay() {
	timeout "$KT_CEILING" "$KT_PYTHON" - "$KT_BUSYBOX" "$1" >out 2>err <<'PYTHON'
import os, pty, select, signal, socket, subprocess, sys, tty

busybox, case = sys.argv[1:]
host, port = pty.openpty()
tty.setraw(port)


def wait_for(fd):
    return bool(select.select([fd], [], [], 20)[0])


def start():
    return subprocess.Popen([busybox, "ktrelay", os.ttyname(port), "socket"])


def listen():
    server = socket.socket(socket.AF_UNIX)
    server.bind("socket")
    server.listen(1)
    return server


def ends_by_term(process):
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        return "not by TERM"


def answers():
    server = listen()
    process = start()
    os.write(host, b"question\n")
    scheduler = server.accept()[0]
    print("asked", scheduler.recv(100).decode(), end="")
    scheduler.sendall(b"answer\n")
    print("told", os.read(host, 100).decode(), end="")
    scheduler.close()
    os.write(host, b"again\n")
    scheduler = server.accept()[0]
    print("asked", scheduler.recv(100).decode(), end="")
    return ends_by_term(process)


def at_once():
    """ktrelay is stopped while the connection ends and the next question comes, so that it sees both in one step."""
    server = listen()
    process = start()
    os.write(host, b"question\n")
    scheduler = server.accept()[0]
    scheduler.recv(100)
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    scheduler.close()
    os.write(host, b"again\n")
    process.send_signal(signal.SIGCONT)
    ready = select.select([server, host], [], [], 20)[0]
    print("asked", server.accept()[0].recv(100).decode() if server in ready else "nobody", end="\n"[server in ready:])
    return ends_by_term(process)


def no_scheduler():
    process = start()
    for _ in range(2):
        os.write(host, b"question\n")
        print("told", os.read(host, 100).decode(), end="")
    return ends_by_term(process)


def fill(sender):
    """Writes until nothing more is taken, so that ktrelay has all that it can pass on."""
    while select.select([], [sender], [], 1)[1]:
        os.write(sender.fileno(), b"x" * 1024)


def host_reads_nothing():
    server = listen()
    process = start()
    os.write(host, b"question\n")
    scheduler = server.accept()[0]
    scheduler.setblocking(False)
    fill(scheduler)
    return ends_by_term(process)


def scheduler_reads_nothing():
    server = listen()
    process = start()
    os.write(host, b"question\n")
    scheduler = server.accept()[0]
    os.set_blocking(host, False)
    for _ in range(1000):
        if not select.select([], [host], [], 1)[1]:
            break
        os.write(host, b"x" * 1024)
    assert wait_for(scheduler)
    return ends_by_term(process)


print("status", globals()[case]())
PYTHON
	status=$?
	assertEquals "$(cat err)" 0 "$status"
}

test_a_question_reaches_the_socket_and_its_answer_the_host() {
	relay answers
	assertEquals "asked question
told answer
asked again
status 0" "$(cat out)"
}

test_a_question_beside_the_end_of_a_connection_goes_to_the_next() {
	relay at_once
	assertEquals "asked again
status 0" "$(cat out)"
}

test_without_a_socket_each_question_is_answered_with_an_error() {
	relay no_scheduler
	assertEquals 'told {"ktstr_relay_error":"no scheduler available"}
told {"ktstr_relay_error":"no scheduler available"}
status 0' "$(cat out)"
}

test_term_ends_it_while_the_host_reads_nothing() {
	relay host_reads_nothing
	assertEquals "status 0" "$(cat out)"
}

test_term_ends_it_while_the_scheduler_reads_nothing() {
	relay scheduler_reads_nothing
	assertEquals "status 0" "$(cat out)"
}

. shunit2
