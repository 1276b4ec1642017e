"""Recordings on disk: encrypted, playable at any moment, whole after a crash."""

import array
import io
import os
import random
import signal
import subprocess
import sys
import wave
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from bridge.errors import CannotDecrypt, NotFound
from storage.recordings import BYTES_PER_SECOND, HEADER_BYTES, PIECE_BYTES, FolderRecordings, wav_header

from ..recordings import keys_in, recordings_in


@pytest.fixture
def recordings(tmp_path: Path) -> FolderRecordings:
    """An empty store."""
    return recordings_in(tmp_path / "recordings")


def tone(frames: int, left: int = 1, right: int = 2) -> bytes:
    """Frames that tell the channels apart."""
    return array.array("h", [left, right] * frames).tobytes()


def whole(recordings: FolderRecordings, session_id: str) -> bytes:
    """The recording as it is sent to a listener."""
    found = recordings.find(session_id)
    assert found is not None
    with closing(found):
        return found.read(0, found.size)


def played(recordings: FolderRecordings, session_id: str) -> tuple[int, int, int, bytes]:
    """Channels, sample width, rate and audio, as a player sees them."""
    with wave.open(io.BytesIO(whole(recordings, session_id))) as file:
        return file.getnchannels(), file.getsampwidth(), file.getframerate(), file.readframes(10**9)


def test_a_recording_is_a_wav_file(recordings: FolderRecordings, tmp_path: Path):
    """R-053: two channels of 16-bit audio at 16 kHz, candidate left."""
    session_id = str(uuid4())
    file = recordings.open(session_id)
    file.append(tone(8_000))
    file.append(tone(8_001, 3, 4))
    file.close()

    assert (2, 2, 16_000, tone(8_000) + tone(8_001, 3, 4)) == played(recordings, session_id)
    assert file.duration_ms == 1_000
    (stored,) = (tmp_path / "recordings").iterdir()
    assert stored.stat().st_mode & 0o777 == 0o600


def test_nothing_plain_is_stored(recordings: FolderRecordings, tmp_path: Path):
    """R-112, P4: neither a RIFF header nor a stretch of the samples is in any file, growing or closed; two recordings of the same sound differ."""
    sound = random.Random(1).randbytes(BYTES_PER_SECOND * 2)
    fetched = tmp_path / "fetched"
    fetched.write_bytes(wav_header(len(sound)) + sound)
    ids = [str(uuid4()), str(uuid4())]
    for session_id in ids:
        file = recordings.open(session_id)
        file.append(sound)
        recordings.keep_vendor(session_id, "call-1", fetched, "audio/wav")
    file.close()

    stored = [path.read_bytes() for path in (tmp_path / "recordings").iterdir()]

    assert len(stored) == 4
    for data in stored:
        assert b"RIFF" not in data
        assert not any(sound[at : at + 16] in data for at in range(0, len(sound) - 16, 997))
    assert len(set(stored)) == 4


def test_it_is_playable_while_it_grows(recordings: FolderRecordings):
    """R-053: all but the last quarter of a second can be heard, from the first moment."""
    session_id = str(uuid4())
    file = recordings.open(session_id)
    assert played(recordings, session_id)[3] == b""

    for n in range(1, 251):
        file.append(tone(320))
        stored = len(played(recordings, session_id)[3])
        assert n * 1_280 - PIECE_BYTES < stored <= n * 1_280
        assert n * 20 == file.duration_ms

    file.close()
    assert len(played(recordings, session_id)[3]) == 250 * 1_280


def test_any_range_is_the_same_bytes(recordings: FolderRecordings):
    """Contract 4: whatever part is asked for, at and around every border of pieces, it is that part of the whole."""
    session_id, chance = str(uuid4()), random.Random(7)
    file = recordings.open(session_id)
    file.append(chance.randbytes(PIECE_BYTES * 4 + 400))
    file.close()
    data = whole(recordings, session_id)
    borders = [0, 1, HEADER_BYTES, *(HEADER_BYTES + n * PIECE_BYTES for n in range(6)), len(data), len(data) + 9]

    found = recordings.find(session_id)
    assert found is not None
    with closing(found):
        for _ in range(500):
            start, stop = (max(0, chance.choice(borders) + chance.randint(-3, 3)) for _ in range(2))
            assert found.read(start, stop) == data[start : min(stop, found.size)] if start < stop else True


@pytest.mark.parametrize("torn", [1, 27, 28, 29, 5_000, PIECE_BYTES + 27])
def test_reopening_after_a_crash_repairs_it(recordings: FolderRecordings, tmp_path: Path, torn: int):
    """R-053: a torn piece is left out by a listener and cut off by the next writer, and new audio goes on behind the old."""
    session_id = str(uuid4())
    file = recordings.open(session_id)
    file.append(tone(16_000))
    file.close()
    (path,) = (tmp_path / "recordings").iterdir()
    with path.open("ab") as raw:
        raw.write(os.urandom(torn))
    assert tone(16_000) == played(recordings, session_id)[3]

    file = recordings.open(session_id)

    assert file.duration_ms == 1_000
    file.append(tone(1, 7, 8))
    file.close()
    assert tone(16_000) + tone(1, 7, 8) == played(recordings, session_id)[3]


