"""PDFs of reports are drawn once and kept, sealed, as long as they show what would be drawn now (R-117, P1, P2, P3, P4).

That nothing is drawn is seen by taking the writer away: it is then a process that ends at once, so whatever still comes was kept.
"""

from __future__ import annotations

import asyncio
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bridge.domain.session import InterviewSession
from bridge.errors import AtCapacity
from reporting.job import write_report
from storage.job_queue import JobStatus
from storage.pdfs import key_owner
from web import kept_pdfs, pdf
from web.keys import JOBS, KEYS

from .house import House, add_recording, finished_session, until_none
from .test_privacy_api import archive_of, found_in, receipt_of

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(120),
    pytest.mark.skipif(not pdf.available(), reason="WeasyPrint or Pango is not on this machine"),
]
ANSWERS: list[str | None] = ["I would put a cache in front of it.", None, None]


@pytest.fixture
def no_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has something drawn is told that it could not be."""
    (tmp_path / "pdf_writer.py").write_text("import sys; sys.exit(1)")
    monkeypatch.setattr(pdf, "files", lambda _: tmp_path)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session(house: House) -> InterviewSession:
    """An interview whose report was drawn ahead, and so is kept."""
    made = await house.finished(answers=ANSWERS)
    await kept_pdfs.draw(house.app, made.id)
    assert (await download(house, made.id)).startswith(b"%PDF-")
    return made


async def download(house: House, session_id: str) -> bytes:
    """The PDF over the API."""
    async with house.client.get(f"{house.origin}/api/interviews/{session_id}/report.pdf") as response:
        assert response.status == 200, await response.text()
        return await response.read()


async def body_of(house: House, session_id: str) -> dict[str, Any]:
    """The report as the download shows it."""
    house.forget()
    status, body = await house.call("GET", f"/api/interviews/{session_id}/report")
    assert status == 200
    return dict(body)


async def stored(house: House, session_id: str) -> tuple[bytes | None, bytes | None]:
    """What is kept of it as it lies there, and its key as that is wrapped."""

    def read() -> tuple[bytes | None, bytes | None]:
        with closing(sqlite3.connect(f"file:{house.data_dir / 'prepkit.db'}?mode=ro", uri=True)) as connection:
            sealed = connection.execute(
                "SELECT sealed FROM report_pdfs WHERE session_id = ?", (session_id.replace("-", ""),)
            ).fetchone()
            key = connection.execute(
                "SELECT wrapped FROM data_keys WHERE owner_id = ?", (key_owner(session_id).replace("-", ""),)
            ).fetchone()
        return (sealed and sealed[0], key and key[0])

    return await asyncio.to_thread(read)


def pdfs_of(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """Its reports, by the first characters of their interviews' ids."""
    return {name.split("/")[1][-8:]: archive.read(name) for name in archive.namelist() if name.endswith("/report.pdf")}


async def test_an_archive_draws_what_is_missing_and_nothing_else(house: House, session: InterviewSession, tmp_path: Path) -> None:
    """P1, R-117: the first archive takes what was downloaded and draws the others; the second draws none, and has the same bytes."""
    others = [await house.finished(answers=ANSWERS) for _ in range(2)]
    await add_recording(house.recordings, others[0].id)
    downloaded = await download(house, session.id)

    first = pdfs_of(await archive_of(house))
    with pytest.MonkeyPatch.context() as patch:
        (tmp_path / "pdf_writer.py").write_text("import sys; sys.exit(1)")
        patch.setattr(pdf, "files", lambda _: tmp_path)
        late = await house.finished(answers=ANSWERS)
        archive = await archive_of(house)
    second = pdfs_of(archive)

    assert {each.id[:8] for each in (session, *others)} <= set(first)
    assert all(each.startswith(b"%PDF-") for each in first.values())
    assert first == second
    assert first[session.id[:8]] == downloaded
    assert late.id[:8] in archive.read("README.txt").decode(), "the writer was away"


async def test_it_is_sealed_where_it_lies(house: House, session: InterviewSession) -> None:
    """P4: no file of the data folder holds the beginning of a PDF or a word of its structure, the database's log included."""
    sealed, key = await stored(house, session.id)

    assert sealed
    assert key
    for mark in (b"%PDF-", b"/StructTreeRoot", b"%%EOF"):
        assert await asyncio.to_thread(found_in, house.data_dir, mark) == []


@pytest.mark.usefixtures("no_writer")
async def test_what_is_kept_is_given_again(house: House, session: InterviewSession) -> None:
    """P1: a download draws nothing while nothing has changed."""
    body = await body_of(house, session.id)

    assert await kept_pdfs.of(house.app, session.id, body) == await kept_pdfs.of(house.app, session.id, body)


