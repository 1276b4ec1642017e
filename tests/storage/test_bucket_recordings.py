"""Recordings in an S3-compatible store, against a real S3 server: carried up whole, once, after kills and faults; played from wherever they lie."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest

from bridge.errors import RecordingsAway
from storage.bucket import Bucket
from storage.bucket_recordings import BucketRecordings
from storage.recordings import BYTES_PER_SECOND, HEADER_BYTES, PIECE_BYTES, FolderRecordings

from ..recordings import keys_in
from ..s3 import BUCKET, S3Server, s3_server

PREFIX = "voice/kept"


@pytest.fixture
def s3() -> Iterator[S3Server]:
    """A store with an empty bucket."""
    with s3_server() as server:
        yield server


def bucket_at(url: str, name: str = BUCKET) -> Bucket:
    """Its client; it gives up soon."""
    return Bucket(name, PREFIX, endpoint=url, region="us-east-1", key_id="key", secret="secret", try_seconds=3)


@pytest.fixture
def recordings(s3: S3Server, tmp_path: Path) -> BucketRecordings:
    """A server's recordings; parts of two seconds."""
    return BucketRecordings(tmp_path / "a" / "recordings", bucket_at(s3.url), keys_in(tmp_path), part_seconds=2)


def another(recordings: BucketRecordings, s3: S3Server, tmp_path: Path) -> BucketRecordings:
    """A second server on the same database and bucket, with a disk of its own."""
    return BucketRecordings(tmp_path / "b" / "recordings", bucket_at(s3.url), recordings.keys, part_seconds=2)


def noise(seconds: float, seed: int = 1) -> bytes:
    """Samples that are nowhere alike."""
    return random.Random(seed).randbytes(4 * round(16_000 * seconds))


def heard(recordings: FolderRecordings, session_id: str) -> bytes:
    """The samples as a listener gets them."""
    found = recordings.find(session_id)
    assert found is not None
    with closing(found):
        return found.read(HEADER_BYTES, found.size)


def record(recordings: FolderRecordings, session_id: str, sound: bytes, at_ms: int = 0) -> None:
    """One leg, as the call writes it."""
    file = recordings.open(session_id, at_ms)
    for at in range(0, len(sound), 6_400):
        file.append(sound[at : at + 6_400])
    file.close()


def test_it_is_carried_up_whole_and_sealed(recordings: BucketRecordings, s3: S3Server, tmp_path: Path):
    """R-053, R-112: what was recorded is the same before and after; nothing of it lies plain in the store, and nothing is left on the disk."""
    session_id, sound = str(uuid4()), noise(5.1)
    record(recordings, session_id, sound)
    assert heard(recordings, session_id) == sound
    assert s3.objects() == {}

    assert recordings.carry() == 3

    assert [*(tmp_path / "a/recordings").iterdir()] == []
    stored = s3.objects()
    assert len(stored) == 3
    assert all(name.startswith(f"{PREFIX}/{session_id}/at") for name in stored)
    assert not any(sound[at : at + 16] in data for data in stored.values() for at in range(0, len(sound) - 16, 3_001))
    assert heard(recordings, session_id) == sound
    assert recordings.has(session_id)
    assert recordings.carry() == 0


def test_it_is_played_while_it_grows_and_while_it_is_carried_up(recordings: BucketRecordings):
    """R-053: from the disk, from both, from the store: at every moment all but the last quarter of a second; the growing part is never carried up."""
    session_id, sound = str(uuid4()), noise(5)
    file = recordings.open(session_id)
    for at in range(0, len(sound), 32_000):
        file.append(sound[at : at + 32_000])
        recordings.carry()
        have = heard(recordings, session_id) if recordings.has(session_id) else b""
        assert sound.startswith(have)
        assert len(have) > at + 32_000 - PIECE_BYTES
    file.close()
    recordings.carry()

    assert heard(recordings, session_id) == sound


