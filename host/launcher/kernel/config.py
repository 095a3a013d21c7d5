# SPDX-License-Identifier: GPL-2.0-only
"""The options that a kernel was built with, and which of those that ktbox needs are missing: one check for
`make kernel KERNEL=` (scripts/check-kernel-config.sh) and for `ktrun -k`.

In:  a kernel image. Out: its configuration, wherever it is found, and each missing option with what it is for.
"""
from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import zlib
from dataclasses import dataclass
from typing import IO, Optional

from ..files.elf import sections_of

MARK = b"IKCFG_ST"  # before the gzip data of CONFIG_IKCONFIG (kernel/configs.c)
_SIZE_MAX = 16 * 1024 * 1024
_BLOCK = 1 << 20
# A configuration that a kernel's make has written names these: there, an option that has no line is off, too.
_WHOLE = re.compile(r"^CONFIG_(64BIT|CC_VERSION_TEXT|LOCALVERSION)=", re.MULTILINE)

NEEDED, FOR_SCHEDULERS, GOES_WITHOUT, FOR_SHARES, BASIS = "needed", "schedulers", "without", "shares", "basis"


@dataclass(frozen=True)
class Option:
    name: str
    purpose: str
    rank: str
    module: Optional[str] = None  # ktrun can load it, where its modules are known
    arch: Optional[str] = None  # None: of each


