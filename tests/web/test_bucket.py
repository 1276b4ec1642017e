"""A server whose recordings lie in an S3-compatible store: carried up by itself, played over HTTP, erased with a receipt, explained by `prepkit doctor`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.config import Settings, load
from bridge.errors import SettingsError
from bridge.usecases import privacy
from web.commands import backup, doctor

from ..s3 import BUCKET, S3Server, s3_server
from .house import House, add_recording, finished_session, running, until_none


@pytest.fixture
def s3() -> Iterator[S3Server]:
    """A store with an empty bucket."""
    with s3_server() as server:
        yield server


def there(s3: S3Server) -> dict[str, Any]:
    """The settings."""
    return {
        "recordings_url": f"s3://{BUCKET}/voice",
        "aws_access_key_id": "key",
        "aws_secret_access_key": "secret",
        "aws_endpoint_url": s3.url,
    }


def environment(s3: S3Server, folder: Path) -> dict[str, str]:
    """The same as an operator sets them."""
    names = {name: value for name, value in there(s3).items() if name != "recordings_url"}
    given = {name.upper(): value for name, value in names.items()}
    return given | {"PREPKIT_DATA_DIR": str(folder), "PREPKIT_PORT": "0", "PREPKIT_RECORDINGS_URL": f"s3://{BUCKET}/voice"}


@asynccontextmanager
async def kept_there(folder: Path, s3: S3Server):
    """A server, and a finished interview of its with a recording: (house, session id, the recording's bytes)."""
    async with running(folder, **there(s3)) as house:
        session = await finished_session(house.store, house.user)
        yield house, session.id, await add_recording(house.recordings, session.id, 2)


async def receipt_of(house: House, receipt: dict[str, str]) -> dict[str, Any]:
    """The receipt, once nothing is pending."""

    async def pending() -> bool:
        return (await house.call("GET", f"/api/erasures/{receipt['id']}"))[1]["state"] == "pending"

    await until_none(pending, 60)
    return (await house.call("GET", f"/api/erasures/{receipt['id']}"))[1]


async def test_from_the_call_to_the_receipt(tmp_path: Path, s3: S3Server):
    """R-053, R-115: the same bytes are played from the disk and from the store, whole and in part; an erasure leaves no object and a complete receipt."""
    async with kept_there(tmp_path, s3) as (house, session_id, wav):

        async def waits() -> bool:
            return any((tmp_path / "recordings").iterdir())

        await until_none(waits, 30)
        path = f"{house.origin}/api/interviews/{session_id}/recording"
        async with house.client.get(path) as response:
            assert (200, wav) == (response.status, await response.read())
        async with house.client.get(path, headers={"Range": "bytes=40000-40099"}) as response:
            assert (206, wav[40_000:40_100]) == (response.status, await response.read())
        assert len(s3.objects()) == 1

        _, body = await house.call("DELETE", f"/api/interviews/{session_id}")
        receipt = await receipt_of(house, body["receipt"])

        assert receipt["state"] == "complete"
        assert s3.objects() == {}


async def test_a_store_that_is_away(tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch):
    """F4, P3: a listener reads what happens, pages work on, an erasure is confirmed only when the objects are gone, asked for again by itself."""
    monkeypatch.setattr(privacy, "VENDOR_WAITS", (1,) * 60)
    async with kept_there(tmp_path, s3) as (house, session_id, _):

        async def waits() -> bool:
            return any((tmp_path / "recordings").iterdir())

        await until_none(waits, 30)
        s3.fault = lambda method, path: "503"
        status, body = await house.call("GET", f"/api/interviews/{session_id}/recording")
        assert (503, "recordings_away") == (status, body["error"]["code"])
        assert "Nothing is lost" in body["error"]["message"]
        assert (await house.fetch("GET", f"/interviews/{session_id}/report"))[0].status == 200

        _, body = await house.call("DELETE", f"/api/interviews/{session_id}")

        async def not_asked_again() -> bool:
            return not any(method == "GET" for method, _ in s3.requests[asked:])

        asked = len(s3.requests)
        await until_none(not_asked_again, 60)
        assert (await house.call("GET", f"/api/erasures/{body['receipt']['id']}"))[1]["state"] == "pending"
        assert len(s3.objects()) == 1
        s3.fault = lambda method, path: ""
        receipt = await receipt_of(house, body["receipt"])

        assert receipt["state"] == "complete"
        assert s3.objects() == {}


async def test_stopping_carries_up_what_is_left(tmp_path: Path, s3: S3Server):
    """R-053: a server that is stopped leaves nothing on its disk, and the next one plays it."""
    s3.fault = lambda method, path: "503" if method == "PUT" else ""
    async with kept_there(tmp_path / "a", s3) as (_, session_id, wav):
        s3.fault = lambda method, path: ""
    assert [*(tmp_path / "a/recordings").iterdir()] == []

    async with (
        running(tmp_path / "a", **there(s3)) as house,
        house.client.get(f"{house.origin}/api/interviews/{session_id}/recording") as response,
    ):
        assert (200, wav) == (response.status, await response.read())


async def test_a_backup_says_where_the_recordings_are(tmp_path: Path, s3: S3Server):
    """Archives hold the keys and what still waits; what lies in the bucket stays there, and the summary says so."""
    async with kept_there(tmp_path / "data", s3):
        pass
    manifest = backup.make(Settings(data_dir=tmp_path / "data", **there(s3)), tmp_path / "b.tar", {}, keys=True)

    assert not [name for name in manifest.files if name.startswith("recordings/")]
    assert f"Recordings in s3://{BUCKET}/voice are not in it" in backup.summary(manifest)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("", "can be written"),
        ("InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"),
        ("AccessDenied", "s3:PutObject"),
        ("PermanentRedirect", "AWS_REGION"),
    ],
)
async def test_the_doctor_tries_the_bucket(tmp_path: Path, s3: S3Server, fault: str, words: str):
    """Put, list, read, delete: what is wrong is named with the setting that changes it, and nothing is left behind."""
    s3.fault = lambda method, path: fault
    (finding,) = await doctor.bucket(load(environment(s3, tmp_path)))

    assert finding.ok is (not fault)
    assert words in finding.says
    assert s3.objects() == {}


