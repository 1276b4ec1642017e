"""A `prepkit serve` of its own for a rehearsal, a benchmark or a test: another process, a free port, its own data folder.

The server's log goes to a file in that folder. Read next: `web.commands.rehearse`.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from .api import RehearsalFailed

START_TIMEOUT_SECONDS = 90
STOP_TIMEOUT_SECONDS = 15
LOG_NAME = "server.log"
_URL_LINE = re.compile(r"PrepKit is ready\. Open (\S+)")
OWN = ("PREPKIT_HOST", "PREPKIT_PORT", "PREPKIT_PUBLIC_URL", "PREPKIT_DATA_DIR", "PREPKIT_DATABASE_URL", "PREPKIT_RECORDINGS_URL")
"""Settings of the person's own server that must not reach this one."""


class House:
    """One server process; `start` again after `stop` or `kill` opens the same data on the same port."""

    def __init__(self, data_dir: Path, *, command: str = "serve", environ: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self.url = ""
        self._command = command
        self._environ = dict(environ or {})
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None
        self._last_lines: list[str] = []
        self._reading: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def check(self) -> None:
        """Raise RehearsalFailed when it has ended without being asked to."""
        if self._process is not None and self._process.returncode is not None:
            raise RehearsalFailed(f"The server started for this has ended: {self._complaint()}")

    @property
    def log(self) -> Path:
        """The server's own log."""
        return self.data_dir / LOG_NAME

    async def start(self) -> float:
        """Start and wait for the URL line; returns the seconds it took. Raises RehearsalFailed with what the server said."""
        began = time.monotonic()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in OWN}
        environ = inherited | {"PREPKIT_DATA_DIR": str(self.data_dir), "PREPKIT_PORT": str(self._port)} | self._environ
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal is for the rehearsal, which then stops the server.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "web", self._command,
                env=environ, cwd=Path(__file__).parents[2], stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
                stderr=log, start_new_session=True,
            )  # fmt: skip
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read(self._process, ready))
        try:
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                self.url = await ready
        except TimeoutError:
            await self.kill()
            raise RehearsalFailed(f"The server was not ready after {START_TIMEOUT_SECONDS} s.") from None
        self._port = int(self.url.rsplit(":", 1)[1])
        return time.monotonic() - began

    async def _read(self, process: asyncio.subprocess.Process, ready: asyncio.Future[str]) -> None:
        assert process.stdout is not None
        async for raw in process.stdout:
            if (found := _URL_LINE.search(raw.decode(errors="replace"))) and not ready.done():
                ready.set_result(found[1])
        if not ready.done():
            ready.set_exception(RehearsalFailed(f"The server could not be started: {self._complaint()}"))

    def _complaint(self) -> str:
        """The last thing it said."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("Error: ") if lines else "it said nothing."

    async def stop(self) -> None:
        """Ask it to leave, and make it after a while."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End it at once, as a power cut would."""
        await self._end(signal.SIGKILL)

    async def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.send_signal(number)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._reading is not None:
            await self._reading

    async def cpu_seconds(self) -> float:
        """CPU time the process has used so far (Linux)."""
        stat = await asyncio.to_thread(Path(f"/proc/{self.pid}/stat").read_text)
        fields = stat.rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
