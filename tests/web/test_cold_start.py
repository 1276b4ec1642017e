"""What a server has loaded when it first says that it is ready, and what it loads after (issue: cold start; the seconds are `prepkit bench startup`)."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.loading import FAILED

ROOT = Path(__file__).parents[2]
ONLY_CALLS = ("pipecat", "onnx", "onnxruntime", "numpy", "num2words", "PIL", "pocketsphinx")
"""Loaded for the first call, in the background."""
ONLY_WHERE_WANTED = (
    "google.genai",
    "stripe",
    "weasyprint",
    "scipy",
    "transformers",
    "obstore",
    "opentelemetry",
    "argon2",
    "pypdf",
    "web.vapi",
)
"""Of a vendor without its key, of an extra or of a mode that is not set."""
ONLY_MIGRATIONS = ("alembic", "mako")


async def started(folder: Path, *missing: str) -> list[dict[str, Any]]:
    """The steps of a start without any setting, in a process of its own."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PREPKIT_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.web.cold_start", str(folder), *missing,
        cwd=ROOT, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return [json.loads(line) for line in out.splitlines() if line.startswith(b"{")]


async def test_nothing_that_only_calls_need_is_loaded_before_the_server_is_ready(tmp_path: Path):
    """Cold start: ready without pipecat, onnxruntime and numpy, nor anything of a vendor; alembic only where there is something to migrate."""
    first = await started(tmp_path)
    second = await started(tmp_path)

    for ready, loaded in (first, second):
        assert (200, 200) == (ready["status"], loaded["status"])
        assert [name for name in ONLY_CALLS + ONLY_WHERE_WANTED if name in ready["loaded"]] == []
        # Else the lists above would hold nothing.
        assert {"pipecat.pipeline.worker", "onnxruntime", "pipeline.call", "pipeline.engines.local"} <= set(loaded["loaded"])
    assert set(ONLY_MIGRATIONS) <= set(first[0]["loaded"])
    assert [name for name in ONLY_MIGRATIONS if name in second[0]["loaded"]] == []


@pytest.mark.skipif(sys.platform != "linux" or (os.cpu_count() or 1) < 2, reason="needs Linux and two cores")
async def test_no_thread_computes_that_a_fork_would_wait_for(tmp_path: Path):
    """A voice or a recogniser that is started while numpy computes must not stop the server for ever (uvloop forks, OpenBLAS waits for its threads)."""
    _, loaded = await started(tmp_path)

    assert loaded["blasThreads"], "numpy has no OpenBLAS of its own here: look at what this one does before a fork"
    assert set(loaded["blasThreads"]) == {1}


async def test_what_cannot_be_loaded_is_said_by_readiness_and_tried_again(tmp_path: Path):
    """A broken installation: /readyz says no and why, a call is refused in words; once it is mended the next call is held."""
    ready, broken, mended = await started(tmp_path, "onnxruntime")

    assert (ready["status"], ready["voice"]["ok"]) == (200, True)
    assert (broken["status"], broken["voice"]["ok"]) == (503, False)
    assert broken["voice"]["reason"] == broken["refused"] == FAILED
    assert (mended["status"], mended["voice"]["ok"], mended["refused"]) == (200, True, "")
