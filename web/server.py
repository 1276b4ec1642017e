"""Runs the application: our own signal handling, because aiohttp's makes live sockets deaf at once (reliability.md §0.1).

First SIGTERM or SIGINT: stop taking calls, interrupt live ones so that they can be resumed, store everything, leave. A second one leaves at once.
"""

from __future__ import annotations

import asyncio
import signal
import socket

from aiohttp import web
from loguru import logger

from bridge.config import Settings
from bridge.errors import SettingsError

from .app import create_app

STOP_TIMEOUT_SECONDS = 20


def listen(settings: Settings) -> socket.socket:
    """A bound socket, so that a port in use is said before anything is started. Raises SettingsError."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((settings.host.strip("[]"), settings.port))
    except OSError as error:
        sock.close()
        message = f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Set PREPKIT_PORT to another port."
        raise SettingsError(message) from None
    return sock


async def run(settings: Settings, *, demo: bool = False) -> None:
    """Serve until told to stop. The URL is the last line printed."""
    sock = listen(settings)
    settings = settings.model_copy(update={"port": sock.getsockname()[1]})
    app = await create_app(settings, demo=demo)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2)
    await runner.setup()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await web.SockSite(runner, sock).start()
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(f"PrepKit is ready. Open {settings.public_url or f'http://{host}:{settings.port}'}", flush=True)
    await stop.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
    logger.info("Stopping: live interviews can be resumed after the restart")
    async with asyncio.timeout(STOP_TIMEOUT_SECONDS):
        await runner.cleanup()
