"""`docs/tutorial.md` works as it stands: every command of it is run, in order, on free ports and a folder of its own (house, "docs are true")."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"
READY = re.compile(r"is ready(?:\. Open| on) http")
START_SECONDS = 120
pytestmark = [
    pytest.mark.skipif(not (ROOT / ".venv" / "bin" / "prepkit").exists(), reason="not installed by make"),
    pytest.mark.skipif(shutil.which("curl") is None or shutil.which("make") is None, reason="no curl or make on this machine"),
    pytest.mark.timeout(420),
]


def commands() -> list[str]:
    """The lines of the tutorial's shell blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def free_port() -> int:
    """Nobody listens there."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Reader:
    """Somebody who follows the tutorial: one terminal for what runs on, another for the rest."""

    def __init__(self, folder: Path) -> None:
        ports = {"8080": free_port(), "8091": free_port()}
        self.instead = {f":{old}": f":{new}" for old, new in ports.items()} | {"--port 8091": f"--port {ports['8091']}"}
        self.instead["my-first.tar"] = str(folder / "my-first.tar")
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PREPKIT_", "GEMINI_", "VAPI_"))}
        self.environ = own | {"PREPKIT_PORT": str(ports["8080"]), "PREPKIT_DATA_DIR": str(folder / "data")}
        self.errors = folder / "errors.log"
        self.server: subprocess.Popen[str] | None = None
        self.beside: list[subprocess.Popen[str]] = []
        self.readers: list[threading.Thread] = []

    def run(self, line: str) -> str:
        """One line as the tutorial has it; returns what it printed. Raises AssertionError when it fails."""
        for old, new in self.instead.items():
            line = line.replace(old, new)
        if line == "make run":
            if self.server is not None:
                self.stop(self.server)
            self.server = self.start(line)
        elif line.endswith("&"):
            self.beside.append(self.start(line.removesuffix("&")))
        elif line.startswith("export "):
            self.environ |= dict(pair.split("=", 1) for pair in shlex.split(line)[1:])
        else:
            done = subprocess.run(
                line, check=False, shell=True, cwd=ROOT, env=self.environ, capture_output=True, text=True, timeout=240
            )
            assert 0 == done.returncode, f"{line}\n{done.stdout}\n{done.stderr}"
            return done.stdout
        return ""

    def start(self, line: str) -> subprocess.Popen[str]:
        """What runs until Ctrl-C; returns when it has said that it is ready."""
        with self.errors.open("ab") as errors:
            process = subprocess.Popen(
                line, shell=True, cwd=ROOT, env=self.environ, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
            )  # fmt: skip
        ready = threading.Event()

        def read() -> None:
            assert process.stdout is not None
            with process.stdout as lines:
                for said in lines:
                    if READY.search(said):
                        ready.set()

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        self.readers.append(thread)
        assert ready.wait(START_SECONDS), f"{line}\n{self.errors.read_text()}"
        return process

    def stop(self, process: subprocess.Popen[str]) -> None:
        """Ctrl-C, for the command and what it started."""
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        process.wait(60)

    def leave(self) -> None:
        """Close both terminals."""
        for process in [*self.beside, *([self.server] if self.server else [])]:
            self.stop(process)
        for thread in self.readers:
            thread.join(10)


def test_every_command_does_what_it_says(tmp_path: Path) -> None:
    """From the clone to a report, then questions by a (pretended) model: each command's exit code and what the text promises of it."""
    reader, printed = Reader(tmp_path), {}
    try:
        for line in commands():
            printed[line] = reader.run(line)
    finally:
        reader.leave()

    def said(begin: str) -> str:
        (text,) = [text for line, text in printed.items() if begin in line]
        return text

    assert re.search(r"Coverage overall: \d+ of 100", said("prepkit rehearse"))
    assert re.search(r"http://\S+/report", said("prepkit rehearse"))
    (interview,) = json.loads(said("/api/interviews/history"))["interviews"]
    assert ("completed", True) == (interview["status"], isinstance(interview["score"], int))
    assert (tmp_path / "my-first.tar").stat().st_size > 0
    assert "gemini" in said("prepkit doctor")
    assert "gemini" == json.loads(said("/api/interviews/setup"))["questionsFrom"]