@pytest.mark.usefixtures("no_writer")
@pytest.mark.parametrize(
    "change",
    [
        {"summary": "Another one."},
        {"review": {"state": "done", "askedAt": "2026-11-01T10:00:00Z", "dueAt": "2026-11-05T10:00:00Z",
                    "doneAt": "2026-11-03T10:00:00Z", "overallScore": 41, "comment": "Name the trade-off."}},
    ],
    ids=["words", "review"],
)  # fmt: skip
async def test_a_stale_one_is_never_given(house: House, session: InterviewSession, change: dict[str, Any]) -> None:
    """P1: other words or a review make another PDF; where it cannot be drawn there is none, in an archive either."""
    body = await body_of(house, session.id) | change

    for any_day in (False, True):
        with pytest.raises(AtCapacity):
            await kept_pdfs.of(house.app, session.id, body, any_day=any_day)


@pytest.mark.usefixtures("no_writer")
async def test_only_an_archive_takes_the_comparison_of_another_day(house: House, session: InterviewSession) -> None:
    """R-131, P1: other people's interviews move the comparison: the download has today's, an archive the one that its PDF names the day of."""
    body = await body_of(house, session.id)
    compared = {
        "yourScore": 50, "averageForDifficulty": 61, "topPerformerScore": 90, "percentileRank": 12, "groupSize": 40,
        "minimumGroup": 20, "statusMessage": "11 points below the average of 40 interviews",
    }  # fmt: skip
    moved = body | {"comparisonToStandards": compared}

    assert (await kept_pdfs.of(house.app, session.id, moved, any_day=True)).startswith(b"%PDF-")
    with pytest.raises(AtCapacity):
        await kept_pdfs.of(house.app, session.id, moved)
    assert "Compared on this server on 7 May 2026" in pdf.html_of(moved, "7 May 2026")


async def test_another_version_is_drawn_and_takes_the_place(house: House) -> None:
    """P1: after a report was made again its PDF is drawn anew; one is kept."""
    session = await house.finished(answers=ANSWERS)
    await kept_pdfs.draw(house.app, session.id)
    before, old = await download(house, session.id), (await stored(house, session.id))[0]
    await write_report(house.store, session.id, asking="again")

    after = await download(house, session.id)
    left = (await stored(house, session.id))[0]
    await kept_pdfs.draw(house.app, session.id)

    assert before != after
    assert old is not None
    assert old == left, "whoever only looks changes nothing (A3)"
    assert old != (await stored(house, session.id))[0]


@pytest.mark.usefixtures("no_writer")
async def test_it_outlives_the_recording_and_a_change_of_keys(house: House, session: InterviewSession) -> None:
    """P3, P4: erasing a recording leaves the report's PDF, and brings back no key of the recording; the master key is exchanged while it is kept."""
    await add_recording(house.recordings, session.id)
    body, keys = await body_of(house, session.id), house.app[KEYS]
    before = (await stored(house, session.id))[1]

    await asyncio.to_thread(house.recordings.delete, session.id)
    await asyncio.to_thread(keys.masters.add)
    while await asyncio.to_thread(keys.rewrap):
        pass

    assert (await kept_pdfs.of(house.app, session.id, body)).startswith(b"%PDF-")
    assert await asyncio.to_thread(keys.get, session.id) is None
    assert before != (await stored(house, session.id))[1]


async def test_it_goes_with_its_interview(house: House) -> None:
    """P2: row and key are gone; a PDF that was being drawn at that moment is kept by nobody."""
    session = await house.finished(answers=ANSWERS)
    body = await body_of(house, session.id)
    await kept_pdfs.draw(house.app, session.id)
    sealed, _ = await stored(house, session.id)
    assert sealed

    _, answer = await house.call("DELETE", f"/api/interviews/{session.id}")
    receipt = await receipt_of(house, answer["receipt"])
    gone = await stored(house, session.id)
    await kept_pdfs.of(house.app, session.id, body)

    assert receipt["state"] == "complete"
    assert (None, None) == gone == await stored(house, session.id)
    assert await asyncio.to_thread(found_in, house.data_dir, sealed[100:200]) == []


async def test_a_new_report_is_drawn_ahead(house: House) -> None:
    """P1: the job that writes a report leaves one that draws it; what that one drew is not drawn again."""
    session = await finished_session(house.store, house.user, answers=ANSWERS, report=False)

    async def waiting() -> bool:
        return await house.app[JOBS].status(kept_pdfs.DRAW_JOB, f"{session.id}:1") is None

    await until_none(waiting, 60)
    assert await house.app[JOBS].status(kept_pdfs.DRAW_JOB, f"{session.id}:1") is JobStatus.WAITING
    await kept_pdfs.draw(house.app, session.id)
    drawn, _ = await stored(house, session.id)
    await kept_pdfs.draw(house.app, session.id)

    assert drawn
    assert drawn == (await stored(house, session.id))[0]


@pytest.mark.usefixtures("no_writer")
async def test_drawing_ahead_that_fails_is_no_failure(house: House) -> None:
    """B5: nothing is kept, the job is done, and the report is drawn when somebody asks."""
    session = await house.finished(answers=ANSWERS)

    await kept_pdfs.draw(house.app, session.id)

    assert (None, None) == await stored(house, session.id)
