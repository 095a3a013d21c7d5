# SPDX-License-Identifier: GPL-2.0-only
"""The QEMU command: the one place for the machine that the guest sees.

Devices: a UART for the console, another for last words (kernel/image.py), one virtio-serial bus with port 0 = hvc0
(wake bytes), port 1 = frames, port 3 = stdin or terminal of ktrun, where there is one. Nobody reads what the guest
writes to hvc0: hvc0.out is /dev/null, so that it never fills up.

A machine that is saved, and those that are resumed from it (warm/snapshot.py), have the same devices, whatever the run:
so port 3 is always there, and port 4 brings the run's files. Its RAM is a file: the saved one writes it, a resumed one
maps it copy-on-write. With virtiofs the RAM is a file, too, which QEMU shares with the daemons.

A machine that is recorded, or runs again from a replay log, counts instructions. QEMU records the input of a chardev
only if it comes from -serial; a PC has four such UARTs, so the chardev of the fifth, serial4, is free for hvc0.
"""
from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Optional, Sequence

from ..bpf.limits import size_for_guest
from ..lib.rundir import COM2, CONSOLE, STREAM
from ..lib.text import Fault, shell_word
from ..options.options import Options
from ..options.values import GDB_WAIT
from ..plan import Plan
from ..recorder.kept import ring_kib
from ..shares.host_root import place_of_share
from .qemu_faults import parse_version, words_for
from .topology import kvm_cpu_words, memory_arguments

RECORDED_WORDS = re.compile(r"[\t -~\x80-\ud7ff\ue000-\U0010ffff]{1,2047}")  # that are the same in a file of JSON
_WORDS_MAX = 2047  # x86: COMMAND_LINE_SIZE is 2048
_ATTACH_TIMEOUT_SECS = 30
_FREQUENCY_SPACE = 41  # lpj= and tsc_early_khz=, of the kernel's command line
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_/.,:=+@%-]+", re.ASCII)


# What /init itself reads, and only after the guest may have been saved: rootfs/lib/ktbox/command_line.sh.
_RUN_WORD = re.compile(r"KTSTR_MODE=.*|break=.*|ktbox\.(attach_timeout|hold|expect_death|dmesg|printk|live_log"
                       r"|record|record_kb|record_pass|log_tty|ack|rescue|ctl|term|stats|bpf)=.*", re.DOTALL)
_FILES_WORD = "ktbox.files=port"


@dataclass(frozen=True)
class Saved:
    """How a machine is saved, or resumed."""
    ram: str  # the directory of its files
    is_template: bool  # to be saved; False: resumed
    files: int  # descriptors of connected sockets: the port with the run's files
    qmp: int


@dataclass(frozen=True)
class Served:
    """Directories that daemons serve by virtiofs."""
    ram: str  # the directory of its files
    sockets: tuple[str, ...]  # to each daemon, as a chardev has it
    descriptors: tuple[int, ...] = ()  # that QEMU inherits


@dataclass(frozen=True)
class ReplayLog:
    """What QEMU needs to run a machine again, instruction by instruction."""
    path: str
    is_replay: bool  # False: it is made


@dataclass(frozen=True)
class Places:
    """Where QEMU finds what it reads, and leaves what it writes."""
    output: str
    work: str  # of the FIFOs
    initramfs: str
    saved: Optional[Saved] = None  # None: a cold run
    qmp: Optional[int] = None  # of a cold run: a descriptor of a connected socket
    served: Optional[Served] = None
    replay_log: Optional[ReplayLog] = None


def kernel_words(plan: Plan) -> str:
    """The kernel's command line. Raises Fault when it is too long.

    no_timer_check: the kernel counts timer interrupts for ten of its jiffies, and panics ("IO-APIC + timer doesn't
    work!") when a busy host gave the VM no CPU meanwhile.

    init=/init: /init is what a kernel with an initramfs starts anyway. When it can't (no BINFMT_SCRIPT), it would start
    /bin/sh, which waits for ever; asked for /init, it panics at once.
    """
    options = plan.options
    words = [f"console={plan.kernel.arch.console}", "panic=-1", "oops=panic", "cryptomgr.notests", "no_timer_check",
             "init=/init", "KTSTR_GUEST=1", "ktbox.host=ktrun", "ktbox.live_log=1"]
    words += [word for word, is_wanted in (
        ("KTSTR_MODE=shell", options.shell),
        ("ktbox.ctl=1", plan.stdin_kind is not None),
        ("ktbox.expect_death=1", options.expect_death is not None),
        ("ktbox.dmesg=1", options.dmesg),
        ("ktbox.printk=1", options.printk),
        *_recorder_words(options),
        (f"ktbox.stats={options.stats}", options.stats),
        (f"ktbox.bpf={size_for_guest(options.streams_kib)}", options.bpf),
        ("ktbox.ack=1", options.stats),  # the guest waits until ktrun has looked at QEMU's counters
        ("nokaslr", options.gdb is not None or options.record_replay)) if is_wanted]
    term = os.environ.get("TERM", "")
    if options.is_interactive and re.fullmatch(r"[A-Za-z0-9._+-]+", term, re.ASCII):
        words.append(f"ktbox.term={term}")
    line = " ".join(words + options.append)
    size = len(os.fsencode(line)) + _FREQUENCY_SPACE
    if size > _WORDS_MAX:
        raise Fault(f"--append: the kernel's command line is too long ({size} bytes, at most {_WORDS_MAX})")
    if options.record_replay and not RECORDED_WORDS.fullmatch(line):
        raise Fault("--append: a recorded run keeps the kernel's command line as UTF-8 without control characters: "
                    f"{' '.join(options.append)}")
    return line


