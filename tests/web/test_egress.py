"""Whom a whole interview talks to, its child processes' connections counted: nobody outside (P6)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.egress import CannotWatch, Reached, Seen, Watch
from web import pdf

pytestmark = pytest.mark.timeout(400)
ROOT = Path(__file__).parents[2]
OURS = ("127.0.0.1", "::1", "localhost")
CHILDREN = {
    "pdf_reader.py": True,
    "pdf_writer.py": pdf.available(),
    "flite": shutil.which("flite") is not None,
    "sphinx_worker": find_spec("pocketsphinx") is not None,
}
"""What a call and its report start, and whether this machine has it. With keys a vendor hears and speaks."""
LEAKS = """
(echo > /dev/udp/192.0.2.1/9) 2>&-
"$0" -I -c 'import socket; socket.socket().connect(("192.0.2.2", 443))' 2>&-
"$0" -I -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.3", 53))' 2>&-
"$0" -I -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b"x"], [], 0, ("192.0.2.4", 53))' 2>&-
"$0" -I -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9))' 2>&-
true
"""


def watched(command: Sequence[str]) -> tuple[Seen | None, str, str]:
    """What was seen, None where this machine does not let us see children; its output and its complaints."""
    options: dict[str, Any] = {"cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    watch = None
    try:
        watch = Watch(command, **options)
        process = watch.process
    except CannotWatch as why:
        sys.stdout.write(f"Children are not watched: {why}\n")
        process = subprocess.Popen(command, **options)
    try:
        out, err = process.communicate(timeout=240)
    finally:
        process.kill()
        seen = watch.stop() if watch else None
    assert process.returncode == 0, err.decode()[-3_000:]
    return seen, out.decode(), err.decode()


def test_the_guard_sees_children_and_native_programs() -> None:
    """P6: a shell's own packet, and what isolated interpreters below it connect and send to: each is seen and refused, what is this machine's is let through."""
    seen, _, _ = watched(["bash", "-c", LEAKS, sys.executable])
    if seen is None:
        pytest.skip("the kernel of this machine lets nobody watch children: see the output")

    assert [("192.0.2.1", 9), ("192.0.2.2", 443), ("192.0.2.3", 53), ("192.0.2.4", 53)] == sorted(
        (each.host, each.port) for each in seen.outside
    )
    assert ("127.0.0.1", 9) in seen.places
    assert seen.ran("bash -c")
    assert not Reached("python", "192.0.2.2", 443).here


@pytest.mark.parametrize("keys", [False, True], ids=["without-keys", "with-keys"])
def test_a_whole_interview_asks_nobody_outside(keys: bool) -> None:
    """P6: from an upload to the erasure, with a call, a PDF and an archive: no connection, datagram or name but this machine's; with keys, the declared places alone."""
    seen, out, _ = watched([sys.executable, "-m", "tests.web.egress_flow", *(["keys"] if keys else [])])
    told = json.loads(out.splitlines()[-1])

    assert told["asked"], "the hook saw nothing, not even our own requests"
    assert [place for place in told["asked"] if not any(name in place for name in OURS)] == []
    if seen is None:
        pytest.skip("the kernel of this machine lets nobody watch children: see the output")
    assert seen.outside == []
    declared = {name: (parts.hostname, parts.port) for name, url in told["declared"].items() if (parts := urlsplit(url))}
    assert seen.places == set(declared.values())
    assert set(declared) == ({"ours", "vapi", "gemini", "stripe"} if keys else {"ours"})
    expected = [name for name, there in CHILDREN.items() if there and (not keys or "pdf" in name)]
    assert [name for name in expected if not seen.ran(name)] == [], sorted(seen.started)
