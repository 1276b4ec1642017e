"""The made-up history of `prepkit demo` goes through the real use cases and looks like five weeks of practice (C.3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bridge.domain.session import ReportStatus, SessionStatus
from storage.database import Database
from storage.migrate import migrate
from web.commands.demo import HISTORY, seed


async def test_five_finished_interviews_with_rising_scores(tmp_path: Path) -> None:
    """C.3: dated back, paired, reported, without a recording that is not there."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'demo.db'}"
    now = datetime.now(UTC)
    await migrate(url)
    store = await Database.open(url)
    try:
        ids = await seed(store, now)
        async with store.read() as tx:
            sessions = [await tx.session(session_id) for session_id in ids]
            reports = [await tx.report(session_id) for session_id in ids]
            segments = [await tx.segments(session_id) for session_id in ids]
    finally:
        await store.close()

    scores = [report.overall_score for report in reports if report is not None]
    assert len(HISTORY) == len(scores)
    # The questions are drawn by chance, so neighbours may be a point apart either way.
    assert scores[0] < scores[2] < scores[4]
    assert scores[0] < 60 < scores[-1]
    for past, session, asked in zip(HISTORY, sessions, segments, strict=True):
        assert session is not None
        assert (SessionStatus.COMPLETED, ReportStatus.READY, False) == (
            session.status, session.report_status, session.has_recording,
        )  # fmt: skip
        assert session.started_at == now - timedelta(days=past.days_ago)
        assert session.ended_at == session.started_at + timedelta(milliseconds=session.elapsed_ms)
        assert session.elapsed_ms <= session.setup.duration_minutes * 60_000
        assert len(session.questions) == len(asked)
        assert all(segment.answer for segment in asked)