def _recorder_words(options: Options) -> list[tuple[str, bool]]:
    kib = ring_kib(options.memory_mib, options.streams_kib)
    return [(f"ktbox.record={','.join(options.trace or ())} ktbox.record_kb={kib}", options.trace is not None),
            ("ktbox.record_pass=1", options.trace is not None and _may_fail_on_host(options))]


def _may_fail_on_host(options: Options) -> bool:
    """What the guest takes for a pass may be none, or the end of a run is wanted: it sends its recording always."""
    return (options.trace_last_secs is not None or bool(options.gates) or options.fail_on_warn or bool(options.tests)
            or options.kselftest is not None or options.scenario is not None)


def split_words(line: str) -> tuple[str, str]:
    """The words for the kernel of a guest that is saved, and those of one run, which /init gets with the run's files. A
    line with a quote is the kernel's as it is: what is a word in it depends on who reads it."""
    if '"' in line:
        return f"{line} {_FILES_WORD}", ""
    words = re.split(r"[ \t\n]+", line)
    return (" ".join([*(word for word in words if not _RUN_WORD.fullmatch(word)), _FILES_WORD]),
            " ".join(word for word in words if _RUN_WORD.fullmatch(word)))


def attach_timeout(append: list[str]) -> int:
    """Seconds that /init gives a scheduler to attach (rootfs/lib/ktbox/command_line.sh): the last word that it
    takes."""
    found = re.findall(r"(?:^|\s)ktbox\.attach_timeout=([0-9]{1,9})(?=\s|$)", " ".join(append), re.ASCII)
    return int(found[-1]) if found else _ATTACH_TIMEOUT_SECS


def qemu_command(plan: Plan, accel: str, words: str, places: Places) -> list[str]:
    """A change of the devices that a recorded machine has here raises _FORMAT of repeat/replay_log.py: an older replay
    log is not one of that machine."""
    options, arch, saved = plan.options, plan.kernel.arch, places.saved
    ram = _ram(saved, places.served)
    machine = arch.machine + (",memory-backend=ram" if ram and options.topology.nodes == 1 else "")
    command = [plan.qemu, "-nodefaults", "-display", "none", "-no-reboot", "-machine", machine]
    if accel == "kvm":
        command += ["-accel", "kvm", "-cpu", "host" + kvm_cpu_words(options.topology)]
    else:
        faults = words_for(parse_version(plan.qemu_says), accel, arch.name, plan.kernel.release)
        command += ["-accel", "tcg" + faults.accel, "-cpu", arch.tcg_cpu + faults.cpu]
    command += ["-m", str(options.memory_mib), "-smp", options.topology.smp]
    if plan.kernel.form == "elf":
        command += ["-bios", "qboot.rom"]
    command += ["-kernel", plan.kernel.path, "-initrd", places.initramfs, "-append", words]
    command += [*_consoles(plan, places), *_ports(plan, places)]
    command += [*_replay_log_arguments(places.replay_log), *_debugger_arguments(options)]
    return [*command, *memory_arguments(options.topology, options.memory_mib, ram),
            *_directory_arguments(plan, places.served), *_monitor_arguments(options, places), *options.qemu_args]


def _debugger_arguments(options: Options) -> list[str]:
    """Reached from this machine alone: a debugger reads and writes all of the guest."""
    if options.gdb is None:
        return []
    return ["-gdb", f"tcp:127.0.0.1:{options.gdb.port}", *(["-S"] if options.gdb.when == GDB_WAIT else [])]


def _replay_log_arguments(log: Optional[ReplayLog]) -> list[str]:
    if log is None:
        return []
    mode = "replay" if log.is_replay else "record"
    return ["-icount", f"shift=auto,rr={mode},rrfile={_escaped(log.path)}"]


def _consoles(plan: Plan, places: Places) -> list[str]:
    com2 = f"file,id=com2,path={_escaped(f'{places.output}/{COM2}')}{_appended(places)}"
    return ["-chardev", _console_chardev(plan, places), "-serial", "chardev:com1", "-chardev", com2,
            *plan.kernel.arch.com2]


