"""A disk that is full stops the recording and nothing else (F9)."""

import subprocess

import pytest

from .live import ANSWER, running


@pytest.fixture
def small_disk(tmp_path):
    """A real file system with room for two seconds of recording."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


async def test_the_interview_goes_on_without_its_recording(tmp_path, small_disk):
    """F9: the candidate is told, every answer is stored, and the report is written."""
    async with running(tmp_path / "data", recordings_url=f"file://{small_disk}") as server:
        async with server.interview() as (session_id, caller):
            notice = await caller.told("notice", 30, code="recording_stopped")
            await caller.verb("text", text=ANSWER)
            await caller.verb("end")
            await caller.told("ended", 40)
        report = await server.status(session_id, "completed", "partial")

        assert "disk is full" in notice["message"]
        assert report["segments"][0]["answer"] == ANSWER
