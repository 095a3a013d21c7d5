#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""user.py TRANSCRIPT PROGRAM ARG...: a user at a terminal on which PROGRAM runs, who obeys commands on stdin.

What comes on the terminal is added to TRANSCRIPT. Commands, each answered by one line on stdout:
type TEXT       types it (python escapes)                            -> ok
paste FILE      types the file's bytes, reading what comes meanwhile -> ok
sees TEXT       waits for it, behind what was seen last              -> yes, or "late"
size ROWS COLS  resizes the window                                   -> ok
modes           ICANON ECHO ISIG, those that are on                  -> their names, or "none"
behind          PROGRAM's group is not in the foreground any more    -> ok
before          it is again, and is told to go on                    -> ok
state           of PROGRAM, as in /proc/PID/stat                     -> a letter
end             waits for PROGRAM's end                              -> its status as a shell tells it, or "late"
The first line on stdout is PROGRAM's process id.
"""
from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import sys
import termios
import time
from types import FrameType
from typing import NoReturn, Optional

CEILING = 60


class User:
    def __init__(self, transcript: str, argv: tuple[str, ...]) -> None:
        self.log = open(transcript, "ab", buffering=0)
        self.seen = b""
        self.master, slave = os.openpty()
        self.set_size(24, 80)
        self.leader = os.fork()
        if self.leader == 0:
            self.be_a_shell(slave, argv)
        self.slave = slave

    # A session needs a leader that outlives the program, as an interactive shell does: it holds the terminal
    # when the program is in the background, and tells of its process id and status through files.
    def be_a_shell(self, slave: int, argv: tuple[str, ...]) -> NoReturn:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            os.tcsetpgrp(slave, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            for fd in range(3):
                os.dup2(slave, fd)
            os.execvp(argv[0], argv)

        def behind(_number: int, _frame: Optional[FrameType]) -> None:
            os.tcsetpgrp(slave, os.getpid())

        def before(_number: int, _frame: Optional[FrameType]) -> None:
            os.tcsetpgrp(slave, pid)
            os.killpg(pid, signal.SIGCONT)

        signal.signal(signal.SIGUSR1, behind)
        signal.signal(signal.SIGUSR2, before)
        os.write(1, b"%d\n" % pid)  # behind the handlers: from now on it may be told
        status = os.waitpid(pid, 0)[1]
        os._exit(os.waitstatus_to_exitcode(status) % 256 if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))

    def set_size(self, rows: int, cols: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def listen(self, seconds: float) -> None:
        if not select.select([self.master], [], [], seconds)[0]:
            return
        data = os.read(self.master, 65536)
        self.seen += data
        self.log.write(data)

    def write(self, data: bytes) -> str:
        deadline = time.monotonic() + CEILING
        while data and time.monotonic() < deadline:
            ready = select.select([self.master], [self.master], [], 1)
            if ready[0]:
                self.listen(0)
            if ready[1]:
                data = data[os.write(self.master, data[:1024]):]
        return "ok" if not data else "late"

    def sees(self, text: bytes) -> str:
        deadline = time.monotonic() + CEILING
        while text not in self.seen:
            if time.monotonic() > deadline:
                return "late"
            self.listen(1)
        self.seen = self.seen[self.seen.index(text) + len(text):]
        return "yes"

    def modes(self) -> str:
        lflag = termios.tcgetattr(self.slave)[3]
        return " ".join(name for name in ("ICANON", "ECHO", "ISIG") if lflag & getattr(termios, name)) or "none"

    def foreground(self, number: int, wanted: bool) -> str:
        os.kill(self.leader, number)
        while (os.tcgetpgrp(self.slave_of_leader()) == self.leader) != wanted:
            self.listen(0.01)
        return "ok"

    def slave_of_leader(self) -> int:
        return self.master  # TIOCGPGRP on the master tells the terminal's foreground group

    def state(self, pid: str) -> str:
        with open("/proc/%s/stat" % pid, encoding="latin1") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0]

    def end(self) -> str:
        deadline = time.monotonic() + CEILING
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.leader, os.WNOHANG)
            self.listen(0.05)
            if pid:
                while select.select([self.master], [], [], 0)[0]:
                    self.listen(0)
                return str(os.waitstatus_to_exitcode(status))
        return "late"

    def answer(self, verb: str, rest: str) -> str:
        if verb == "type":
            return self.write(rest.encode().decode("unicode_escape").encode("latin1"))
        if verb == "paste":
            with open(rest, "rb") as file:
                return self.write(file.read())
        if verb == "sees":
            return self.sees(rest.encode())
        if verb == "size":
            self.set_size(*map(int, rest.split()))
        elif verb == "modes":
            return self.modes()
        elif verb == "behind":
            return self.foreground(signal.SIGUSR1, True)
        elif verb == "before":
            return self.foreground(signal.SIGUSR2, False)
        elif verb == "state":
            return self.state(rest)
        elif verb == "end":
            return self.end()
        return "ok"


def main(transcript: str, *argv: str) -> None:
    user = User(transcript, argv)
    for line in sys.stdin:
        verb, _, rest = line.rstrip("\n").partition(" ")
        print(user.answer(verb, rest), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
