#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""faults.py FAULT COUNT [SEED]: one kind of fault at COUNT random moments, a run of ktrun each.

FAULT  boots       no fault at all: five kinds of run whose verdict is known
       resumes     the same, each from a saved guest (--warm), one after the other
       kills       SIGKILL to a process of ktbox in the guest
       host-kills  SIGKILL to a process of ktrun on the host, but for ktrun itself
       interrupts  INT, TERM, HUP or QUIT to ktrun itself
       deaths      the scheduler ends by itself about when the payload ends
       panics      the kernel panics
       stops       SIGSTOP to the reader on the host for some seconds
       flood       random bytes to hvc0 at full speed
       full        the guest's /tmp is full
       memory      the payload takes all of the guest's memory
       no-port     the guest has no bulk port
       reopened    the bulk port is a socket whose reader comes late, goes away and comes back
       restarts    the scheduler is restarted 100 times in one boot
Out:   a line for each run that broke a rule, with its folder, which is kept; the tally of what was met;
       the last line is "FAULT: N passed, N failed (seed S)".
Exit:  0 when none failed. The same SEED makes the same choices.
"""
import collections
import os
import random
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guest import DEMO, TOP, Run  # noqa: E402

WAIT = "ktlatch wait -t %s never_set"
READY = b"ready\n"


def expect(run, *verdicts):
    wrong = run.finish()
    verdict = run.result.get("verdict")
    run.met = run.met if hasattr(run, "met") else str(verdict)
    if verdict not in verdicts:
        wrong.append("verdict %s (%s), not %s" % (verdict, run.result.get("reason"), " or ".join(verdicts)))
    return run, wrong


def boots(rng, index, start="cold"):
    kinds = (([], ["true"], "pass", 0), (["-s", DEMO], ["true"], "pass", 0),
             (["-s", DEMO], ["sh", "-c", "exit 7"], "fail", 7),
             (["-s", DEMO, "-a", "--exit-after 300 42"], ["sleep", "600"], "sched-died", 202),
             (["-s", DEMO, "-a", "--error-after 300", "--expect-death"],
              ["ktlatch", "wait", "-t", "60", "sched_exited"], "pass", 0))
    options, command, verdict, code = kinds[index % len(kinds)]
    run, wrong = expect(Run(["--" + start] + options + ["--"] + command, limit=300), verdict)
    if run.status != code:
        wrong.append("status %s, not %d" % (run.status, code))
    if run.result.get("start") != start:
        wrong.append("start %s, not %s" % (run.result.get("start"), start))
    return run, wrong


def resumes(rng, index):
    return boots(rng, index, "warm")


# Who may be killed in a guest with a scheduler and a payload, and what the run may come to.
VICTIMS = {
    "scheduler": ("sched-died",),
    "ktexec": ("init-failed",),
    "ktexitmon": ("init-failed", "pass"),
    "ktpipe": ("init-failed", "pass"),
    "kthvc": ("init-failed", "pass"),
    "ktdump": ("init-failed", "pass"),
    "ktlatch": ("init-failed", "pass", "lost"),
}


def kills(rng, index):
    victim, delay = rng.choice(sorted(VICTIMS)), rng.uniform(0, 0.6)
    script = (WAIT + "; killall -9 %s || echo none >&2; " + WAIT + "; echo done") % ("%.3f" % delay, victim, 1)
    run = Run(["-s", DEMO, "--", "sh", "-c", script])
    run, wrong = expect(run, *VICTIMS[victim])
    if b"none" in run.read("stderr") and run.result.get("verdict") == "pass":
        victim, wrong = "none", [what for what in wrong if not what.startswith("verdict ")]
    run.met = "%s: %s" % (victim, run.result.get("verdict"))
    if victim not in ("scheduler", "none") and run.result.get("scheduler_died"):
        wrong.append("%s was killed, and the scheduler is said to have died" % victim)
    return run, wrong


HOST_VICTIMS = {
    r"qemu-system": ("lost", "boot-failed", "error"),
    r"busybox ktrecv": ("pass", "error", "lost", "boot-failed"),
    r"busybox ktlatch wait": ("error", "pass"),
}


def host_kills(rng, index):
    victim, moment = rng.choice(sorted(HOST_VICTIMS)), rng.uniform(0, 4)
    run = Run(["-s", DEMO, "--", "sh", "-c", WAIT % 0.5 + "; exit 0"])
    pid = run.wait_for(lambda: run.pid_of(victim))
    run.wait_for(lambda: time.monotonic() - run.began > moment)
    pid = run.pid_of(victim)
    if pid:
        os.kill(pid, signal.SIGKILL)
    run, wrong = expect(run, *(HOST_VICTIMS[victim] + (() if pid else ("pass",))))
    run.met = "%s: %s" % (victim if pid else "none", run.result.get("verdict"))
    return run, wrong


def interrupts(rng, index):
    number = rng.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT))
    moment = rng.uniform(0, rng.choice((0.8, 4)))  # half of them while it starts
    run = Run(["-s", DEMO, "--", "true"])
    run.wait_for(lambda: time.monotonic() - run.began > moment)
    run.child.send_signal(number)
    wrong = run.finish()
    verdict = run.result.get("verdict")
    run.met = str(verdict or "nothing begun")
    if not verdict and wrong == ["no result.json"] and run.status in (130, -number):
        wrong = []  # it came before the run
    elif verdict not in ("interrupted", "pass"):
        wrong.append("verdict %s (%s) of signal %d, status %s" % (verdict, run.result.get("reason"), number, run.status))
    return run, wrong


def deaths(rng, index):
    payload, death = 400, rng.randrange(100, 700)
    run = Run(["-s", DEMO, "-a", "--exit-after %d 42" % death, "--", "sh", "-c", WAIT % (payload / 1000) + "; exit 0"])
    run, wrong = expect(run, "pass", "sched-died", "sched-bad-exit")
    r = run.result
    if r.get("verdict") == "sched-died" and (r["sched_exit_code"] != 42 or not r["scheduler_died"]):
        wrong.append("died, but sched-exit %s" % r["sched_exit_code"])
    asked_to_end = {"pass": "stopped code=0", "sched-bad-exit": "stopped code=42"}.get(r.get("verdict"))
    if asked_to_end and r["scheduler_end"] != asked_to_end:
        wrong.append("%s, but the scheduler's end is %s" % (r["verdict"], r["scheduler_end"]))
    return run, wrong


def panics(rng, index):
    delay = rng.uniform(0, 1.5)
    script = ("echo before; (" + WAIT + "; echo c >/proc/sysrq-trigger) & yes | head -c 3000000; exec sleep 600") % (
        "%.3f" % delay)
    run, wrong = expect(Run(["-s", DEMO, "-a", "--noise 300000", "--", "sh", "-c", script]), "lost")
    r = run.result
    if not str(r.get("reason")).startswith("kernel panic:"):
        wrong.append("the reason is %s" % r.get("reason"))
    if r.get("exec_exit_code") is not None or r.get("sched_exit_code") is not None or r.get("scheduler_died"):
        wrong.append("ends that did not happen")
    if (b"y\n" * 1500000).find(run.read("stdout").replace(b"before\n", b"", 1)) != 0 or r.get("damaged"):
        wrong.append("stdout is not what was written")
    return run, wrong


def stops(rng, index):
    run = Run(["-s", DEMO, "--", "sh", "-c", "echo ready; yes | head -c 3000000"])
    run.wait_for_text("bulk.bin", b"SRDY"[::-1])
    pid = run.pid_of("busybox ktrecv")
    os.kill(pid, signal.SIGSTOP)
    time.sleep(rng.uniform(0.5, 5))
    os.kill(pid, signal.SIGCONT)
    run, wrong = expect(run, "pass")
    if run.read("stdout") != READY + b"y\n" * 1500000:
        wrong.append("stdout is not what was written")
    return run, wrong


def pour(run, allowed, rng):
    pipe = run.wait_for(lambda: next((run.folder + "/tmp/" + name + "/hvc0.in"
                                      for name in os.listdir(run.folder + "/tmp")
                                      if os.path.exists(run.folder + "/tmp/" + name + "/hvc0.in")), None))
    run.wait_for_text("bulk.bin", b"SRDY"[::-1])
    fd = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    noise = bytes(rng.choice(allowed) for _ in range(4096))
    while run.child.poll() is None and time.monotonic() - run.began < run.limit:
        try:
            os.write(fd, noise)
        except OSError:
            time.sleep(0.001)
    os.close(fd)


def flood(rng, index):
    acts = b"\xd1\xb7\xb8\xd3"
    with_all = index % 2 == 1
    allowed = [byte for byte in range(256) if with_all or byte not in acts]
    run = Run(["-s", DEMO, "--", "sh", "-c", "echo ready; " + WAIT % 2])
    pour(run, allowed, rng)
    run, wrong = expect(run, *(("fail", "pass", "sched-not-attached", "init-failed") if with_all else ("fail", "pass")))
    run.met = ("all bytes: " if with_all else "harmless bytes: ") + run.met
    if run.result.get("exit_code") is None:
        wrong.append("no exit frame")
    if not with_all and run.result.get("exec_exit_code") != 124:
        wrong.append("the payload ended with %s" % run.result.get("exec_exit_code"))
    return run, wrong


def full(rng, index):
    script = "dd if=/dev/zero of=/tmp/full bs=64k 2>/dev/null; echo full; exit 7"
    args = ["--noise 300000", "--noise 300000 --error-after 800"][index % 2]
    run, wrong = expect(Run(["-s", DEMO, "-a", args, "--", "sh", "-c", script]),
                        *(("fail",), ("fail", "sched-died"))[index % 2])
    return run, wrong


def memory(rng, index):
    run, wrong = expect(Run(["-m", "256", "-s", DEMO, "--", "sh", "-c", "exec tail /dev/zero"], limit=120),
                        "fail", "sched-died")
    if run.result.get("exit_code") is None:
        wrong.append("the guest did not come to its end")
    return run, wrong


WRAPPER = r"""#!/bin/sh
# QEMU with another bulk port.
for word; do
	shift
	case $word in
	file,id=bulk,*) word=%s ;;
	virtserialport,nr=1,*) word=%s ;;
	esac
	set -- "$@" "$word"
