"""One running server for the browser tests: a real `prepkit serve` in another process."""

import shutil
import subprocess

import pytest
import pytest_asyncio

from web.rehearsal.house import House


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory):
    """A server with its own data folder; stopped at the end of the module."""
    house = House(tmp_path_factory.mktemp("house"))
    await house.start()
    yield house
    await house.stop()


@pytest.fixture
def spoken(tmp_path):
    """Says a text with flite into a WAV; skips where flite is missing."""
    if shutil.which("flite") is None:
        pytest.skip("no flite on this machine (apt-get install flite)")

    def say(text):
        target = tmp_path / "say.wav"
        subprocess.run(["flite", "-voice", "rms", "-t", text, "-o", target], check=True)
        return target.read_bytes()

    return say
