"""Sessions, turns, reports, vendors' calls, webhooks and costs to store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.events import Speaker, TurnRecorded, TurnSource
from bridge.domain.pricing import ExchangeRate
from bridge.domain.questions import FollowUp, KeyPoint, Question
from bridge.domain.segments import Segment, Turn
from bridge.domain.session import InterviewSession, SessionStatus
from bridge.domain.setup import FollowUpStyle, InterviewSetup, Pace, Voice
from bridge.domain.sharing import ShareLink
from bridge.domain.standing import Points, ReportFacts
from bridge.domain.upstream import CostEntry, CostKind, Delivery, EngineCall
from bridge.ports import StoredReport
from storage.database import Database

NOW = datetime(2026, 11, 25, 18, 0, 0, 123_456, tzinfo=UTC)


def question(n: int = 1, **changes: Any) -> Question:
    """A whole question."""
    made = Question(
        id=f"q-{n}",
        type=InterviewType.DSA,
        difficulty=Difficulty.MEDIUM,
        focus_area="arrays-strings",
        text=f"Question {n}: O(n²) → O(n)?",
        spoken=f"Question {n}, please.",
        motivation="It comes up.",
        rating=n,
        minutes=3.6,
        key_points=(KeyPoint("k1", "Two pointers", (("two pointers", "both ends"), ("sorted",))),),
        follow_ups=(FollowUp("And if it is unsorted?", "k1"),),
        model_answer="Use two pointers.",
        lesson="3.5",
    )
    return replace(made, **changes)


def session(**changes: Any) -> InterviewSession:
    """A ready session of the single user with two questions."""
    made = InterviewSession(
        id=str(uuid4()),
        user_id="00000000-0000-4000-8000-000000000001",
        setup=InterviewSetup(
            type=InterviewType.DSA,
            difficulty=Difficulty.MEDIUM,
            duration_minutes=20,
            focus_areas=("arrays-strings",),
            other_areas=("quantum sorting",),
            specific_requirements="Bitte langsam. 日本語 🙂",
            voice=Voice.WARM,
            pace=Pace.SLOW,
            follow_up_style=FollowUpStyle.DEEP_DIVE,
            cv="Zehn Jahre Datenbanken.",
            job_description="Jemand für Warteschlangen.",
            company="Acme",
            role="Engineer",
            level="L4",
            question_count=5,
        ),
        questions=(question(1), question(2)),
        status=SessionStatus.READY,
        created_at=NOW,
    )
    return replace(made, **changes)


async def stored(database: Database, **changes: Any) -> InterviewSession:
    """A session that is in the database, its user too."""
    made = session(**changes)
    async with database.begin() as tx:
        await tx.single_user()
        await tx.add_session(made)
    return made


def said(turn_id: str = "t1", text: str = "Two pointers.", start_ms: int = 1000, **changes: Any) -> TurnRecorded:
    """Words of the candidate."""
    made = TurnRecorded(
        at_ms=start_ms + 500,
        turn_id=turn_id,
        speaker=Speaker.CANDIDATE,
        text=text,
        question_id="q-1",
        start_ms=start_ms,
        end_ms=start_ms + 500,
        source=TurnSource.SPEECH,
    )
    return replace(made, **changes)


def turn(turn_id: str = "t1", text: str = "Two pointers.", start_ms: int = 1000, **changes: Any) -> Turn:
    """A turn of the candidate."""
    made = Turn(turn_id, Speaker.CANDIDATE, text, "q-1", start_ms, start_ms + 500, "speech", True, False)
    return replace(made, **changes)


def segment(n: int = 1, **changes: Any) -> Segment:
    """A question with its answer."""
    made = Segment(f"q-{n}", n, f"Question {n}?", ("And then?",), ("t1",), "Two pointers.", 900, 1500, True)
    return replace(made, **changes)


def facts(session_id: str, **changes: Any) -> ReportFacts:
    """The facts of a report."""
    made = ReportFacts(
        session_id=session_id,
        user_id="00000000-0000-4000-8000-000000000001",
        report_id="rep-1",
        type=InterviewType.DSA,
        difficulty=Difficulty.MEDIUM,
        at=NOW,
        overall_score=71,
        dimensions={"timeManagement": 80},
        areas={"arrays-strings": 71},
        concepts={"hashing": Points(4, 1.5)},
    )
    return replace(made, **changes)


def share(session_id: str, **changes: Any) -> ShareLink:
    """An open link that hides nothing."""
    made = ShareLink(str(uuid4()), session_id, False, False, False, NOW, NOW + timedelta(days=7))
    return replace(made, **changes)


def report(session_id: str, version: int = 1, **changes: Any) -> StoredReport:
    """A version of a report."""
    made = StoredReport(
        id=f"rep-{uuid4()}",
        session_id=session_id,
        version=version,
        generated_at=NOW + timedelta(minutes=version),
        overall_score=70 + version,
        content_hash=f"{version:064x}",
        body={"overallScore": 70 + version, "strengths": ["Clear"], "share": 0.25, "none": None},
    )
    return replace(made, **changes)


def engine_call(session_id: str, n: int = 1, **changes: Any) -> EngineCall:
    """A vendor's call that has just been made."""
    made = EngineCall(
        id=f"call-{n}", engine="vapi", session_id=session_id, created_at=NOW + timedelta(minutes=n), base_ms=n * 1000
    )
    return replace(made, **changes)


def delivery(key: str = "ended", call_id: str | None = "call-1", **changes: Any) -> Delivery:
    """A webhook of a call; what it says to the domain is not stored."""
    made = Delivery(
        call_id=call_id, key=key, type="status-update", messages=(), body={"message": {"said": "my words"}}, sent_at=NOW
    )
    return replace(made, **changes)


def cost(session_id: str, ref: str = "vapi:call-1:actual", **changes: Any) -> CostEntry:
    """What a call did cost."""
    made = CostEntry(
        session_id=session_id,
        ref=ref,
        kind=CostKind.ACTUAL,
        provider="vapi",
        item="call",
        quantity=20.5,
        unit="minutes",
        amount_micros=1_025_000,
        currency="USD",
        at=NOW,
    )
    return replace(made, **changes)


def kept(entry: CostEntry) -> CostEntry:
    """The same as it comes back: in rupees too, at the rate a database has where nobody says another."""
    rate = ExchangeRate()
    return replace(entry, inr_micros=rate.inr_micros(entry), usd_inr=rate.per_usd)
