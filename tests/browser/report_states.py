"""Every state of a report, held on a real server in this process: for the accessibility test and for looking at (R-086, R-087).

`States.open` makes each interview through the real use cases; only what no use case can be made to do on purpose (a failed report, one that is being
written) is put into the row. `python -m tests.browser.report_states FOLDER` takes pictures of all.
"""

from __future__ import annotations

import asyncio
import math
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.session import InterviewSession, ReportStatus
from bridge.domain.setup import InterviewSetup
from bridge.usecases import answer_again, calling, sharing
from reporting.job import write_report
from storage.job_queue import JobStatus
from web.keys import JOBS
from web.reports import ENTITLED

from ..reporting.judging import judging
from ..smtp import Post, listening
from ..web.house import House, finished_session, live_session, ready_session, running, tell
from .rig import browser

STATES = (
    "full", "judged", "partial", "empty", "failed", "waiting", "stale", "again", "basic", "shared", "shared-words-hidden", "shared-gone",
    "not-over", "progress", "progress-empty",
)  # fmt: skip
SETUP = InterviewSetup(
    InterviewType.SYSTEM_DESIGN,
    Difficulty.MEDIUM,
    25,
    question_count=5,
    company="Northwind",
    role="Backend engineer",
    level="Senior",
)
VIEWS = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}


def halves(session: InterviewSession, share: float) -> list[str | None]:
    """Answers that say the first part of each model answer, the later the question the less, with a few fillers."""
    told: list[str | None] = []
    for n, question in enumerate(session.questions):
        parts = question.model_answer.split(". ")
        count = max(1, round(len(parts) * max(0.15, share - 0.18 * n)))
        told.append(f"Um, so basically, {'. '.join(parts[:count])}. You know, that is how I would start.")
    return told


async def held(
    house: House, share: float, *, days_ago: float = 0, report: bool = True, last: int | None = None
) -> InterviewSession:
    """An interview with answers so good; `last` ends it after so many questions."""
    now = datetime.now(UTC) - timedelta(days=days_ago, minutes=30)
    admitted = await live_session(house.store, house.user, SETUP, now)
    answers = halves(admitted.session, share)[:last]
    at_ms = await tell(house.store, admitted.session, answers=answers, over=last is None)
    reason = "finished" if last is None else "ended_by_candidate"
    await calling.finish(house.store, admitted.session.id, reason, elapsed_ms=at_ms, now=now + timedelta(milliseconds=at_ms))
    if report:
        await write_report(house.store, admitted.session.id)
    async with house.store.read() as tx:
        made = await tx.session(admitted.session.id)
    assert made is not None
    return made


