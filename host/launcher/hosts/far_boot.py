# SPDX-License-Identifier: GPL-2.0-only
"""What a host of --hosts runs first: it needs Python there, and nothing else.

ktrun sends this file's text through ssh, and then the kit, an archive. In: stdin. Out: the kit in a directory of its
own below TMPDIR; then launcher/hosts/far_host.py, which is in it. Ends: at the end of stdin, when the host has been
cleaned up. It may meet an old Python, so it says so before it uses anything new.
"""
import json
import os
import shutil
import signal
import sys
import tarfile
import tempfile

OLDEST = (3, 9)


def refuse(reason: str) -> None:
    print(json.dumps({"error": reason}), flush=True)


def receive() -> None:
    if sys.version_info < OLDEST:
        refuse("its python3 is %d.%d, and ktbox needs %d.%d" % (sys.version_info[:2] + OLDEST))
        return
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))
    top = None
    try:
        top = tempfile.mkdtemp(prefix="ktbox-host.")
        with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as kit:
            kit.extractall(top)
        sys.path.insert(0, top + "/host")
        from launcher.hosts.far_host import keep
        keep(top)
    except (OSError, tarfile.TarError) as error:
        refuse("it can't store the kit: %s" % error)
    finally:
        if top:
            shutil.rmtree(top, ignore_errors=True)


if __name__ == "__main__":
    receive()
