"""Whom a command talks to: it runs under a filter of the kernel that shows every address it sends to and every program it starts, its children's and theirs too.

A seccomp filter with a listener (Linux 5.5), so that it needs no right, no tool and no co-operation: native programs and isolated interpreters are seen like everything else.
What is on this machine is let through, anything else is noted and refused. `python -m tests.egress OUT COMMAND…` writes what was seen as JSON.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import ipaddress
import json
import os
import platform
import select
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_MACHINES: dict[str, tuple[int, dict[str, int]]] = {
    "x86_64": (
        0xC000003E,
        {"connect": 42, "sendto": 44, "sendmsg": 46, "execve": 59, "sendmmsg": 307, "seccomp": 317, "execveat": 322},
    ),
    "aarch64": (
        0xC00000B7,
        {"connect": 203, "sendto": 206, "sendmsg": 211, "execve": 221, "sendmmsg": 269, "seccomp": 277, "execveat": 281},
    ),
}
"""By machine: how the kernel names it in a filter, and its system calls."""
_IO_URING_SETUP = 425
_ALLOW, _ASK, _REFUSE = 0x7FFF_0000, 0x7FC0_0000, 0x0005_0000 | errno.ENOSYS
_SET_MODE_FILTER, _GET_NOTIF_SIZES, _NEW_LISTENER, _CONTINUE, _NO_NEW_PRIVS = 1, 3, 1 << 3, 1, 38
_SIZES = (80, 24, 64)
"""Bytes of a question, of an answer and of the system call within, as this module knows them."""
_RECEIVE, _ANSWER, _STILL = 0xC050_2100, 0xC018_2101, 0x4008_2102
_OURSELVES = (socket.AF_UNSPEC, socket.AF_UNIX, socket.AF_NETLINK)
_WORDS, _WORD_BYTES = 12, 256


class CannotWatch(Exception):
    """Why this machine does not let us."""


@dataclass(frozen=True)
class Reached:
    """An address something was sent to, or would have been."""

    program: str
    """Or the system call, where its memory cannot be read."""
    host: str
    port: int

    @property
    def here(self) -> bool:
        """Whether it is this machine's own."""
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return address.is_loopback or address.is_unspecified


@dataclass
class Seen:
    """All that was seen; `started` are command lines, the interpreter's own among them."""

    reached: set[Reached] = field(default_factory=set)
    started: set[str] = field(default_factory=set)

    @property
    def outside(self) -> list[Reached]:
        """What is not this machine."""
        return sorted((each for each in self.reached if not each.here), key=str)

    @property
    def places(self) -> set[tuple[str, int]]:
        """Host and port of each."""
        return {(each.host, each.port) for each in self.reached}

    def ran(self, name: str) -> bool:
        """Whether a program or a script of that name was started."""
        return any(name in line for line in self.started)


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def _filter(architecture: int, calls: dict[str, int]) -> _Program:
    """What is asked about: the calls that name an address, and starts of programs. A sendto without an address goes where a connect went before."""
    load, same, done = 0x20, 0x15, 0x06
    asked = [calls[name] for name in ("connect", "sendmsg", "sendmmsg", "execve", "execveat")]
    code: list[tuple[int, int, int, int]] = [
        (load, 0, 0, 4), (same, 1, 0, architecture), (done, 0, 0, _REFUSE),
        (load, 0, 0, 0), (same, 0, 1, _IO_URING_SETUP), (done, 0, 0, _REFUSE),
    ]  # fmt: skip
    for number in asked:
        code += [(same, 0, 1, number), (done, 0, 0, _ASK)]
    code += [
        (same, 1, 0, calls["sendto"]), (done, 0, 0, _ALLOW),
        (load, 0, 0, 48), (same, 0, 3, 0), (load, 0, 0, 52), (same, 0, 1, 0), (done, 0, 0, _ALLOW), (done, 0, 0, _ASK),
    ]  # fmt: skip
    made = (_Instruction * len(code))(*(_Instruction(*each) for each in code))
    return _Program(len(code), made)


def _listen(libc: ctypes.CDLL) -> int:
    """Put this thread, and whatever it starts, under the filter; the listener's descriptor. Raises CannotWatch."""
    machine = platform.machine()
    if machine not in _MACHINES:
        raise CannotWatch(f"no filter is written for {machine}")
    architecture, calls = _MACHINES[machine]
    sizes = (ctypes.c_uint16 * 3)()
    if libc.syscall(calls["seccomp"], _GET_NOTIF_SIZES, 0, sizes) or tuple(sizes) != _SIZES:
        raise CannotWatch(f"the kernel's filters have no listener: {os.strerror(ctypes.get_errno())}")
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise CannotWatch(f"prctl: {os.strerror(ctypes.get_errno())}")
    listener = int(libc.syscall(calls["seccomp"], _SET_MODE_FILTER, _NEW_LISTENER, ctypes.byref(_filter(architecture, calls))))
    if listener < 0:
        raise CannotWatch(f"the kernel takes no filter: {os.strerror(ctypes.get_errno())}")
    return listener