# Kconfig drops an option without a word when what it depends on is off: the rows of BASIS are for that, and for what is
# on by default. They are in the fragment of --kernel-config, and no check asks for them.
_OPTIONS = (
    Option("64BIT", "64-bit programs", BASIS),
    Option("SMP", "more than one CPU", BASIS),
    Option("MULTIUSER", "users, which programs ask for", BASIS),
    Option("BLK_DEV_INITRD", "the initramfs", NEEDED),
    Option("BINFMT_SCRIPT", "/init, a shell script", NEEDED),
    Option("BINFMT_ELF", "all programs", NEEDED),
    Option("DEVTMPFS", "the device files in /dev", NEEDED),
    Option("SHMEM", "TMPFS stands on it", BASIS),
    Option("TMPFS", "/tmp, /run and /dev/shm", NEEDED),
    Option("PROC_FS", "/proc", NEEDED),
    Option("SYSFS", "/sys", NEEDED),
    Option("NET", "netlink, which reports a scheduler's attach and end", NEEDED),
    Option("UNIX", "the sockets by which schedulers give their statistics", BASIS),
    Option("SIGNALFD", "a system call that the kt commands need", NEEDED),
    Option("INOTIFY_USER", "a system call that the kt commands need", NEEDED),
    Option("FILE_LOCKING", "a system call that the kt commands need", NEEDED),
    Option("POSIX_TIMERS", "system calls that the kt commands need", NEEDED),
    Option("FUTEX", "threads", BASIS),
    Option("EPOLL", "a system call of schedulers' runtimes", BASIS),
    Option("EVENTFD", "a system call of schedulers' runtimes", BASIS),
    Option("TIMERFD", "a system call of schedulers' runtimes", BASIS),
    Option("PCI", "VIRTIO_PCI stands on it", BASIS),
    Option("ACPI", "how the kernel finds CPUs and devices", BASIS),
    Option("TTY", "VIRTIO_CONSOLE and the serial console stand on it", BASIS),
    Option("VIRTIO_MENU", "the options of virtio stand on it", BASIS),
    Option("VIRTIO_CONSOLE", "the ports for results and wake bytes", NEEDED, "virtio_console"),
    Option("VIRTIO_PCI", "the bus of these ports", NEEDED, "virtio_pci"),
    Option("SERIAL_8250", "the serial ports", BASIS),
    Option("SERIAL_8250_CONSOLE", "the kernel's console", GOES_WITHOUT, arch="x86_64"),
    Option("SERIAL_8250_PCI", "the port of /init's last words", BASIS, arch="aarch64"),
    Option("SERIAL_AMBA_PL011", "the serial port of the console", BASIS, arch="aarch64"),
    Option("SERIAL_AMBA_PL011_CONSOLE", "the kernel's console", GOES_WITHOUT, arch="aarch64"),
    Option("HYPERVISOR_GUEST", "PVH and KVM_GUEST stand on it", BASIS, arch="x86_64"),
    Option("PARAVIRT", "KVM_GUEST stands on it", BASIS, arch="x86_64"),
    Option("KVM_GUEST", "the clock of a guest under KVM", BASIS, arch="x86_64"),
    Option("PVH", "entering vmlinux itself, without its compressed form", BASIS, arch="x86_64"),
    Option("DEBUG_KERNEL", "the debug information stands on it", BASIS),
    Option("DEBUG_INFO_DWARF_TOOLCHAIN_DEFAULT", "DEBUG_INFO_BTF is made of it, by pahole", BASIS),
    Option("BPF_SYSCALL", "loading schedulers", FOR_SCHEDULERS),
    Option("BPF_JIT", "SCHED_CLASS_EXT stands on it", BASIS),
    Option("DEBUG_INFO_BTF", "the kernel's types, which libbpf needs to load them", FOR_SCHEDULERS),
    Option("SCHED_CLASS_EXT", "schedulers written in BPF (sched_ext)", FOR_SCHEDULERS),
    Option("CGROUPS", "/sys/fs/cgroup", GOES_WITHOUT),
    Option("CGROUP_SCHED", "schedulers that see groups of tasks", BASIS),
    Option("PRINTK", "the kernel's log, and reports in it", GOES_WITHOUT),
    Option("KALLSYMS", "names of functions in reports and dumps", BASIS),
    Option("MAGIC_SYSRQ", "dumps that are asked for, ejection at the end of a run", BASIS),
    Option("FTRACE", "the trace: dumps of schedulers", GOES_WITHOUT),
    Option("PERF_EVENTS", "BPF_EVENTS stands on it", BASIS),
    Option("KPROBES", "KPROBE_EVENTS stands on it", BASIS),
    Option("KPROBE_EVENTS", "BPF_EVENTS stands on it", BASIS),
    Option("BPF_EVENTS", "what BPF programs print (bpf_printk)", BASIS),
    Option("HIST_TRIGGERS", "latencies of --stats", BASIS),
    Option("PSI", "pressure in --stats", BASIS),
    Option("DEBUG_FS", "the count of bytes that were sent, which proves that none is missing", GOES_WITHOUT),
    Option("UNIX98_PTYS", "/dev/pts: terminals, that of the scheduler's log too", GOES_WITHOUT),
    Option("NETWORK_FILESYSTEMS", "9P_FS stands on it", BASIS),
    Option("INET", "NET_9P stands on it", BASIS),
    Option("NET_9P", "9P_FS stands on it", BASIS),
    Option("NET_9P_VIRTIO", "--ro and --rw", FOR_SHARES, "9pnet_virtio"),
    Option("9P_FS", "--ro and --rw", FOR_SHARES, "9p"),
)


@dataclass(frozen=True)
class Config:
    origin: str
    text: str
    lines: frozenset[str]
    is_whole: bool

    def state(self, option: str) -> Optional[str]:
        """"y", "m", "n"; None: it does not say."""
        for state in ("y", "m"):
            if f"CONFIG_{option}={state}" in self.lines:
                return state
        return "n" if self.is_whole or f"# CONFIG_{option} is not set" in self.lines else None

    @property
    def names_options(self) -> bool:
        return re.search(r"^(# )?CONFIG_[A-Za-z0-9_]+(=| is not set$)", self.text, re.MULTILINE) is not None

    @property
    def hz(self) -> Optional[int]:
        """Timer interrupts per second."""
        found = re.search(r"^CONFIG_HZ=([1-9][0-9]{0,4})$", self.text, re.MULTILINE)
        return int(found.group(1)) if found else None