def test_a_short_piece_is_gone_on_with(recordings: FolderRecordings):
    """R-053: closed in the middle of a piece and opened again, leg after leg, nothing is lost and nothing moves."""
    session_id, chance, said = str(uuid4()), random.Random(3), b""
    for _ in range(40):
        file = recordings.open(session_id)
        assert file.duration_ms == len(said) // 64
        part = chance.randbytes(4 * chance.randint(0, 9_000))
        file.append(part)
        file.close()
        said += part
        assert said == played(recordings, session_id)[3]


KILLED = """
import sys, time
from pathlib import Path
from tests.recordings import keys_in
from storage.recordings import FolderRecordings
folder, session_id, key = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
keys = keys_in(folder.parent, key)
keys.make = lambda owner: bytes(32)
file = FolderRecordings(folder, keys).open(session_id)
n = 0
while True:
    file.append(n.to_bytes(4, "big") * 320)
    n += 1
    print(n, flush=True)
"""


def test_a_kill_loses_no_more_than_a_piece(tmp_path: Path):
    """F1, R-053: killed at any moment, five times over, all but the last quarter of a second that was taken can be heard, in order."""
    session_id, folder = str(uuid4()), tmp_path / "recordings"
    keys = keys_in(tmp_path)
    keys.get = lambda owner: bytes(32)  # type: ignore[method-assign]
    keys.make = keys.get  # type: ignore[method-assign,assignment]
    recordings, before = FolderRecordings(folder, keys), 0
    for after in range(5):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(folder), session_id, ""],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert child.stdout is not None
        for _ in range(50 + 37 * after):
            taken = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().split("\n")
        child.wait()
        child.stdout.close()
        taken = max([taken, *(int(line) for line in rest[:-1] if line)])
        audio = played(recordings, session_id)[3]
        assert len(audio) >= before + taken * 1_280 - PIECE_BYTES
        added = audio[before:]
        numbers = [int.from_bytes(added[at : at + 4], "big") for at in range(0, len(added), 4)]
        assert numbers == sorted(numbers)
        before = len(audio)


def test_a_file_that_never_got_a_header(recordings: FolderRecordings, tmp_path: Path):
    """R-053: killed while it was made, it is an empty recording."""
    session_id = str(uuid4())
    recordings.open(session_id).close()
    (path,) = (tmp_path / "recordings").iterdir()
    path.write_bytes(path.read_bytes()[:17])

    recordings.open(session_id).close()

    assert played(recordings, session_id) == (2, 2, 16_000, b"")


def test_plain_files_of_older_versions(recordings: FolderRecordings, tmp_path: Path):
    """P4: readable as they are, encrypted by the way or when their interview goes on, the plain file gone; a repeat finds nothing to do."""
    folder, ids = tmp_path / "recordings", [str(uuid4()) for _ in range(3)]
    folder.mkdir()
    for session_id in ids:
        (folder / f"{session_id}.wav").write_bytes(wav_header(64_000) + tone(16_000))
    (folder / f"{ids[0]}.0123456789abcdef.vendor.mp3").write_bytes(b"mp3!")
    assert [tone(16_000)] * 3 == [played(recordings, session_id)[3] for session_id in ids]

    live = recordings.open(ids[1])
    live.append(tone(1, 9, 9))
    assert recordings.encrypt_old() == 3
    assert recordings.encrypt_old() == 0
    live.close()

    assert [tone(16_000), tone(16_000) + tone(1, 9, 9), tone(16_000)] == [played(recordings, session_id)[3] for session_id in ids]
    (copy,) = recordings.vendor_copies(ids[0])
    with closing(copy):
        assert (copy.read(0, 9), copy.media_type) == (b"mp3!", "audio/mpeg")
    assert {path.suffix for path in folder.iterdir()} == {".sealed"}


def test_killed_while_an_old_file_was_encrypted(recordings: FolderRecordings, tmp_path: Path):
    """P4: half a sealed file never stands for the whole; the next round begins anew and leaves nothing plain."""
    folder, session_id = tmp_path / "recordings", str(uuid4())
    folder.mkdir()
    (folder / f"{session_id}.wav").write_bytes(wav_header(64_000) + tone(16_000))
    (folder / f"{session_id}.sealed.part").write_bytes(b"half")

    recordings.encrypt_old()

    assert tone(16_000) == played(recordings, session_id)[3]
    assert [path.name for path in folder.iterdir()] == [f"{session_id}.sealed"]