done
exec qemu-system-x86_64 "$@"
"""


def wrapped(run_folder, chardev, device):
    path = run_folder + "/qemu"
    with open(path, "w", encoding="ascii") as file:
        file.write(WRAPPER % (chardev, device))
    os.chmod(path, 0o755)
    return {"KTRUN_QEMU": path}


def no_port(rng, index):
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        env = wrapped(folder, '"$word"', "virtserialport,nr=1,chardev=bulk,name=other")
        run, wrong = expect(Run(["--", "true"], env=env), "boot-failed")
    if b"ktstr-bulk" not in run.read("com2.log"):
        wrong.append("com2.log does not say that the port is missing")
    return run, wrong


def read_for(path, out, seconds):
    """Takes what the port sends, for so long or up to the end; True at the end."""
    with socket.socket(socket.AF_UNIX) as peer, open(out, "ab") as file:
        peer.connect(path)
        peer.settimeout(0.05)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                data = peer.recv(65536)
            except socket.timeout:
                continue
            if not data:
                return True
            file.write(data)
            file.flush()
    return False


def serve(run, path, rng):
    run.wait_for(lambda: os.path.exists(path))
    while run.child.poll() is None:
        time.sleep(rng.uniform(0, 0.3))
        try:
            if read_for(path, run.path("bulk.bin"), rng.uniform(0.1, 3)):
                return
        except OSError:
            continue


def reopened(rng, index):
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/bulk"
        env = wrapped(folder, "socket,id=bulk,server=on,wait=off,path=" + path, '"$word"')
        run = Run(["--append", "ktbox.ack=1", "--", "sh", "-c", "yes | head -c 3000000"], env=env)
        server = threading.Thread(target=serve, args=(run, path, rng))
        server.start()
        run, wrong = expect(run, "pass", "corrupt", "lost", "boot-failed", "timeout", "init-failed")
        server.join()
    if run.result.get("verdict") == "pass" and run.read("stdout") != b"y\n" * 1500000:
        wrong.append("pass, and stdout is not what was written")
    return run, wrong


RESTARTER = """#!/bin/sh
# A scheduler that is restarted a hundred times by itself.
trap 'kill $!; wait $!; exit 0' TERM
n=0
while [ $n -lt 100 ]; do
	/include-files/scx_demo &
	ktlatch wait -t 10 sched_attached
	kill $!
	wait $!
	ktlatch reset sched_attached
	n=$((n + 1))
	echo "restart $n"
