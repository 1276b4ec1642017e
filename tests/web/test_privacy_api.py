"""A person's rights over the API: consent before audio, archive, erasure with a receipt (R-112…R-117, P1, P2, P5, M9)."""

from __future__ import annotations

import asyncio
import io
import json
import time
import zipfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.domain.privacy import CONSENT_VERSION
from bridge.domain.session import SessionStatus
from bridge.usecases import calling
from web import exports
from web.keys import STORE

from .house import AGREED, SETUP, House, add_recording, add_user, copy_for, finished_session, ready_session, until_none

pytestmark = pytest.mark.asyncio(loop_scope="module")
MARK = "Zanzibarmelone"
"""A word that is nowhere by chance."""


async def archive_of(house: House) -> zipfile.ZipFile:
    """A new archive, once it is ready."""
    status, made = await house.call("POST", "/api/me/export")
    assert status == 202, made

    async def waiting() -> bool:
        return (await house.call("GET", f"/api/me/export/{made['exportId']}"))[1]["status"] == "waiting"

    await until_none(waiting, 120)
    async with house.client.get(f"{house.origin}/api/me/export/{made['exportId']}/archive") as response:
        assert (200, "application/zip") == (response.status, response.content_type)
        return zipfile.ZipFile(io.BytesIO(await response.read()))


async def receipt_of(house: House, receipt: dict[str, str], *, done: bool = True) -> dict[str, Any]:
    """The receipt, once nothing is pending."""

    async def pending() -> bool:
        return done and (await house.call("GET", f"/api/erasures/{receipt['id']}"))[1]["state"] == "pending"

    await until_none(pending, 30)
    return (await house.call("GET", f"/api/erasures/{receipt['id']}"))[1]


# Consent --------------------------------------------------------------------------------------------------------------
async def test_starting_on_ones_own_machine_is_consent(house: House):
    """Contract 4: a bare start works where one person alone uses the server and nothing leaves it; what was taken back stays taken back."""
    session = await ready_session(house.store, house.user)
    start = f"/api/interviews/{session.id}/start"

    status, _ = await house.call("POST", start)
    _, given = await house.call("GET", f"/api/interviews/{session.id}/consent")
    await house.call("DELETE", f"/api/interviews/{session.id}/consent")
    again, _ = await house.call("POST", start)

    assert (200, 409) == (status, again)
    assert (given["given"]["version"], given["given"]["receivers"]) == (CONSENT_VERSION, [])


async def test_no_audio_without_consent(house: House):
    """P5: a token by whatever way opens a socket that is closed at once: no leg, no recording, nothing in the log."""
    session = await ready_session(house.store, house.user)
    _, token = await calling.start(house.store, house.user, session.id, "local", datetime.now(UTC))

    async with house.client.ws_connect(
        f"{house.origin}/ws/interviews/{session.id}?token={token}", protocols=["prepkit.pcm.v1"]
    ) as ws:
        await ws.send_bytes(b"\1\0" * 320)
        message = await ws.receive(timeout=10)

    assert (message.type, message.data, message.extra) == (aiohttp.WSMsgType.CLOSE, 1008, "consent_required")
    assert house.recordings.find(session.id) is None
    async with house.store.read() as tx:
        assert await tx.events(session.id) == []


async def test_consent_is_stored_with_words_and_time(house: House):
    """R-116: version, who receives the voice, when, and the choice about training at that moment; agreeing twice is agreeing once."""
    assert (200, {"training": True}) == await house.call("POST", "/api/me/privacy", json={"training": True})
    session = await ready_session(house.store, house.user)
    path = f"/api/interviews/{session.id}/consent"
    before = (await house.call("GET", path))[1]

    status, first = await house.call("POST", path, json={"version": CONSENT_VERSION})
    _, again = await house.call("POST", path, json={"version": CONSENT_VERSION})
    await house.call("POST", "/api/me/privacy", json={"training": False})
    started, _ = await house.call("POST", f"/api/interviews/{session.id}/start")

    assert before["given"] is None
    assert (201, first) == (status, again)
    assert {"version": CONSENT_VERSION, "withdrawnAt": None, "receivers": [], "training": True} == {
        key: value for key, value in first["given"].items() if key != "givenAt"
    }
    assert abs(time.time() - datetime.fromisoformat(first["given"]["givenAt"]).timestamp()) < 30
    assert started == 200
    assert (await house.call("GET", path))[1]["given"]["training"] is True


