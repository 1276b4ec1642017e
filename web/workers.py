"""Several processes of this server on one machine, sharing the port (`PREPKIT_WORKERS`, with PostgreSQL): started, watched and stopped together.

Each is an ordinary `prepkit serve` whose socket is marked for sharing; the kernel spreads connections. A call may move between them as between machines. Read next: `server`.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping

from loguru import logger

from bridge.config import Settings
from storage.migrate import migrate

from .server import READY, address, check_data_dir, listen

RESTART_SECONDS = 1.0


class Workers:
    """The processes of one machine."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._ready = 0
        self._stopping = False

    async def run(self) -> None:
        """Run them until told to stop; one that ends by itself is started again. The URL is the last line printed, once all can serve."""
        check_data_dir(self._settings.data_dir)
        # Held, never listened on: the port is known, and ours, before and between the processes that do listen.
        with listen(self._settings, shared=True) as reserved:
            self._settings = self._settings.model_copy(update={"port": reserved.getsockname()[1]})
            await migrate(self._settings.database)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._pass_on)
            await asyncio.gather(*(self._keep(n) for n in range(self._settings.workers)))

    def _pass_on(self) -> None:
        """A first signal lets live calls end, a second interrupts them: each process knows that itself."""
        self._stopping = True
        for process in self._processes.values():
            process.terminate()

    async def _keep(self, n: int) -> None:
        while not self._stopping:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "web", "serve", "--shared-port",
                env={**self._environ, "PREPKIT_PORT": str(self._settings.port)},
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
            self._processes[n] = process
            if self._stopping:
                process.terminate()
            assert process.stdout is not None
            async for line in process.stdout:
                self._said(n, line.decode(errors="replace").rstrip("\n"))
            code = await process.wait()
            del self._processes[n]
            if not self._stopping:
                logger.error("Process {} of {} ended with {} and is started again", n + 1, self._settings.workers, code)
                await asyncio.sleep(RESTART_SECONDS)

    def _said(self, n: int, line: str) -> None:
        """What the first one prints is for the person; of the others only that they are ready."""
        if line.startswith(READY):
            self._ready += 1
            if self._ready == self._settings.workers:
                print(f"{READY} Open {address(self._settings)}", flush=True)
        elif n == 0:
            print(line, flush=True)