class _Memory:
    """Another process's memory."""

    def __init__(self, pid: int) -> None:
        self._fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY)

    def __enter__(self) -> _Memory:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def read(self, at: int, size: int) -> bytes:
        """Bytes; fewer where they end."""
        return os.pread(self._fd, size, at)

    def word(self, at: int) -> str:
        """A string that ends with a zero."""
        return self.read(at, min(_WORD_BYTES, 4096 - at % 4096)).split(b"\0")[0].decode(errors="replace")

    def line(self, at: int) -> str:
        """A command line."""
        words: list[str] = []
        for n in range(_WORDS):
            (pointer,) = struct.unpack("Q", self.read(at + 8 * n, 8))
            if not pointer:
                break
            words.append(self.word(pointer))
        return " ".join(words)


def _place(raw: bytes) -> tuple[str, int] | None:
    """Host and port of a socket address; None for what cannot leave the machine."""
    family = int.from_bytes(raw[:2], sys.byteorder)
    if len(raw) < 2 or family in _OURSELVES:
        return None
    if family == socket.AF_INET:
        return socket.inet_ntop(family, raw[4:8]), int.from_bytes(raw[2:4])
    if family == socket.AF_INET6:
        return socket.inet_ntop(family, raw[8:24]), int.from_bytes(raw[2:4])
    return f"family {family}", 0


class Watch:
    """Starts a command under the filter and looks on until it is told to stop."""

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        """`options` are subprocess.Popen's. Raises CannotWatch."""
        self.seen = Seen()
        self._calls = {number: name for name, number in _MACHINES.get(platform.machine(), (0, {}))[1].items()}
        self._over = threading.Event()

        def begin() -> tuple[threading.Thread, subprocess.Popen[bytes]]:
            listener = _listen(ctypes.CDLL(None, use_errno=True))
            eye = threading.Thread(target=self._look, args=(listener,))
            eye.start()
            # The parent of a vfork stands still until its child runs the program, and the interpreter, whose lock it holds, with it: nobody could answer.
            usual, subprocess._USE_VFORK = subprocess._USE_VFORK, False  # type: ignore[attr-defined]
            try:
                return eye, subprocess.Popen(command, **options)
            except BaseException:
                self._over.set()
                raise
            finally:
                subprocess._USE_VFORK = usual  # type: ignore[attr-defined]

        # A thread of its own: the filter stays on it for good, and nothing else of this process is to have it.
        with ThreadPoolExecutor(1) as thread:
            self._eye, self.process = thread.submit(begin).result()

    def stop(self) -> Seen:
        """Look no more; whatever the command left running is refused from now on."""
        self._over.set()
        self._eye.join()
        return self.seen

    def _look(self, listener: int) -> None:
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        try:
            while not self._over.is_set():
                if any(event & select.POLLIN for _, event in poll.poll(50)):
                    self._answer(listener)
        finally:
            os.close(listener)

    def _answer(self, listener: int) -> None:
        asked = bytearray(_SIZES[0])
        try:
            fcntl.ioctl(listener, _RECEIVE, asked)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR):  # It is gone already.
                return
            raise
        number, pid = struct.unpack_from("QI", asked)
        call = self._calls.get(struct.unpack_from("i", asked, 16)[0], "")
        arguments = struct.unpack_from("6Q", asked, 32)
        try:
            refused = self._judge(call, pid, arguments)
        except (OSError, struct.error):
            refused = True
            if self._waits(listener, number):
                self.seen.reached.add(Reached(call, "not to be read", 0))
        answer = struct.pack("QqiI", number, 0, -errno.ENETUNREACH if refused else 0, 0 if refused else _CONTINUE)
        try:
            fcntl.ioctl(listener, _ANSWER, answer)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise

    def _waits(self, listener: int, number: int) -> bool:
        """Whether whoever asked is still there."""
        try:
            fcntl.ioctl(listener, _STILL, struct.pack("Q", number))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return False
        return True

    def _judge(self, call: str, pid: int, a: tuple[int, ...]) -> bool:
        """Note it; whether it leads out."""
        with _Memory(pid) as memory:
            match call:
                case "execve" | "execveat":
                    self.seen.started.add(memory.line(a[1] if call == "execve" else a[2]))
                    return False
                case "connect":
                    names = [(a[1], a[2])]
                case "sendto":
                    names = [(a[4], a[5])]
                case "sendmsg":
                    names = [struct.unpack("QI", memory.read(a[1], 12))]
                case _:
                    names = [struct.unpack("QI", memory.read(a[1] + 64 * n, 12)) for n in range(min(a[2], 64))]
            places = [_place(memory.read(at, min(size, 128))) for at, size in names if at]
        program = Path(f"/proc/{pid}/comm").read_text().strip()
        reached = {Reached(program, *place) for place in places if place}
        self.seen.reached |= reached
        return any(not each.here for each in reached)


def main(out: str, command: Sequence[str]) -> int:
    """Run the command with our own streams; its exit code. Where this machine does not let us watch, it runs all the same, `out` is not written and stderr says why."""
    try:
        watch = Watch(command)
    except CannotWatch as why:
        sys.stderr.write(f"not watched: {why}\n")
        return subprocess.run(command, check=False).returncode
    try:
        code = watch.process.wait()
    finally:
        watch.process.kill()
        seen = watch.stop()
    told = {"reached": [asdict(each) for each in seen.reached], "started": sorted(seen.started)}
    Path(out).write_text(json.dumps(told), encoding="utf-8")
    return code


def read(out: Path) -> Seen:
    """What `main` wrote."""
    told = json.loads(out.read_text(encoding="utf-8"))
    return Seen({Reached(**each) for each in told["reached"]}, set(told["started"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