def _ports(plan: Plan, places: Places) -> list[str]:
    stream = f"file,id=bulk,path={_escaped(f'{places.output}/{STREAM}')}{_appended(places)}"
    ports = ["-device", "virtio-serial-pci", *_wake_port(places),
             "-chardev", stream, "-device", "virtserialport,nr=1,chardev=bulk,name=ktstr-bulk"]
    has_input = plan.stdin_kind and not (places.saved and places.saved.is_template)
    if has_input or places.saved:
        ports += ["-chardev", f"pipe,id=ctl,path={_escaped(places.work)}/ctl" if has_input else "null,id=ctl",
                  "-device", "virtserialport,nr=3,chardev=ctl,name=ktbox-ctl"]
    if places.saved:
        ports += ["-chardev", f"socket,id=files,fd={places.saved.files}",
                  "-device", "virtserialport,nr=4,chardev=files,name=ktbox-files"]
    return ports


def _wake_port(places: Places) -> list[str]:
    """hvc0. What ktrun wrote to it comes out of the log in a replay."""
    if places.replay_log is None:
        return ["-chardev", f"pipe,id=hvc0,path={_escaped(places.work)}/hvc0",
                "-device", "virtconsole,nr=0,chardev=hvc0,name=ktstr-console"]
    backend = "null" if places.replay_log.is_replay else f"pipe:{places.work}/hvc0"
    return ["-serial", "none", "-serial", "none", "-serial", backend,
            "-device", "virtconsole,nr=0,chardev=serial4,name=ktstr-console"]


def _monitor_arguments(options: Options, places: Places) -> list[str]:
    """No vmgenid, by which a kernel learns that it is another guest now: qboot halts at what that asks of a BIOS. /init
    has ktresume for it."""
    saved = places.saved
    descriptor = saved.qmp if saved else places.qmp
    if descriptor is None:
        return []
    return ["-chardev", f"socket,id=qmp,fd={descriptor}", "-mon", "chardev=qmp,mode=control",
            *(["-incoming", "defer"] if saved and not saved.is_template else []),
            *(["-action", "shutdown=pause"] if options.pauses_at_end and not (saved and saved.is_template) else [])]


def _ram(saved: Optional[Saved], served: Optional[Served]) -> str:
    """The options of its files; empty: it has none."""
    if saved:
        return f"share={'on' if saved.is_template else 'off'},mem-path={_escaped(saved.ram)}/"
    return f"share=on,mem-path={_escaped(served.ram)}/" if served else ""


def _appended(places: Places) -> str:
    """What the guest has written before it was saved is in the files already."""
    return ",append=on" if places.saved and not places.saved.is_template else ""


def _escaped(path: str) -> str:
    """A path as the value of a QEMU option, in which a comma must be doubled."""
    return path.replace(",", ",,")


def _console_chardev(plan: Plan, places: Places) -> str:
    """With -v the console goes through a pipe to the viewer, and QEMU itself keeps the log."""
    console = _escaped(f"{places.output}/{CONSOLE}")
    is_template = places.saved is not None and places.saved.is_template
    if plan.options.verbose and not is_template:
        return (f"file,id=com1,path={_escaped(places.work)}/console.pipe,logfile={console}"
                + (",logappend=on" if places.saved else ""))
    return f"file,id=com1,path={console}{_appended(places)}"


def _directory_arguments(plan: Plan, served: Optional[Served]) -> list[str]:
    """QEMU, or the daemon, keeps a read-only directory read-only itself. By 9p, what the guest makes belongs to the
    user who runs QEMU."""
    arguments: list[str] = []
    for number, export in enumerate(plan.directories.exports):
        if served:
            arguments += ["-chardev", f"socket,id=share{number},{served.sockets[number]}",
                          "-device", f"vhost-user-fs-pci,chardev=share{number},tag={export.tag}"]
            continue
        mode = "" if export.is_writable else ",readonly=on"
        arguments += ["-fsdev", f"local,id=share{number},path={_escaped(export.directory)},security_model=none,"
                      f"multidevs=remap{mode}",
                      "-device", f"virtio-9p-pci,fsdev=share{number},mount_tag={export.tag}"]
    return arguments


def share_list(plan: Plan) -> str:
    """The guest's /.ktbox/shares: type, mode, tag and directory, one share per line."""
    has_root = plan.options.host_root
    return "".join(f"{plan.directories.type} {'rw' if share.is_writable else 'ro'} ktbox{number} "
                   f"{place_of_share(share) if has_root else share.guest}\n"
                   for number, share in enumerate(plan.options.shares))


def shown_command(command: Sequence[str]) -> str:
    """One option per line, as a shell reads it."""
    lines, line = [], ""
    for word in command:
        if word.startswith("-"):
            lines.append(line + " \\")
            line = " "
        quoted = word if _PLAIN_WORD.fullmatch(word) else shell_word(word)
        line += (" " if line else "") + quoted
    return "\n".join([*lines, line]) + "\n"