@pytest.mark.parametrize("version", ["", "2020-01-01", "x" * 33, 7, None])
async def test_only_todays_words_can_be_agreed_to(house: House, version: Any):
    """R-116: another version is refused with the words of today, or as a bad field."""
    session = await ready_session(house.store, house.user)

    for path, body in [("consent", {"version": version}), ("start", {"consent": {"version": version}})]:
        status, _ = await house.call("POST", f"/api/interviews/{session.id}/{path}", json=body)
        assert status in (400, 422)
    async with house.store.read() as tx:
        assert await tx.consent(session.id) is None


async def test_taking_it_back_ends_the_call_and_destroys_the_recording(house: House):
    """M9: in a call the socket closes as finished, no new start is possible, the recording is gone, the words stay, and a receipt says so."""
    session = await ready_session(house.store, house.user)
    _, begun = await house.call("POST", f"/api/interviews/{session.id}/start", json=AGREED)
    url = f"{begun['bridgeUrl'].replace('ws', 'http', 1)}?token={begun['token']}"
    async with house.client.ws_connect(url, protocols=["prepkit.pcm.v1"]) as ws:
        await ws.send_bytes(bytes(640))
        while house.recordings.find(session.id) is None:
            await asyncio.sleep(0.05)
        told: list[dict[str, Any]] = []

        async def listen() -> None:
            told.extend([json.loads(message.data) async for message in ws if message.type is aiohttp.WSMsgType.TEXT])

        ear = asyncio.create_task(listen())
        status, body = await house.call("DELETE", f"/api/interviews/{session.id}/consent")
        await asyncio.wait_for(ear, 10)

    assert (200, 1000) == (status, ws.close_code)
    assert body["given"]["withdrawnAt"] is not None
    assert [m["data"]["reason"] for m in told if m.get("data", {}).get("type") == "ended"] == ["consent_withdrawn"]
    receipt = await receipt_of(house, body["receipt"])
    assert ("recording", "complete") == (receipt["scope"], receipt["state"])
    assert house.recordings.find(session.id) is None
    _, shown = await house.call("GET", f"/api/interviews/{session.id}")
    assert (shown["status"], shown["endReason"]) == ("failed", "consent_withdrawn")
    assert (await house.call("POST", f"/api/interviews/{session.id}/start", json=AGREED))[0] == 409


async def test_taking_back_what_was_never_given(house: House):
    """R-116: 404, and nothing happens."""
    session = await ready_session(house.store, house.user)

    assert (await house.call("DELETE", f"/api/interviews/{session.id}/consent"))[0] == 404
    async with house.store.read() as tx:
        assert session == await tx.session(session.id)


# Export ---------------------------------------------------------------------------------------------------------------
async def test_an_archive_of_everything(house: House):
    """R-117, P1: rows of every table, each interview as the API shows it, its recording, its report as a PDF; no secret; nothing of a stranger."""
    session = await finished_session(house.store, house.user, replace(SETUP, company=f"{MARK} Ltd"))
    wav = await add_recording(house.recordings, session.id, 3.2)
    stranger = await copy_for(house.store, await ready_session(house.store, house.user), user_id=await add_user(house.store))
    _, link = await house.call("POST", f"/api/interviews/{session.id}/share")

    archive = await archive_of(house)

    assert archive.testzip() is None
    names = archive.namelist()
    (folder,) = {name.rpartition("/")[0] for name in names if session.id[:8] in name}
    assert archive.read(f"{folder}/recording.wav") == wav
    assert archive.read(f"{folder}/report.pdf").startswith(b"%PDF-")
    shown = json.loads(archive.read(f"{folder}/interview.json"))
    assert (shown["sessionId"], shown["configuration"]["company"]) == (session.id, f"{MARK} Ltd")
    assert shown["transcript"]
    assert shown["report"]["overallScore"] is not None
    everything = b"".join(archive.read(name) for name in names)
    assert stranger.id.encode() not in everything
    assert link["url"].rsplit("/", 1)[1].encode() not in everything
    assert b"token_hash" not in everything
    assert b"wrapped" not in everything
    assert "README.txt" in names


async def test_archives_are_encrypted_where_they_lie(house: House):
    """P4: neither a ZIP's beginning nor a word of it is in the file."""
    await archive_of(house)

    stored = [path.read_bytes() for path in (house.data_dir / "exports").iterdir()]

    assert stored
    assert not any(mark in data for data in stored for mark in (b"PK\3\4", b"README.txt", b"interview.json", b"RIFF"))


