"""`prepkit standin gemini` plays Gemini, REST and Live, in a process of its own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner
from google import genai
from google.genai import types
from websockets.exceptions import InvalidStatus

from web.cli import main

from .gemini_client import FLASH, LIVE, over_plain_sockets


async def test_it_runs_as_a_command() -> None:
    """It says where, answers REST and Live with its key, fails as told, and leaves on Ctrl-C."""
    command = [sys.executable, "-m", "web", "standin", "gemini", "--key", "k", "--faults", '[{"kind": "live-refuse"}]']
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = next(line for line in process.stdout if "ready" in line)
            url = re.findall(r"http://\S+", line)[0]
            http = types.HttpOptions(base_url=url, api_version="v1beta")
            client = over_plain_sockets(genai.Client(api_key="k", http_options=http))
            answer = await client.aio.models.generate_content(model=FLASH, contents="Hello.")
            with pytest.raises(InvalidStatus, match="403"):
                async with client.aio.live.connect(model=LIVE):
                    pass
            async with client.aio.live.connect(model=LIVE, config={"response_modalities": ["AUDIO"]}):
                pass
            await client.aio.aclose()
            client.close()
            process.send_signal(signal.SIGINT)
            code = process.wait(20)
        finally:
            process.kill()

    assert answer.text
    assert code == 0


def test_faults_that_make_no_sense_are_refused() -> None:
    """A sentence, not a traceback."""
    result = CliRunner().invoke(main, ["standin", "gemini", "--faults", '[{"kind": "boom"}]'])

    assert 0 != result.exit_code
    assert "make no sense" in (result.output + str(result.exception))
