# SPDX-License-Identifier: GPL-2.0-only
"""One run of ktrun for the fault tests, and what must hold after every run, whatever was done to it.

In:   ktrun's arguments; KT_TOP's build. Out: a Run. The folder of a run that broke no rule is removed.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
KTRUN = TOP + "/host/ktrun"
DEMO = TOP + "/build/scx_demo"
MARK = "KT_FAULT_ID"
END_SECS = 45  # what ktrun may take beyond its limit: the guest's orderly end, the drain of a console
LIVE_SECS = 10  # for what was killed to be gone


def heed_signals():
    """Whoever started the tests may ignore some (nohup, a background job); ktrun must not inherit that."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


class Run:
    """A running ktrun, then what it left."""

    def __init__(self, args, limit=90, env=None):
        self.folder = tempfile.mkdtemp(prefix="ktfault.")
        os.mkdir(self.folder + "/tmp")
        self.art = self.folder + "/art"
        self.limit = limit
        self.mark = os.path.basename(self.folder)
        self.began = time.monotonic()
        self.child = subprocess.Popen(
            [KTRUN, "-t", str(limit), "-o", self.art] + args, stdin=subprocess.DEVNULL, preexec_fn=heed_signals,
            stdout=open(self.folder + "/out", "wb"), stderr=open(self.folder + "/err", "wb"),
            env=dict(os.environ, TMPDIR=self.folder + "/tmp", **{MARK: self.mark}, **(env or {})))

    def path(self, name):
        return self.art + "/" + name

    def read(self, name):
        try:
            with open(self.path(name), "rb") as file:
                return file.read()
        except OSError:
            return b""

    def processes(self):
        """{pid: command line} of all that belongs to this run: by its environment, or, since ktrun gives its helpers a
        clean one, by a path in its command line."""
        found, wanted = {}, ("%s=%s" % (MARK, self.mark)).encode()
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open("/proc/%s/environ" % name, "rb") as file:
                    is_marked = wanted in file.read().split(b"\0")
                with open("/proc/%s/cmdline" % name, "rb") as file:
                    line = file.read().replace(b"\0", b" ").decode("latin1")
            except OSError:
                continue
            if is_marked or self.folder in line:
                found[int(name)] = line
        return found

    def wait_for(self, condition):
        """Polls until condition() is true or ktrun has ended; the condition's last value."""
        while self.child.poll() is None:
            value = condition()
            if value:
                return value
            time.sleep(0.01)
        return condition()

    def wait_for_text(self, name, text):
        return self.wait_for(lambda: text in self.read(name))

    def pid_of(self, pattern):
        return next((pid for pid, line in self.processes().items() if re.search(pattern, line)), None)

    def finish(self):
        """Waits for the end; returns what is wrong with it."""
        try:
            self.status = self.child.wait(max(1, self.limit + END_SECS - (time.monotonic() - self.began)))
        except subprocess.TimeoutExpired:
            self.end_all()
            self.child.wait()
            self.result, self.status = {}, None
            return ["did not end in %d s" % (self.limit + END_SECS)]
        self.wall = time.monotonic() - self.began
        wrong = self.leftovers()
        try:
            self.result = json.loads(self.read("result.json"))
        except ValueError:
            self.result = {}
            return wrong + ["no result.json"]
        return wrong + self.inconsistencies()

    def end_all(self):
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue

    def leftovers(self):
        deadline = time.monotonic() + LIVE_SECS
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        wrong = ["left running: %s" % line[:80] for line in self.processes().values()]
        self.end_all()
        left = os.listdir(self.folder + "/tmp")
        return wrong + (["left in TMPDIR: %s" % left] if left else [])

    def inconsistencies(self):
        """What the result says that can't be, or that ktrun's status does not say."""
        r, wrong = self.result, []
        if r["code"] != self.status:
            wrong.append("code %s in result.json, status %s" % (r["code"], self.status))
        if r["verdict"] == "pass" and (r["exit_code"] is None or r["damaged"] or r["complete"] is False):
            wrong.append("pass without the evidence")
        stopped = str(r["scheduler_end"]).startswith("stopped")
        if stopped and r["sched_exit_code"] is not None:
            wrong.append("stopped, and a sched-exit frame too")
        if r["scheduler_died"] and stopped and not r["scheduler_ejected"]:
            wrong.append("stopped, and died too")
        return wrong

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)