@dataclass(frozen=True)
class Missing:
    option: Option
    is_module: bool

    def __str__(self) -> str:
        return f"CONFIG_{self.option.name} {'is a module' if self.is_module else 'is not set'} ({self.option.purpose})"


def parse_config(origin: str, text: str) -> Config:
    return Config(origin, text, frozenset(text.splitlines()), _WHOLE.search(text) is not None)


def missing_options(config: Config, arch: str) -> list[Missing]:
    """Of those that every run may need."""
    return [missing for missing in lacking_options(config, arch) if missing.option.rank != FOR_SHARES]


def lacking_options(config: Config, arch: str) -> list[Missing]:
    """And of those that only an option of ktrun needs."""
    states = [(option, config.state(option.name)) for option in _of(arch) if option.rank != BASIS]
    return [Missing(option, state == "m") for option, state in states if state in ("n", "m")]


def missing_line(missing: Missing) -> str:
    option = missing.option
    state = "is a module, not built in" if missing.is_module else "is not set"
    use = "without it, a run lacks" if option.rank == GOES_WITHOUT else "needed for"
    return f"CONFIG_{option.name} {state}: {use} {option.purpose}"


def fragment(arch: str) -> str:
    """All options, those on which others stand too, for scripts/kconfig/merge_config.sh."""
    lines = [f"# What ktbox and sched_ext need of a kernel for {arch}: ktrun --kernel-config"]
    purpose = ""
    for option in _of(arch):
        lines += [] if option.purpose == purpose else [f"# {option.purpose}"]
        lines.append(f"CONFIG_{option.name}=y")
        purpose = option.purpose
    return "\n".join(lines) + "\n"


def _of(arch: str) -> list[Option]:
    return [option for option in _OPTIONS if option.arch in (None, arch)]


def find_config(image: str, release: Optional[str], given: Optional[str] = None) -> Optional[Config]:
    """GIVEN if there is one. Else the first of: the copy inside an ELF image; .config of the source tree, if the image
    is where a build puts it; config-RELEASE, config or .config beside it; config-RELEASE in /boot; that of the running
    kernel, if it is the same release; the copy inside a bzImage, which must be unpacked."""
    if given:
        return read_config(given)
    inside = _inside(image)
    if inside is None:
        paths = [path for name in dict.fromkeys((image, os.path.realpath(image))) for path in _places(name, release)]
        inside = next((config for config in map(read_config, paths) if config), None)
    return inside or _of_the_running(release) or _inside_packed(image)


def _places(image: str, release: Optional[str]) -> list[str]:
    directory, name = os.path.split(image)
    tree = re.match(r"(.*)/arch/[^/]+/boot$", directory)
    of_name = re.fullmatch(r"(?:vmlinuz|vmlinux|bzImage|Image)-(.+)", name)
    releases = [known for known in (release, of_name.group(1) if of_name else None) if known and "/" not in known]
    return [*([tree.group(1) + "/.config"] if tree else []),
            *(f"{directory}/config-{known}" for known in releases), f"{directory}/config",
            *([] if tree else [f"{directory}/.config"]), *([] if releases else _only_one(directory)),
            *(f"/boot/config-{known}" for known in releases)]


def _only_one(directory: str) -> list[str]:
    """An ELF image does not name its release: config-RELEASE is its own, if there is no other."""
    names = [name for name in os.listdir(directory) if name.startswith("config-")]
    return [f"{directory}/{name}" for name in names] if len(names) == 1 else []


def read_config(path: str) -> Optional[Config]:
    try:
        with open(path, "rb") as file:
            return parse_config(path, file.read(_SIZE_MAX).decode("utf-8", "replace"))
    except OSError:
        return None


def _of_the_running(release: Optional[str]) -> Optional[Config]:
    if release != os.uname().release:
        return None
    try:
        with gzip.open("/proc/config.gz") as file:
            return parse_config("/proc/config.gz", file.read(_SIZE_MAX).decode("utf-8", "replace"))
    except (OSError, EOFError, zlib.error):
        return None