async def test_the_doctor_names_a_wrong_bucket_and_endpoint(tmp_path: Path, s3: S3Server, unused_tcp_port: int):
    """The two other things people get wrong."""
    given = environment(s3, tmp_path)
    (bucket,) = await doctor.bucket(load(given | {"PREPKIT_RECORDINGS_URL": "s3://elsewhere"}))
    (endpoint,) = await doctor.bucket(load(given | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{unused_tcp_port}"}))

    assert (bucket.ok, endpoint.ok) == (False, False)
    assert "no bucket elsewhere" in bucket.says
    assert "AWS_ENDPOINT_URL" in endpoint.says
    assert await doctor.bucket(load({})) == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"PREPKIT_RECORDINGS_URL": "s3:///x"}, "names no bucket"),
        ({"PREPKIT_RECORDINGS_URL": "s3://Big_Bucket"}, "names no bucket"),
        ({"PREPKIT_RECORDINGS_URL": "s3://bucket/a//b"}, "single slashes"),
        ({"PREPKIT_RECORDINGS_URL": "gs://bucket"}, "s3://bucket/prefix"),
        ({"PREPKIT_RECORDINGS_URL": "s3://bucket", "AWS_ACCESS_KEY_ID": "key"}, "belong together"),
        ({"PREPKIT_RECORDINGS_URL": "s3://bucket", "AWS_ENDPOINT_URL": "store:9000"}, "AWS_ENDPOINT_URL"),
    ],
)
def test_a_wrong_setting_is_named(changed: dict[str, str], words: str):
    """Refused at the start, in words."""
    with pytest.raises(SettingsError, match=words):
        load(changed)


def test_the_client_is_loaded_only_for_a_bucket(tmp_path: Path):
    """M7: a server with a folder neither needs obstore nor loads it."""
    code = (
        "import sys; sys.modules['obstore'] = None\n"
        "import web.app, web.commands.doctor, web.commands.backup\n"
        "from bridge.config import load; from web.carrying import bucket_of\n"
        "settings = load({'PREPKIT_RECORDINGS_URL': 's3://bucket'})\n"
        "try: bucket_of(settings, settings.bucket)\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.startswith("SettingsError")
    assert "[s3]" in ran.stdout