def test_any_range_costs_few_requests(recordings: BucketRecordings, s3: S3Server):
    """Contract 4: a range is those bytes, over every border of parts; a listener's next piece was fetched with the last."""
    session_id, sound = str(uuid4()), noise(6.3)
    record(recordings, session_id, sound)
    recordings.carry()
    chance = random.Random(3)
    found = recordings.find(session_id)
    assert found is not None
    with closing(found):
        whole = found.read(0, found.size)
        assert whole[HEADER_BYTES:] == sound
        borders = [0, HEADER_BYTES, len(whole), *(HEADER_BYTES + n * 2 * BYTES_PER_SECOND for n in range(1, 4))]
        for _ in range(40):
            start, stop = sorted(max(0, chance.choice(borders) + chance.randint(-70, 70)) for _ in range(2))
            assert found.read(start, stop) == whole[start:stop]
    s3.requests.clear()
    found = recordings.find(session_id)
    assert found is not None
    with closing(found):
        assert b"".join(found.read(at, at + 16_000) for at in range(0, found.size, 16_000)) == whole
    assert len([1 for method, _ in s3.requests if method == "GET"]) <= 1 + 4


def test_another_server_goes_on(recordings: BucketRecordings, s3: S3Server, tmp_path: Path):
    """F1: the call moves to a server with a disk of its own, before the first has carried anything up; each part finds its place on the clock, a gap is silence."""
    second, session_id = another(recordings, s3, tmp_path), str(uuid4())
    first, then, last = noise(3, 1), noise(1.5, 2), noise(0.5, 3)
    record(recordings, session_id, first)
    record(second, session_id, then, at_ms=4_000)
    second.carry()
    assert heard(second, session_id) == bytes(4 * BYTES_PER_SECOND) + then

    recordings.carry()
    record(recordings, session_id, last, at_ms=5_500)
    recordings.carry()

    assert heard(second, session_id) == first + bytes(BYTES_PER_SECOND) + then + last
    file = second.open(session_id, at_ms=100)
    assert file.duration_ms == 6_000
    file.close()


