"""A server's start as a process of its own, told to `test_cold_start` as one JSON line a step: `python -m tests.web.cold_start FOLDER [MISSING]`.

MISSING is a package that this process does not have at first.
"""

import asyncio
import ctypes
import json
import sys
from pathlib import Path

import aiohttp
from aiohttp import web

from bridge import log
from bridge.config import load
from bridge.errors import VoiceUnavailable
from web.keys import SUPERVISOR
from web.server import create_app, listen


async def main(folder: str, missing: str = "") -> None:
    """Start, be asked whether ready, load what calls need, be asked again."""
    if missing:
        sys.modules[missing] = None  # type: ignore[assignment]
    settings = load({"PREPKIT_DATA_DIR": str(Path(folder)), "PREPKIT_PORT": "0"})
    log.configure("ERROR", "text")
    runner = web.AppRunner(await create_app(settings), access_log=None, handle_signals=False)
    await runner.setup()
    with listen(settings) as sock:
        await web.SockSite(runner, sock).start()
        loading = runner.app[SUPERVISOR].loading
        async with aiohttp.ClientSession(f"http://127.0.0.1:{sock.getsockname()[1]}") as http:
            await _tell(http, "")
            for _ in range(2 if missing else 1):
                refused = ""
                try:
                    await loading.done()
                except VoiceUnavailable as error:
                    refused = error.message
                await _tell(http, refused)
                if missing and not sys.modules[missing]:
                    del sys.modules[missing]
        await runner.cleanup()


async def _tell(http: aiohttp.ClientSession, refused: str) -> None:
    async with http.get("/readyz") as response:
        said = await response.json()
        status = response.status
    loaded = sorted(name for name, module in sys.modules.items() if module is not None)
    line = json.dumps(
        {"status": status, "voice": said["checks"]["voice"], "refused": refused, "loaded": loaded, "blasThreads": _blas_threads()}
    )
    sys.stdout.write(f"{line}\n")


def _blas_threads() -> list[int]:
    """How many each OpenBLAS in this process computes with; numpy and scipy bring one each, their names prefixed so that both can be loaded."""
    maps = Path("/proc/self/maps")
    libraries = {line.split()[-1] for line in maps.read_text().splitlines() if "openblas" in line} if maps.exists() else set()
    return [ctypes.CDLL(library).scipy_openblas_get_num_threads64_() for library in sorted(libraries) if "64_" in library]


asyncio.run(main(*sys.argv[1:]))
