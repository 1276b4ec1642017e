"""Recordings on disk: playable at any moment, whole after a crash."""

import array
import os
import wave
from pathlib import Path
from uuid import uuid4

import pytest

from bridge.errors import NotFound
from storage.recordings import BYTES_PER_SECOND, HEADER_BYTES, FolderRecordings


@pytest.fixture
def recordings(tmp_path: Path) -> FolderRecordings:
    """An empty store."""
    return FolderRecordings(tmp_path / "recordings")


def tone(frames: int, left: int = 1, right: int = 2) -> bytes:
    """Frames that tell the channels apart."""
    return array.array("h", [left, right] * frames).tobytes()


def played(path: Path) -> tuple[int, int, int, bytes]:
    """Channels, sample width, rate and audio, as a player sees them."""
    with wave.open(str(path)) as file:
        return file.getnchannels(), file.getsampwidth(), file.getframerate(), file.readframes(10**9)


def test_a_recording_is_a_wav_file(recordings: FolderRecordings):
    """R-053: two channels of 16-bit audio at 16 kHz, candidate left."""
    session_id = str(uuid4())
    file = recordings.open(session_id)
    file.append(tone(8_000))
    file.append(tone(8_001, 3, 4))
    file.close()

    path = recordings.path(session_id)

    assert path is not None
    assert (2, 2, 16_000, tone(8_000) + tone(8_001, 3, 4)) == played(path)
    assert file.duration_ms == 1_000
    assert path.stat().st_mode & 0o777 == 0o600


def test_it_is_playable_while_it_grows(recordings: FolderRecordings):
    """R-053: the header is true after every second of audio, and from the first moment."""
    session_id = str(uuid4())
    file = recordings.open(session_id)
    path = recordings.path(session_id)
    assert path is not None
    assert played(path)[3] == b""

    for n in range(1, 251):
        file.append(tone(320))
        stored = len(played(path)[3])
        assert n * 1_280 - BYTES_PER_SECOND < stored <= n * 1_280
        assert n * 20 == file.duration_ms

    assert path.stat().st_size == HEADER_BYTES + stored
    file.close()


@pytest.mark.parametrize("torn", [0, 1, 2, 3])
def test_reopening_after_a_crash_repairs_it(recordings: FolderRecordings, torn: int):
    """R-053: a torn frame is cut off, a wrong header made right, and new audio goes on behind the old."""
    session_id = str(uuid4())
    file = recordings.open(session_id)
    file.append(tone(16_000))
    file.close()
    path = recordings.path(session_id)
    assert path is not None
    with path.open("r+b") as raw:
        raw.write(b"\0" * HEADER_BYTES)
        raw.seek(0, os.SEEK_END)
        raw.write(tone(5)[: 16 + torn])

    file = recordings.open(session_id)

    assert file.duration_ms == 1_000
    assert tone(16_004) == played(path)[3]
    file.append(tone(1, 7, 8))
    file.close()
    assert tone(16_004) + tone(1, 7, 8) == played(path)[3]


@pytest.mark.parametrize("size", [0, 1, HEADER_BYTES - 1, HEADER_BYTES])
def test_a_file_that_never_got_a_header(recordings: FolderRecordings, tmp_path: Path, size: int):
    """R-053: killed while it was made, it is an empty recording."""
    session_id = str(uuid4())
    (tmp_path / "recordings").mkdir()
    path = tmp_path / "recordings" / f"{session_id}.wav"
    path.write_bytes(b"\xff" * size)

    recordings.open(session_id).close()

    assert played(path) == (2, 2, 16_000, b"")


def test_a_leg_that_replaces_another_goes_on_in_the_same_file(recordings: FolderRecordings):
    """M5: opened again while it is open, it stays one file until the last one closes."""
    session_id = str(uuid4())
    first = recordings.open(session_id)
    first.append(tone(10))
    second = recordings.open(session_id)
    assert first.duration_ms == second.duration_ms
    first.close()
    second.append(tone(10))
    second.close()
    second.close()

    path = recordings.path(session_id)

    assert path is not None
    assert tone(20) == played(path)[3]
    with pytest.raises(ValueError, match="closed"):
        second.append(tone(1))


def test_only_whole_frames_are_taken(recordings: FolderRecordings):
    """Contract 6: half a frame would swap the channels for ever."""
    file = recordings.open(str(uuid4()))
    with pytest.raises(ValueError, match="4 bytes"):
        file.append(b"\0" * 6)
    file.close()


@pytest.mark.parametrize(
    "strange",
    [
        "",
        "..",
        "../../etc/passwd",
        "a/b",
        "\0",
        "6f1e3c52-2f0b-4c1e-9a51-0d8f6f1e3c52/../x",
        "6f1e3c52-2f0b-4c1e-9a51-0d8f6f1e3c52\n",
    ],
)
def test_a_session_id_that_is_no_uuid_names_no_file(recordings: FolderRecordings, tmp_path: Path, strange: str):
    """Contract 6: no path outside the folder, whatever the id says."""
    with pytest.raises(NotFound):
        recordings.open(strange)
    assert recordings.path(strange) is None
    assert recordings.delete(strange) is False
    assert list(tmp_path.rglob("*")) == []


def test_deleting(recordings: FolderRecordings):
    """R-115: gone the first time, nothing to do the second."""
    session_id = str(uuid4())
    recordings.open(session_id).close()

    assert recordings.delete(session_id) is True
    assert recordings.path(session_id) is None
    assert recordings.delete(session_id) is False


def test_a_vendors_recording_is_kept_beside_ours(recordings: FolderRecordings, tmp_path: Path):
    """C-21: under a name that is ours alone, whatever the call is called; a repeat replaces it; deleted with the interview."""
    session_id, other = str(uuid4()), str(uuid4())
    recordings.open(session_id).close()
    fetched = tmp_path / "fetched"
    for content in (b"first", b"second"):
        fetched.write_bytes(content)
        recordings.keep_vendor(session_id, "../../etc/\0call", fetched, "audio/mpeg")
    recordings.keep_vendor(session_id, "call-2", fetched, "audio/wav")
    recordings.keep_vendor(session_id, "call-3", fetched, "application/octet-stream")
    recordings.keep_vendor(other, "call-2", fetched, "audio/x-wav")

    folder = tmp_path / "recordings"
    kept = sorted(folder.glob("*.vendor.*"))
    assert ["audio", "mp3", "wav", "wav"] == sorted(path.suffix[1:] for path in kept)
    assert all(path.read_bytes() == b"second" for path in kept)
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in kept)
    assert recordings.path(session_id) == folder / f"{session_id}.wav"

    assert recordings.delete(session_id)
    assert [path.name.split(".")[0] for path in folder.iterdir()] == [other]
    assert not recordings.delete(session_id)
    with pytest.raises(NotFound):
        recordings.keep_vendor("../x", "call-1", fetched, "audio/mpeg")


def test_half_a_vendors_recording_goes_too(recordings: FolderRecordings, tmp_path: Path):
    """C-34: a crash while it was copied leaves nothing that a deletion does not reach."""
    session_id = str(uuid4())
    fetched = tmp_path / "fetched"
    fetched.write_bytes(b"words")
    recordings.keep_vendor(session_id, "call-1", fetched, "audio/mpeg")
    (whole,) = (tmp_path / "recordings").iterdir()
    whole.rename(whole.with_name(f"{whole.name}.part"))

    assert recordings.delete(session_id)
    assert list((tmp_path / "recordings").iterdir()) == []
