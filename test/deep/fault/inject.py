#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""inject.py BUSYBOX COUNT [SEED]: system calls of the applets that fail, at COUNT random places (strace --inject).

In:   strace. Each case is an applet doing a job whose right outcome is known, and one call of it that is made to
      fail: EINTR, ENOSPC, EIO or ENOMEM, once or from then on.
Out:  a line for each case that broke a rule; the tally; "inject: N passed, N failed (seed S)".
Rules: it ends within LIMIT_SECS; not by a signal; with status 0 only when its output is whole; else with a
      message; whatever frames it has written are whole frames but, at most, the last one (a write that failed in
      the middle is said, and nothing follows it).
Exit: 0 when none failed.
"""
import collections
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import frames  # noqa: E402

LIMIT_SECS = 20
CALLS = ("read", "write", "open", "openat", "poll", "ppoll", "fcntl", "close", "mkdir", "dup2", "pipe2",
         "signalfd4", "pidfd_open", "inotify_init1", "inotify_add_watch", "rt_sigprocmask", "mmap", "fork", "wait4",
         "renameat", "rename", "unlink", "setitimer", "lseek", "readlink", "stat", "fstat")
ERRORS = ("EINTR", "ENOSPC", "EIO", "ENOMEM")


def stream(*items):
    return b"".join(frames.encode_item(item) for item in items)


RUN = ("sys-ready", "stdout*50000", "stderr*100", "exec-exit#i32:0", "exit#i32:0")


def make_jobs(folder):
    """{name: (applet's arguments, its output file, None or what must be in it for status 0, right status)}"""
    def path(name):
        return folder + "/" + name
    with open(path("log"), "wb") as file:
        file.write(b"l" * 100000)
    with open(path("stream"), "wb") as file:
        file.write(stream(*RUN))
    with open(path("script"), "wb") as file:
        file.write(("echo 1 > %s\necho 2 > %s\n" % (path("one"), path("two"))).encode())
    body = b"x" * 70000
    return {
        "ktsend": (["ktsend", "-p", path("port"), "stimulus", "hello"], "port", 0,
                   lambda data: payloads(data, "stimulus") == b"hello"),
        "ktdump": (["ktdump", "-p", path("port"), path("log")], "port", 0,
                   lambda data: b"l" * 100000 in payloads(data, "sched-log")),
        "ktexec": (["ktexec", "-p", path("port"), "sh", "-c", "head -c 70000 /dev/zero | tr '\\0' x; exit 3"], "port", 3,
                   lambda data: payloads(data, "stdout") == body),
        "ktexitmon": (["ktexitmon", "-p", path("port"), "-l", path("sched.log"), "sh", "-c", "echo text; exit 5"],
                      "port", 5, lambda data: payloads(data, "sched-exit") == b"\5\0\0\0"),
        "ktlatch": (["ktlatch", "set", "one"], "run/one", 0, lambda data: True),
        "ktsh-lite": (["ktsh-lite", path("script")], "two", 0, lambda data: data.strip() == b"2"),
        "ktrecv": (["ktrecv", "-d", path("art"), path("stream")], "art/stdout", 0, lambda data: data == b"x" * 50000),
    }


def payloads(data, name):
    return b"".join(payload for tag, payload in frames.frames_of(data) if tag == frames.tag_of(name))


def whole_prefix(data):
    """Bytes behind the last whole frame; None when there is damage in front of a whole one."""
    at = 0
    while at + 16 <= len(data):
        length = int.from_bytes(data[at + 4:at + 8], "little")
        if at + 16 + length > len(data):
            break
        at += 16 + length
    try:
        list(frames.frames_of(data[:at]))
    except Exception as problem:  # the decoder's own complaint
        return None, str(problem)
    return data[at:], ""


def check(job, process, data):
    _, output, right, is_whole = job
    status = process.returncode
    told = process.stderr.decode("latin1").strip()
    if status < 0 or (status > 128 and status - 128 in (4, 6, 7, 8, 11)):
        return "killed by signal %d" % (-status if status < 0 else status - 128)
    if output == "port" and data:
        rest, problem = whole_prefix(data)
        if rest is None:
            return "torn frames: " + problem
        if rest and (status == right or not told):
            return "a torn last frame, and status %d (%s)" % (status, told)
    # that of ktexec and ktexitmon is their program's, whatever happened to them
    if status == right and not (data is not None and is_whole(data)) and not (told and right):
        return "status %d, and the output is not whole (%s)" % (status, told)
    if status != right and not told:
        return "status %d without a message" % status
    return ""


def once(busybox, name, rng):
    with tempfile.TemporaryDirectory() as folder:
        job = make_jobs(folder)[name]
        call, error, place = rng.choice(CALLS), rng.choice(ERRORS), rng.randrange(1, 12)
        # for ever: but no signal comes for ever, and who can't write at all can't complain either
        for_ever = error != "EINTR" and call != "write" and rng.random() < 0.3
        inject = "%s:error=%s:when=%d%s" % (call, error, place, "+" if for_ever else "")
        command = ["strace", "-o", "/dev/null", "-e", "trace=" + call, "-e", "inject=" + inject, busybox] + job[0]
        env = dict(os.environ, KT_RUN_DIR=folder + "/run", PATH=os.path.dirname(busybox) + ":" + os.environ["PATH"])
        try:
            process = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, timeout=LIMIT_SECS, check=False)
        except subprocess.TimeoutExpired:
            return inject, "hangs", "hangs"
        try:
            with open(folder + "/" + job[1], "rb") as file:
                data = file.read()
        except OSError:
            data = None
        effect = "as ever" if process.returncode == job[2] else "said so"
        return inject, check(job, process, data), effect


def main(busybox, count, seed=None):
    seed = int(seed or os.environ.get("KT_SEED") or random.randrange(1 << 30))
    names = ("ktsend", "ktdump", "ktexec", "ktexitmon", "ktlatch", "ktsh-lite", "ktrecv")
    failed, tally = 0, collections.Counter()
    for index in range(int(count)):
        name = names[index % len(names)]
        inject, wrong, effect = once(busybox, name, random.Random("%d %d" % (seed, index)))
        tally[name + " " + effect] += 1
        if wrong:
            failed += 1
            print("inject %d: %s with %s: %s" % (index, name, inject, wrong), flush=True)
    print("  met: " + ", ".join("%d x %s" % (times, name) for name, times in sorted(tally.items())))
    print("inject: %d passed, %d failed (seed %d)" % (int(count) - failed, failed, seed), flush=True)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
