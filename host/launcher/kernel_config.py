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

MARK = b"IKCFG_ST"  # before the gzip data of CONFIG_IKCONFIG (kernel/configs.c)
_SIZE_MAX = 16 * 1024 * 1024
_BLOCK = 1 << 20
# A configuration that a kernel's make has written names these: there, an option that has no line is off, too.
_WHOLE = re.compile(r"^CONFIG_(64BIT|CC_VERSION_TEXT|LOCALVERSION)=", re.MULTILINE)

NEEDED, FOR_SCHEDULERS, GOES_WITHOUT = "needed", "schedulers", "without"


@dataclass(frozen=True)
class Option:
    name: str
    purpose: str
    rank: str
    module: Optional[str] = None  # ktrun can load it, where its modules are known


_CONSOLES = {"x86_64": "SERIAL_8250_CONSOLE", "aarch64": "SERIAL_AMBA_PL011_CONSOLE"}
_OPTIONS = (
    Option("BLK_DEV_INITRD", "the initramfs", NEEDED),
    Option("BINFMT_SCRIPT", "/init, a shell script", NEEDED),
    Option("BINFMT_ELF", "all programs", NEEDED),
    Option("DEVTMPFS", "the device files in /dev", NEEDED),
    Option("TMPFS", "/tmp, /run and /dev/shm", NEEDED),
    Option("PROC_FS", "/proc", NEEDED),
    Option("SYSFS", "/sys", NEEDED),
    Option("NET", "netlink, which reports a scheduler's attach and end", NEEDED),
    Option("SIGNALFD", "a system call that the kt commands need", NEEDED),
    Option("INOTIFY_USER", "a system call that the kt commands need", NEEDED),
    Option("FILE_LOCKING", "a system call that the kt commands need", NEEDED),
    Option("POSIX_TIMERS", "system calls that the kt commands need", NEEDED),
    Option("VIRTIO_CONSOLE", "the ports for results and wake bytes", NEEDED, "virtio_console"),
    Option("VIRTIO_PCI", "the bus of these ports", NEEDED, "virtio_pci"),
    Option("SCHED_CLASS_EXT", "schedulers written in BPF (sched_ext)", FOR_SCHEDULERS),
    Option("BPF_SYSCALL", "loading them", FOR_SCHEDULERS),
    Option("DEBUG_INFO_BTF", "the kernel's types, which libbpf needs to load them", FOR_SCHEDULERS),
    Option("PRINTK", "the kernel's log, and reports in it", GOES_WITHOUT),
    Option("FTRACE", "the trace: dumps of schedulers", GOES_WITHOUT),
    Option("DEBUG_FS", "the count of bytes that were sent, which proves that none is missing", GOES_WITHOUT),
    Option("CGROUPS", "/sys/fs/cgroup", GOES_WITHOUT),
    Option("UNIX98_PTYS", "/dev/pts: terminals, that of the scheduler's log too", GOES_WITHOUT),
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
    options = (*_OPTIONS, Option(_CONSOLES[arch], "the kernel's console", GOES_WITHOUT))
    states = [(option, config.state(option.name)) for option in options]
    return [Missing(option, state == "m") for option, state in states if state in ("n", "m")]


def find_config(image: str, release: Optional[str], given: Optional[str] = None) -> Optional[Config]:
    """GIVEN if there is one. Else the first of: the copy inside an ELF image; .config of the source tree, if the image
    is where a build puts it; config-RELEASE, config or .config beside it; config-RELEASE in /boot; that of the running
    kernel, if it is the same release; the copy inside a bzImage, which must be unpacked."""
    if given:
        return _read(given)
    inside = _inside(image)
    if inside is None:
        paths = [path for name in dict.fromkeys((image, os.path.realpath(image))) for path in _places(name, release)]
        inside = next((config for config in map(_read, paths) if config), None)
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


def _read(path: str) -> Optional[Config]:
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
    try:
        with open(image, "rb", buffering=0) as file:
            return _find_copy(file, image)
    except OSError:
        return None


def _find_copy(file: IO[bytes], image: str) -> Optional[Config]:
    """In pieces: an image that was unpacked has 60 MB."""
    rest = b""
    while block := file.read(_BLOCK):
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
        config = _read(arguments[2])
        if not config:
            print(f"check-kernel-config: unable to read {arguments[2]}", file=sys.stderr)
            return 2
        found = missing_options(config, arguments[1])
        for missing in found:
            state = "is a module, not built in" if missing.is_module else "is not set"
            use = "without it, a run lacks" if missing.option.rank == GOES_WITHOUT else "needed for"
            print(f"CONFIG_{missing.option.name} {state}: {use} {missing.option.purpose}")
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
