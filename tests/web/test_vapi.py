"""The Vapi engine's composition: the secret of the webhooks is made once and kept (R-122)."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.config import Settings
from bridge.usecases import engine_calls
from storage.database import Database
from storage.migrate import migrate
from web.vapi import assemble, kept_secret

from ..recordings import recordings_in


def test_a_secret_is_made_once(tmp_path: Path):
    """Long, the same at every start, and nobody else's to read."""
    path = tmp_path / "keys" / "vapi-webhook-secret"
    made = kept_secret(path)
    assert len(made) >= 43
    assert kept_secret(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert kept_secret(tmp_path / "other" / "secret") != made


def test_an_empty_file_is_no_secret(tmp_path: Path):
    """A crash between making the file and writing it must not leave the door without a secret for ever."""
    path = tmp_path / "secret"
    path.touch()
    made = kept_secret(path)
    assert len(made) >= 43
    assert kept_secret(path) == made


def test_two_processes_agree(tmp_path: Path):
    """Web and worker may start at once."""
    path = tmp_path / "keys" / "secret"
    script = f"from pathlib import Path; from web.vapi import kept_secret; print(kept_secret(Path({str(path)!r})))"
    env = {**os.environ, "PYTHONPATH": os.getcwd()}
    started = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=env) for _ in range(3)]
    found = {process.communicate(timeout=60)[0].strip() for process in started}
    assert found == {path.read_text().strip()}


@pytest.mark.parametrize("given", ["", "chosen-by-the-operator-0123456789"])
async def test_what_authenticates_and_what_is_done(tmp_path: Path, given: str):
    """R-057: the operator's secret or one of ours; HMAC only when set; every job of the inbox has its handler."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'prepkit.db'}"
    await asyncio.to_thread(lambda: asyncio.run(migrate(url)))
    store = await Database.open(url)
    settings = Settings(
        port=0, data_dir=tmp_path, vapi_api_key="k", vapi_base_url="http://127.0.0.1:9", vapi_webhook_secret=given
    )
    vapi = assemble(settings, store, recordings_in(tmp_path / "recordings"), "https://bridge.example")
    try:
        assert vapi.auth.scheme is None
        (secret,) = vapi.auth.secrets
        assert secret == (given or kept_secret(tmp_path / "keys" / "vapi-webhook-secret"))
        assert set(vapi.jobs) == {engine_calls.APPLY_JOB, engine_calls.SETTLE_JOB, engine_calls.RECORDING_JOB}
        # Nothing is there: a job that comes back after a restore does no harm.
        await vapi.jobs[engine_calls.APPLY_JOB]({"deliveryId": 7})
        await vapi.jobs[engine_calls.SETTLE_JOB]({"engine": "vapi", "callId": "c", "round": 0})
        await vapi.jobs[engine_calls.RECORDING_JOB]({"engine": "vapi", "callId": "c"})
        assert secret not in repr(vapi.auth)
    finally:
        await vapi.client.close()
        await store.close()
