"""Runs the application: our own signal handling, because aiohttp's makes live sockets deaf at once (reliability.md §0.1).

First SIGTERM or SIGINT: new calls are refused, live ones go on and may be resumed, until the last one ends or the drain limit is reached; then what is left is interrupted,
so that it can be resumed after the restart, and everything is stored. A second signal interrupts at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import tempfile
from pathlib import Path

from aiohttp import web
from loguru import logger

from bridge.config import Settings
from bridge.errors import SettingsError
from pipeline import garbage
from pipeline.supervisor import Supervisor

from . import accounts, connections
from .app import create_app
from .keys import STORE, SUPERVISOR

STOP_TIMEOUT_SECONDS = 20
LOAD_AFTER_SECONDS = 0.5
"""After it listens the server loads what calls need: whoever waited for it is answered first. A call that comes sooner begins with that itself."""
READY = "PrepKit is ready."
"""How the last line begins."""


def listen(settings: Settings, *, shared: bool = False) -> socket.socket:
    """A bound socket, so that a port in use is said before anything is started; `shared` with the other processes of `workers`. Raises SettingsError."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT if shared else socket.SO_REUSEADDR, 1)
    try:
        sock.bind((settings.host.strip("[]"), settings.port))
    except OSError as error:
        sock.close()
        message = f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Set PREPKIT_PORT to another port."
        raise SettingsError(message) from None
    return sock


def check_data_dir(folder: Path) -> None:
    """Raise SettingsError, with the command to run, when a volume belongs to somebody else."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        who = f"{os.geteuid()}:{os.getegid()}"
        raise SettingsError(
            f"PREPKIT_DATA_DIR cannot be written ({error.strerror}). Run as its owner: chown -R {who} {folder}"
        ) from None


def address(settings: Settings) -> str:
    """What to open in a browser."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.public_url or f"http://{host}:{settings.port}"


async def run(settings: Settings, *, demo: bool = False, shared_port: bool = False) -> None:
    """Serve until told to stop. The URL is the last line printed."""
    check_data_dir(settings.data_dir)
    sock = listen(settings, shared=shared_port)
    settings = settings.model_copy(update={"port": sock.getsockname()[1]})
    app = await create_app(settings, demo=demo)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2)
    await runner.setup()
    signals: asyncio.Queue[None] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.put_nowait, None)
    await web.SockSite(runner, sock).start()
    garbage.settle()
    loop.call_later(LOAD_AFTER_SECONDS, _load, app[SUPERVISOR])
    if url := await accounts.first_account_url(settings, app[STORE]):
        print(f"Make the first account, once, within 24 hours: {url}", flush=True)
    print(f"{READY} Open {address(settings)}", flush=True)
    async with connections.limited(runner):
        await signals.get()
        await drain(app[SUPERVISOR], signals, settings.drain_seconds)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
    logger.info("Stopping: interviews that are still live can be resumed after the restart")
    async with asyncio.timeout(STOP_TIMEOUT_SECONDS):
        await runner.cleanup()


def _load(supervisor: Supervisor) -> None:
    if not supervisor.stopping:
        supervisor.loading.begin().add_done_callback(lambda _: garbage.settle())


async def drain(supervisor: Supervisor, signals: asyncio.Queue[None], seconds: int) -> None:
    """Let live calls end by themselves, until a second signal or the limit; the sockets stay open for resumes (F13)."""
    supervisor.draining = supervisor.stopping = True
    if supervisor.count and seconds:
        logger.info("{} live interviews go on for up to {} s; signal again to interrupt them now", supervisor.count, seconds)
        again = asyncio.create_task(signals.get())
        idle = asyncio.create_task(supervisor.idle())
        await asyncio.wait({again, idle}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in (again, idle):
            task.cancel()
        await asyncio.gather(again, idle, return_exceptions=True)
