"""`prepkit standin vapi` plays Vapi in a process of its own, with this machine's voice and recogniser where it has them."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import pytest
from click.testing import CliRunner

from pipeline.voice.available import describe
from web.cli import main
from web.standins.vapi import VapiStandin
from web.standins.vapi_speech import make_ears, speak

from .vapi_client import KEY, body, create, joined


@contextmanager
def standin(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its URL."""
    command = [sys.executable, "-m", "web", "standin", "vapi", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = next(line for line in process.stdout if "ready" in line)
            yield process, re.findall(r"http://\S+", line)[0]
        finally:
            process.kill()


async def test_it_runs_as_a_command() -> None:
    """It says where, takes calls, and leaves on Ctrl-C."""
    with standin("--hum", "--hear", "none", "--key", KEY) as (process, url):
        remote = VapiStandin(key=KEY)
        remote.url = url
        made = await create(remote, body())
        async with joined(made["transport"]["websocketCallUrl"]) as candidate:
            await candidate.got("speech-update", role="assistant", status="started")
            process.send_signal(signal.SIGINT)
            await candidate.until(lambda: candidate.ws.closed)
        assert 0 == process.wait(10)


@pytest.mark.parametrize("faults", ['{"create_stats": 500}', '{"create_status": 418}', "{"])
def test_senseless_faults_are_refused_in_a_sentence(faults: str) -> None:
    """Before anything is started."""
    done = CliRunner().invoke(main, ["standin", "vapi", "--faults", faults])

    assert 1 == done.exit_code
    assert done.stderr.startswith("Error: These faults make no sense: ")
    assert 1 == done.stderr.count("\n")


def test_it_is_imported_cheaply() -> None:
    """Neither pipecat nor a recogniser comes with it."""
    script = "import sys, web.standins.vapi\nassert not {'pipecat', 'pocketsphinx', 'sqlalchemy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


needs_both = pytest.mark.skipif(
    not describe().speaks or find_spec("pocketsphinx") is None, reason="no voice or no recogniser is installed"
)
SENTENCE = "I would start with a hash map and count every element once."
KNOWN = {"hash", "map", "element", "count", "start"}


@needs_both
async def test_the_recogniser_tells_words_before_the_turn_is_over() -> None:
    """The product's own voice and recogniser, at the call's own rate, here 24 kHz."""
    ears = make_ears("sphinx", 24_000)
    ears.begin()
    ears.hear(await speak(SENTENCE, 24_000) + bytes(48_000))
    async with asyncio.timeout(20):
        while not set(ears.so_far.lower().split()) & KNOWN:
            await asyncio.sleep(0.05)
    final = await ears.end()
    await ears.close()

    assert set(final.lower().split()) & KNOWN