async def test_one_archive_at_a_time_and_only_ones_own(house: House):
    """R-117, A1: a second order while one is made is 409; a stranger's archive is as unknown as one that is not."""
    theirs = await exports.order(house.store, await add_user(house.store), datetime.now(UTC))
    mine = await exports.order(house.app[STORE], house.user, datetime.now(UTC))

    assert (await house.call("POST", "/api/me/export"))[0] == 409
    for path in ("", "/archive"):
        assert (await house.call("GET", f"/api/me/export/{theirs.id}{path}"))[0] == 404

    async def waiting() -> bool:
        return (await house.call("GET", f"/api/me/export/{mine.id}"))[1]["status"] == "waiting"

    await until_none(waiting, 60)
    listed = (await house.call("GET", "/api/me/export"))[1]["exports"]
    assert theirs.id not in {export["exportId"] for export in listed}


# Erasure --------------------------------------------------------------------------------------------------------------
def found_in(folder: Path, needle: bytes) -> list[str]:
    """Files below the folder that hold these bytes."""
    return [path.name for path in folder.rglob("*") if path.is_file() and needle in path.read_bytes()]


async def test_erasing_one_interview_leaves_no_byte(house: House):
    """P2, R-115: planted in wishes, transcript and report, the word is in no file of the data folder, the database's log included."""
    word = f"{MARK}Eins"
    setup = replace(SETUP, specific_requirements=word, cv=word * 3)
    session = await finished_session(house.store, house.user, setup, answers=[f"{word} said aloud."] * 9)
    await add_recording(house.recordings, session.id)
    assert found_in(house.data_dir, word.encode()) != []

    _, body = await house.call("DELETE", f"/api/interviews/{session.id}")
    receipt = await receipt_of(house, body["receipt"])

    assert receipt["state"] == "complete"
    assert {"erased", "kept"} == {copy["state"] for copy in receipt["copies"]}
    assert all(copy["note"] for copy in receipt["copies"] if copy["state"] == "kept")
    assert session.id not in json.dumps(receipt)
    assert found_in(house.data_dir, word.encode()) == []
    assert [path.name for path in house.data_dir.rglob(f"*{session.id}*")] == []


@pytest.mark.parametrize("body", [{}, {"confirm": False}, {"confirm": "true"}, {"confirm": 1}, []])
async def test_an_account_is_not_erased_by_accident(house: House, body: Any):
    """R-115: only `{confirm: true}` will do."""
    session = await ready_session(house.store, house.user)

    status, _ = await house.call("DELETE", "/api/me", json=body)

    assert status == 400
    assert (await house.call("GET", f"/api/interviews/{session.id}"))[0] == 200


async def test_erasing_the_account(house: House):
    """P2, R-115: every interview, archive and recording of the person, and no byte left; a stranger's stay; a receipt for each copy."""
    word = f"{MARK}Zwei"
    setup = replace(SETUP, company=word)
    done = [await finished_session(house.store, house.user, setup, answers=[word] * 9) for _ in range(3)]
    for session in done:
        await add_recording(house.recordings, session.id)
    stranger = await copy_for(house.store, await ready_session(house.store, house.user), user_id=await add_user(house.store))
    await archive_of(house)
    _, before = await house.call("GET", "/api/me/export")

    status, body = await house.call("DELETE", "/api/me", json={"confirm": True})
    receipt = await receipt_of(house, body["receipt"])

    assert (200, True) == (status, body["deleted"])
    assert (receipt["scope"], receipt["state"]) == ("account", "complete")
    assert found_in(house.data_dir, word.encode()) == []
    ours = {export["url"].split("/")[4] for export in before["exports"] if export["url"]}
    assert ours
    assert not any(path.name.split(".")[0] in ours for path in (house.data_dir / "exports").iterdir())
    assert (await house.call("GET", "/api/interviews/history"))[1]["total"] == 0
    assert (await house.call("GET", "/api/me/export"))[1]["exports"] == []
    for session in done:
        found = await asyncio.to_thread(house.recordings.find, session.id)
        if found is not None:
            with closing(found):
                pytest.fail("a recording was left")
    async with house.store.read() as tx:
        kept = await tx.session(stranger.id)
    assert kept is not None
    assert kept.status is SessionStatus.READY


async def test_a_receipt_needs_its_whole_address(house: House):
    """M9: without signing in, but only for who has the link."""
    for wrong in ("x", "..%2f", "A" * 32):
        assert (await house.call("GET", f"/api/erasures/{wrong}"))[0] == 404