def test_what_a_dead_server_had_recorded_beyond_the_clock_gives_way(recordings: BucketRecordings, s3: S3Server, tmp_path: Path):
    """A9: a server that died without telling how far it was is overruled, from the moment on at which the next one took over."""
    second, session_id = another(recordings, s3, tmp_path), str(uuid4())
    lost, then = noise(3, 1), noise(2, 2)
    record(recordings, session_id, lost)
    record(second, session_id, then, at_ms=2_500)
    recordings.carry()
    second.carry()

    assert heard(second, session_id) == lost[: 2 * BYTES_PER_SECOND + BYTES_PER_SECOND // 2] + then


def test_a_leg_that_replaces_another_goes_on_in_the_same_part(recordings: BucketRecordings):
    """R-053: two have it open, the last closes it."""
    session_id, sound = str(uuid4()), noise(1)
    first, second = recordings.open(session_id), recordings.open(session_id)
    assert first is second
    first.append(sound[:32_000])
    first.close()
    second.append(sound[32_000:])
    second.close()

    assert heard(recordings, session_id) == sound
    with pytest.raises(ValueError, match="closed"):
        second.append(sound)


@pytest.mark.parametrize("fault", ["503", "cut", "slow"])
def test_faults_that_pass_are_waited_out(recordings: BucketRecordings, s3: S3Server, fault: str):
    """F4: every second request fails or is slow, in carrying up and in playing; all comes through, within the bound."""
    session_id, sound, turn = str(uuid4()), noise(3), count()
    record(recordings, session_id, sound)
    s3.fault = lambda method, path: fault if next(turn) % 2 == 0 else ""

    recordings.carry()

    assert heard(recordings, session_id) == sound
    assert len(s3.objects()) == 2


def test_a_store_that_stays_away_loses_nothing(recordings: BucketRecordings, s3: S3Server, tmp_path: Path):
    """F4: tried a bounded number of times, said with a reason; calls go on meanwhile, and when it is back all is carried up."""
    session_id, sound = str(uuid4()), noise(3)
    record(recordings, session_id, sound[: 2 * BYTES_PER_SECOND])
    s3.fault = lambda method, path: "503"

    with pytest.raises(RecordingsAway) as caught:
        recordings.carry()
    assert (caught.value.reason, caught.value.vendor_says) == ("broken", "ServiceUnavailable")
    assert len(s3.requests) <= 3
    with pytest.raises(RecordingsAway):
        recordings.find(session_id)
    assert recordings.has(session_id)
    record(recordings, session_id, sound[2 * BYTES_PER_SECOND :], at_ms=2_000)

    s3.fault = lambda method, path: ""
    assert recordings.carry() == 2
    assert heard(recordings, session_id) == sound


def test_nothing_left_of_an_erased_one(recordings: BucketRecordings, s3: S3Server, tmp_path: Path):
    """R-114, P3: objects, waiting files, the vendor's copy and the key go; what another server carries up at that moment or finds later goes too."""
    second, session_id, kept = another(recordings, s3, tmp_path), str(uuid4()), str(uuid4())
    (tmp_path / "mp3").write_bytes(b"ID3" * 1_000)
    for store in (recordings, second):
        record(store, session_id, noise(3), at_ms=0)
    record(recordings, kept, noise(1))
    recordings.keep_vendor(session_id, "call-1", tmp_path / "mp3", "audio/mpeg")
    recordings.carry()
    (copy,) = second.vendor_copies(session_id)
    with closing(copy):
        assert (copy.media_type, copy.read(0, copy.size)) == ("audio/mpeg", b"ID3" * 1_000)
    record(recordings, session_id, noise(1), at_ms=3_000)
    erased = []

    def erase_now(method: str, path: str) -> str:
        if method == "PUT" and not erased:
            erased.append(recordings.delete(session_id))
        return ""

    s3.fault = erase_now
    second.carry()

    assert erased == [True]
    assert {name.split("/")[2] for name in s3.objects()} == {kept}
    assert not list((tmp_path / "a/recordings").glob(f"{session_id}*"))
    assert not list((tmp_path / "b/recordings").glob("*"))
    assert not recordings.has(session_id)
    assert recordings.find(session_id) is None
    assert recordings.delete(session_id) is False


def test_erasing_while_the_store_is_away(recordings: BucketRecordings, s3: S3Server):
    """P3: the key goes at once, so nothing can be played; the caller is told, and a repeat removes the objects."""
    session_id = str(uuid4())
    record(recordings, session_id, noise(1))
    recordings.carry()
    s3.fault = lambda method, path: "503"

    with pytest.raises(RecordingsAway):
        recordings.delete(session_id)
    s3.fault = lambda method, path: ""

    assert recordings.find(session_id) is None
    assert recordings.delete(session_id) is True
    assert s3.objects() == {}


def test_a_folder_s_recordings_move_into_the_bucket(recordings: BucketRecordings, s3: S3Server, tmp_path: Path):
    """A server that had a folder is given a bucket: what lies in the folder is carried up and played as before, and gone on with."""
    folder, session_id, sound = FolderRecordings(tmp_path / "a/recordings", recordings.keys), str(uuid4()), noise(2)
    record(folder, session_id, sound)

    assert heard(recordings, session_id) == sound
    recordings.carry()
    assert [*s3.objects()] == [f"{PREFIX}/{session_id}/sealed"]
    record(recordings, session_id, noise(1, 2), at_ms=2_000)
    recordings.carry()

    assert heard(recordings, session_id) == sound + noise(1, 2)


def test_a_part_that_cannot_be_opened_stays(recordings: BucketRecordings, s3: S3Server, tmp_path: Path):
    """F7: a damaged part neither stops the others nor is thrown away; one without any audio is."""
    bad, good, empty = str(uuid4()), str(uuid4()), str(uuid4())
    for session_id in (bad, good, empty):
        record(recordings, session_id, noise(1))
    folder = tmp_path / "a/recordings"
    (path,) = folder.glob(f"{bad}*")
    path.write_bytes(b"x" * 1_000)
    (path,) = folder.glob(f"{empty}*")
    path.write_bytes(path.read_bytes()[:20])

    assert recordings.carry() == 1
    assert [name.split("/")[2] for name in s3.objects()] == [good]
    assert [file.name.split(".")[0] for file in folder.iterdir()] == [bad]


KILLED = """
import sys, threading, time
from pathlib import Path
from tests.recordings import keys_in
from tests.storage.test_bucket_recordings import bucket_at
from storage.bucket_recordings import BucketRecordings
folder, session_id, url, at_ms = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
keys = keys_in(folder.parent)
keys.make = keys.get = lambda owner: bytes(32)
recordings = BucketRecordings(folder, bucket_at(url), keys, part_seconds=1)
def carry():
    while True:
        recordings.carry()
threading.Thread(target=carry, daemon=True).start()
file = recordings.open(session_id, at_ms)
begin = file.duration_ms // 20
for n in range(100_000):
    file.append((begin + n).to_bytes(4, "big") * 320)
    time.sleep(0.002)
    print(begin + n, flush=True)
"""


def test_a_kill_loses_no_more_than_a_piece(s3: S3Server, tmp_path: Path):
    """F1: killed while it records and carries up, three times over at different moments; what was taken is heard once, in order, but for the last quarter of a second each."""
    session_id, folder = str(uuid4()), tmp_path / "recordings"
    keys = keys_in(tmp_path)
    keys.make = keys.get = lambda owner: bytes(32)  # type: ignore[method-assign,assignment]
    recordings, taken = BucketRecordings(folder, bucket_at(s3.url), keys, part_seconds=1), 0
    for after in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(folder), session_id, s3.url, str(taken * 20)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert child.stdout is not None
        for _ in range(90 + 67 * after):
            taken = int(child.stdout.readline()) + 1
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().split("\n")
        child.wait()
        child.stdout.close()
        taken = max([taken, *(int(line) + 1 for line in rest[:-1] if line)])
        audio = heard(recordings, session_id)
        assert len(audio) >= taken * 1_280 - PIECE_BYTES
    for draft in folder.glob("*.part"):
        # Killed while a part was being begun: cleared away once nobody can still be about to name it.
        os.utime(draft, (0, 0))
    recordings.carry()

    assert [*folder.iterdir()] == []
    audio = heard(recordings, session_id)
    numbers = [int.from_bytes(audio[at : at + 4], "big") for at in range(0, len(audio), 1_280)]
    silent = [n for n, number in enumerate(numbers) if number != n]
    # Silence only, where a kill tore the end off: never a part in another's place.
    assert all(numbers[n] == 0 for n in silent)
    assert len(silent) <= 3 * (PIECE_BYTES // 1_280 + 1)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("InvalidAccessKeyId", "bad_key"),
        ("SignatureDoesNotMatch", "bad_key"),
        ("AccessDenied", "not_allowed"),
        ("PermanentRedirect", "wrong_region"),
        ("503", "broken"),
    ],
)
def test_what_is_wrong_is_told_apart(s3: S3Server, fault: str, reason: str):
    """What `prepkit doctor` has to explain, as S3 says it."""
    bucket = bucket_at(s3.url)
    bucket.check()
    assert s3.objects() == {}
    s3.fault = lambda method, path: fault

    with pytest.raises(RecordingsAway) as caught:
        bucket.check()

    assert caught.value.reason == reason


def test_a_missing_bucket_and_a_missing_store(s3: S3Server, unused_tcp_port: int):
    """The same for a bucket that is not there, and for an address where nobody listens."""
    for bucket, reason in (
        (bucket_at(s3.url, "not-there"), "no_bucket"),
        (bucket_at(f"http://127.0.0.1:{unused_tcp_port}"), "unreachable"),
    ):
        with pytest.raises(RecordingsAway) as caught:
            bucket.check()
        assert caught.value.reason == reason