def test_a_destroyed_key_ends_every_copy(recordings: FolderRecordings, tmp_path: Path):
    """M9, P4: a back-up of the recordings put back after the erasure is no recording any more, not even with a new key."""
    session_id = str(uuid4())
    file = recordings.open(session_id)
    file.append(tone(16_000))
    file.close()
    (path,) = (tmp_path / "recordings").iterdir()
    backup = path.read_bytes()
    assert recordings.delete(session_id)

    path.write_bytes(backup)

    assert recordings.find(session_id) is None
    with pytest.raises(CannotDecrypt):
        recordings.open(session_id)


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

    assert tone(20) == played(recordings, session_id)[3]
    with pytest.raises(ValueError, match="closed"):
        second.append(tone(1))


def test_only_whole_frames_are_taken(recordings: FolderRecordings):
    """Contract 6: half a frame would swap the channels for ever."""
    file = recordings.open(str(uuid4()))
    with pytest.raises(ValueError, match="4 bytes"):
        file.append(b"\0" * 6)
    file.close()


ENCODINGS = [
    "", "..", ".", "/", "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/", "..\\..\\x", "....//....//x", "..;/x", "a/b", "a\\b",
    "\0", "%00", "x\0.wav", "/etc/passwd", "file:///etc/passwd", "~root", "~", "C:\\x", "\\\\host\\x", ".hidden", "con", "*", "?", "[a]", "{a}",
    "%c0%ae%c0%ae/", "\uff0e\uff0e/", "..\u2215x", "\u202e", "x" * 300, "0" * 36, "-" * 36,
]  # fmt: skip
KNOWN = "3f2a6c1e-8d5b-4c0f-9a7e-1b2c3d4e5f60"
ENCODINGS += [
    f"{KNOWN}/../x",
    f"{KNOWN}\n",
    f" {KNOWN}",
    f"{{{KNOWN}}}",
    KNOWN.replace("-", ""),
    f"urn:uuid:{KNOWN}",
    f"{KNOWN}.wav",
]


@pytest.mark.parametrize("strange", ENCODINGS)
def test_a_session_id_that_is_no_uuid_names_no_file(recordings: FolderRecordings, tmp_path: Path, strange: str):
    """A12, contract 6: forty ways to say another path, and no byte from outside of the store, nor any file made."""
    (tmp_path / "x").write_bytes(b"outside")
    with pytest.raises(NotFound):
        recordings.open(strange)
    assert recordings.find(strange) is None
    assert recordings.vendor_copies(strange) == []
    assert not recordings.has(strange)
    assert recordings.delete(strange) is False
    with pytest.raises(NotFound):
        recordings.keep_vendor(strange, "call-1", tmp_path / "x", "audio/mpeg")
    assert [path.name for path in tmp_path.rglob("*")] == ["x"]


@pytest.mark.parametrize("suffix", ["sealed", "wav"])
def test_a_link_in_the_store_leads_nowhere(recordings: FolderRecordings, tmp_path: Path, suffix: str):
    """A12: a symbolic link with a recording's name is not followed, neither to read nor to write; deleting takes the link alone."""
    session_id, outside = str(uuid4()), tmp_path / "outside"
    outside.write_bytes(wav_header(4) + b"abcd")
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / f"{session_id}.{suffix}").symlink_to(outside)

    assert recordings.find(session_id) is None
    if suffix == "sealed":
        with pytest.raises(OSError, match="symbolic"):
            recordings.open(session_id)
    recordings.encrypt_old()
    recordings.delete(session_id)

    assert outside.read_bytes() == wav_header(4) + b"abcd"


def test_deleting(recordings: FolderRecordings):
    """R-115: gone the first time, nothing to do the second."""
    session_id = str(uuid4())
    recordings.open(session_id).close()

    assert recordings.delete(session_id) is True
    assert recordings.find(session_id) is None
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
    copies = recordings.vendor_copies(session_id)
    assert ["application/octet-stream", "audio/mpeg", "audio/wav"] == sorted(copy.media_type for copy in copies)
    for copy in copies:
        with closing(copy):
            assert copy.read(0, copy.size) == b"second"
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())

    assert recordings.delete(session_id)
    assert [path.name.split(".")[0] for path in folder.iterdir()] == [other]
    assert not recordings.delete(session_id)


def test_half_a_vendors_recording_goes_too(recordings: FolderRecordings, tmp_path: Path):
    """C-34: a crash while it was copied leaves nothing that a deletion does not reach."""
    session_id = str(uuid4())
    fetched = tmp_path / "fetched"
    fetched.write_bytes(b"words")
    recordings.keep_vendor(session_id, "call-1", fetched, "audio/mpeg")
    (kept,) = (tmp_path / "recordings").iterdir()
    kept.rename(kept.with_name(f"{kept.name}.part"))

    assert recordings.delete(session_id)
    assert list((tmp_path / "recordings").iterdir()) == []