async def record(house: House, session: InterviewSession) -> None:
    """A recording as long as the interview: a low hum, so that it can be heard to play."""
    length = max(1, session.elapsed_ms // 1000)
    tone = (900 * np.sin(2 * math.pi * 220 * np.arange(16_000) / 16_000)).astype("<i2")
    second = np.repeat(tone, 2).tobytes()
    file = await asyncio.to_thread(house.recordings.open, session.id)
    for _ in range(length):
        file.append(second)
    file.close()


class States:
    """Makes each state once; `open` gives the page's address."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._made: dict[str, str] = {}
        self._basic: set[str] = set()

    async def prepare(self) -> None:
        """A history of some weeks, so that trends and changes have something to show."""
        house = self.house

        async def entitled(tx: object, session: InterviewSession) -> bool:
            return session.id not in self._basic

        house.app._state[ENTITLED] = entitled
        for days, share in ((33, 0.3), (24, 0.45), (15, 0.4), (8, 0.65), (3, 0.75)):
            await held(house, share, days_ago=days)

    async def open(self, state: str) -> str:
        """The path of the state's page."""
        if state not in self._made:
            self._made[state] = await self._make(state)
        if state == "stale":
            await self._put("stale", ReportStatus.STALE)
        return self._made[state]

    async def _make(self, state: str) -> str:
        house = self.house
        match state:
            case "full":
                session = await held(house, 0.9)
                await record(house, session)
            case "judged":
                session = await held(house, 0.8)
                await record(house, session)
                async with judging() as (grader, _):
                    await write_report(house.store, session.id, grader=grader, asking="judged")
            case "partial":
                session = await held(house, 0.5, last=2)
            case "empty":
                session = await finished_session(house.store, house.user, SETUP, answers=[None] * 5)
            case "failed" | "waiting":
                session = await held(house, 0.5, report=False)
                # Its own job may still be writing it: the state is set on an interview of which nothing is asked any more.
                await self._settled(session)
                status = ReportStatus.FAILED if state == "failed" else ReportStatus.RUNNING
                session = await self._without_report(session, status)
            case "stale":
                session = await held(house, 0.6)
                await self._settled(session)
            case "again":
                first = await held(house, 0.5)
                session = await self._repeated(first)
            case "basic":
                session = await held(house, 0.7)
                self._basic.add(session.id)
            case "shared" | "shared-words-hidden" | "shared-gone":
                session = await held(house, 0.8)
                hidden = state == "shared-words-hidden"
                _, token = await sharing.share(
                    house.store, house.user, session.id, days=7, hide_name=hidden, hide_transcript=hidden, hide_audio=True, now=datetime.now(UTC)
                )  # fmt: skip
                return "/share/" + ("x" * 32 if state == "shared-gone" else token)
            case "not-over":
                session = await ready_session(house.store, house.user)
            case _:
                return "/progress"
        return f"/interviews/{session.id}/report"

    async def _put(self, state: str, status: ReportStatus) -> None:
        session_id = self._made[state].split("/")[2]
        async with self.house.store.begin() as tx:
            session = await tx.session(session_id, for_update=True)
            assert session is not None
            await tx.save_session(replace(session, report_status=status))

    async def _settled(self, session: InterviewSession) -> None:
        """Its own job has written the report, or found it written: nothing changes how it stands any more."""
        async with asyncio.timeout(60):
            while await self.house.app[JOBS].status(calling.REPORT_JOB, session.id) is not JobStatus.DONE:
                await asyncio.sleep(0.1)

    async def _without_report(self, session: InterviewSession, status: ReportStatus) -> InterviewSession:
        copy = replace(
            session,
            id=f"{session.id[:-4]}{'fa11' if status is ReportStatus.FAILED else 'aa17'}",
            report_status=status,
            call_id=None,
        )
        async with self.house.store.begin() as tx:
            await tx.add_session(copy)
            # The sweeper has a missing report written: the same key is one job for ever, and this one's time does not come.
            await tx.enqueue(calling.REPORT_JOB, copy.id, {"sessionId": copy.id}, after_seconds=timedelta(days=1).total_seconds())
        return copy

    async def _repeated(self, first: InterviewSession) -> InterviewSession:
        house, now = self.house, datetime.now(UTC)
        made = await answer_again.answer_again(house.store, house.user, first.id, 3, now)
        _, token = await calling.start(house.store, house.user, made.id, "local", now)
        admitted = await calling.admit(house.store, made.id, token, now)
        at_ms = await tell(house.store, admitted.session)
        await calling.finish(house.store, made.id, "finished", elapsed_ms=at_ms, now=now)
        await write_report(house.store, made.id)
        return made


@asynccontextmanager
async def states(folder: Path) -> AsyncIterator[States]:
    """A server with a history and a mail server beside it."""
    async with listening(Post()) as port:
        settings = {"smtp_url": f"smtp://127.0.0.1:{port}", "mail_from": "r@prepkit.test"}
        async with running(folder, **settings) as house:
            yield States(house)


async def take(folder: Path, wanted: list[str]) -> None:
    """All states in all views, and as they are printed."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        async with states(Path(data)) as made, browser() as chromium:
            for state in STATES:
                if state == "progress":
                    await made.prepare()
                if wanted and state not in wanted:
                    continue
                if state == "full" and not wanted:
                    await made.prepare()
                path = "/progress" if state.startswith("progress") else await made.open(state)
                for view, options in VIEWS.items():
                    await made.open(state)
                    context = await chromium.new_context(**options)
                    page = await context.new_page()
                    await page.goto(made.house.origin + path)
                    await page.wait_for_timeout(500)
                    await page.screenshot(path=folder / f"{state}-{view}.png", full_page=True)
                    if view == "desktop" and state in ("full", "partial", "basic", "again", "shared"):
                        await page.emulate_media(media="print")
                        await page.pdf(path=folder / f"{state}-print.pdf", format="A4")
                    await context.close()


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]), sys.argv[2:]))
