#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""terminal.py LINK: a terminal for kthvc, whose other end (the host's) obeys commands on stdin.

LINK becomes a link to the terminal. Commands, each answered by one line on stdout:
send HEX    the host writes these bytes, at once         -> ok
arrived N   waits until N bytes can be read by the guest -> ok
raw         waits until the terminal has become raw      -> raw, or "late"
cooked      waits until it is as it was                  -> cooked, or "late"
modes       ICANON ECHO ISIG ICRNL IXON OPOST, those on  -> their names, or "none"
output      hex of what came back to the host            -> HEX, or "none"
hangup      the host goes away                           -> ok
Packet mode makes the change to raw an event: flow control goes off, and TIOCPKT_NOSTOP is read.
"""
from __future__ import annotations

import array
import fcntl
import os
import pty
import select
import sys
import termios

TIOCPKT_NOSTOP, TIOCPKT_DOSTOP, CEILING = 16, 32, 30


class Terminal:
    def __init__(self, link: str) -> None:
        self.host, self.guest = pty.openpty()
        fcntl.ioctl(self.host, termios.TIOCPKT, array.array("i", [1]))
        os.symlink(os.ttyname(self.guest), link)
        self.output, self.stop = b"", True

    def listen(self, seconds: float) -> bool:
        """Takes in what the host's end has, waiting for the first of it."""
        if not select.select([self.host], [], [self.host], seconds)[0]:
            return False
        packet = os.read(self.host, 4096)
        if packet[0] == 0:
            self.output += packet[1:]
        elif packet[0] & TIOCPKT_NOSTOP:
            self.stop = False
        elif packet[0] & TIOCPKT_DOSTOP:
            self.stop = True
        return True

    def wait_for(self, stop: bool, word: str) -> str:
        while self.stop != stop:
            if not self.listen(CEILING):
                return "late"
        return word

    def modes(self) -> str:
        iflag, oflag, _, lflag = termios.tcgetattr(self.guest)[:4]
        flags = (("ICANON", lflag), ("ECHO", lflag), ("ISIG", lflag), ("ICRNL", iflag), ("IXON", iflag),
                 ("OPOST", oflag))
        return " ".join(name for name, word in flags if word & getattr(termios, name)) or "none"

    def arrived(self, count: int) -> str:
        readable = array.array("i", [0])
        while readable[0] < count:
            fcntl.ioctl(self.guest, termios.FIONREAD, readable)
        return "ok"

    def answer(self, verb: str, word: str = "") -> str:
        if verb == "send":
            os.write(self.host, bytes.fromhex(word))
        elif verb == "arrived":
            return self.arrived(int(word))
        elif verb == "raw":
            return self.wait_for(False, "raw")
        elif verb == "cooked":
            return self.wait_for(True, "cooked")
        elif verb == "modes":
            return self.modes()
        elif verb == "output":
            while self.listen(0):
                pass
            return self.output.hex() or "none"
        elif verb == "hangup":
            os.close(self.guest)
            os.close(self.host)
        return "ok"


def main(link: str) -> None:
    terminal = Terminal(link)
    print("ready", flush=True)
    for line in sys.stdin:
        print(terminal.answer(*line.split()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