def _inside(image: str) -> Optional[Config]:
    """Of an ELF image only the section .rodata is read, where kernel/configs.c puts it: all of it has 60 MB, and with
    debug information ten times that."""
    try:
        with open(image, "rb", buffering=0) as file:
            place = sections_of(file).get(b".rodata")
            file.seek(place.offset if place else 0)
            return _find_copy(file, image, place.size if place else None)
    except OSError:
        return None


def _find_copy(file: IO[bytes], image: str, size: Optional[int] = None) -> Optional[Config]:
    """From where FILE is, at most SIZE bytes, in pieces."""
    rest, left = b"", sys.maxsize if size is None else size
    while block := file.read(min(_BLOCK, left)):
        left -= len(block)
        data = rest + block
        at = data.find(MARK)
        if at >= 0:
            return _unpack(file, data[at + len(MARK):], image)
        rest = data[1 - len(MARK):]
    return None


def _unpack(file: IO[bytes], data: bytes, image: str) -> Optional[Config]:
    """DATA: what was read of the packed copy; the rest is in FILE."""
    unpacker, text = zlib.decompressobj(31), b""
    try:
        while data and not unpacker.eof and len(text) < _SIZE_MAX:
            text += unpacker.decompress(data, _SIZE_MAX - len(text))
            data = file.read(_BLOCK)
    except zlib.error:
        return None
    return parse_config(f"{image} (CONFIG_IKCONFIG)", text.decode("utf-8", "replace")) if unpacker.eof else None


_PACKERS = ((b"\x28\xb5\x2f\xfd", ["zstd", "-dcq"]), (b"\xfd7zXZ\0", ["xz", "-dcq"]), (b"\x1f\x8b", ["gzip", "-dcq"]),
            (b"\x02\x21\x4c\x18", ["lz4", "-dcq"]))


def _inside_packed(image: str) -> Optional[Config]:
    """The payload of a bzImage: its offset is in the header (Documentation/arch/x86/boot.rst). What follows the packed
    data is no error."""
    try:
        with open(image, "rb", buffering=0) as file:
            head = file.read(0x250)
            if len(head) < 0x250 or head[0x202:0x206] != b"HdrS":
                return None
            start = (head[0x1f1] + 1) * 512 + int.from_bytes(head[0x248:0x24c], "little")
            file.seek(start)
            magic = file.read(8)
            command = next((command for begin, command in _PACKERS if magic.startswith(begin)), None)
            file.seek(start)
            return _unpack_by(command, file, image) if command else None
    except OSError:
        return None


def _unpack_by(command: list[str], file: IO[bytes], image: str) -> Optional[Config]:
    with subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as unpacker:
        try:
            return _find_copy(unpacker.stdout, image) if unpacker.stdout else None
        finally:
            unpacker.kill()


def main(arguments: list[str]) -> int:
    """check ARCH CONFIG: a line for each missing option; 1 when a default kernel must have one of them.
    find IMAGE ELF RELEASE OUT [CONFIG]: copy the configuration to OUT, and print where it is from; 1 when there is
    none. 2: it can't be read."""
    if arguments[0] == "check":
        config = read_config(arguments[2])
        if not config:
            print(f"check-kernel-config: unable to read {arguments[2]}", file=sys.stderr)
            return 2
        found = missing_options(config, arguments[1])
        for missing in found:
            print(missing_line(missing))
        return 1 if any(missing.option.rank != GOES_WITHOUT for missing in found) else 0
    image, elf, release, out, *given = arguments[1:]
    wanted = next(filter(None, given), None)
    found_config = (None if wanted else _inside(elf)) or find_config(image, release, wanted)
    if not found_config:
        return 1
    with open(out, "w", encoding="utf-8") as file:
        file.write(found_config.text)
    print(found_config.origin)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