done
/include-files/scx_demo &
wait
"""


def restarts(rng, index):
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/restarter"
        with open(path, "w", encoding="ascii") as file:
            file.write(RESTARTER)
        os.chmod(path, 0o755)
        run, wrong = expect(Run(
            ["-s", path, "-i", DEMO, "--", "sh", "-c",
             "until grep -q 'restart 100' /tmp/sched.log; do ktlatch wait -t 0.2 never_set; done; echo all"],
            limit=150), "pass")
    if run.read("stdout") != b"all\n" or run.result.get("scheduler_died"):
        wrong.append("stdout %r, died: %s" % (run.read("stdout")[:40], run.result.get("scheduler_died")))
    return run, wrong


FAULTS = {name.replace("_", "-"): globals()[name] for name in (
    "boots", "resumes", "kills", "host_kills", "interrupts", "deaths", "panics", "stops", "flood", "full", "memory",
    "no_port", "reopened", "restarts")}


def main(name, count, seed=None):
    seed = int(seed or os.environ.get("KT_SEED") or random.randrange(1 << 30))
    tally, failed = collections.Counter(), 0
    for index in range(int(count)):
        run, wrong = FAULTS[name](random.Random("%d %s %d" % (seed, name, index)), index)
        tally[run.met] += 1
        if wrong:
            failed += 1
            print("%s %d: %s [%s]" % (name, index, "; ".join(wrong), run.folder), flush=True)
        else:
            run.remove()
    print("  met: " + ", ".join("%d x %s" % (times, what) for what, times in sorted(tally.items())))
    print("%s: %d passed, %d failed (seed %d)" % (name, int(count) - failed, failed, seed), flush=True)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
