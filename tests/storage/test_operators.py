"""Feedback, facts for the figures, sessions and webhooks found by operators, and uptime, on SQLite and PostgreSQL (R-135, R-140…R-155)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.domain.events import ToolAnswered
from bridge.domain.figures import WINDOW, Feedback
from bridge.domain.session import SessionStatus
from bridge.errors import NotFound
from bridge.ports import DeliveryState
from bridge.ports.operators import SessionQuery
from storage.database import Database

from .samples import NOW, delivery, session


async def test_feedback_is_one_a_session_and_goes_with_its_words(database: Database) -> None:
    """R-135: the newest stands; a purge takes it; an unknown session is none."""
    async with database.begin() as tx:
        made = session(user_id=await tx.single_user())
        await tx.add_session(made)
        await tx.save_feedback(Feedback(made.id, 2, "Too\0 fast.", NOW))
        await tx.save_feedback(Feedback(made.id, 5, "Better now.", NOW))
        assert Feedback(made.id, 5, "Better now.", NOW) == await tx.feedback(made.id)
        assert [made.id] == [each.session_id for each in await tx.newest_feedback(limit=9)]
        await tx.purge_session(made.id)
        assert await tx.feedback(made.id) is None
    with pytest.raises(NotFound):
        async with database.begin() as tx:
            await tx.save_feedback(Feedback("99999999-9999-4999-8999-999999999999", 3, "", NOW))


async def test_the_facts_of_the_figures(database: Database) -> None:
    """R-140…R-155: begun sessions, ratings, the model's answers and uptime come out as they went in."""
    async with database.begin() as tx:
        user = await tx.single_user()
        begun = replace(
            session(user_id=user), status=SessionStatus.COMPLETED, started_at=NOW - timedelta(days=2), elapsed_ms=60_000
        )
        await tx.add_session(begun)
        answers = [
            ToolAnswered(at_ms=1, tool_call_id="a", tool="t", question_id="q", source="model", took_ms=800),
            ToolAnswered(at_ms=2, tool_call_id="b", tool="t", question_id="q", source="prepared", took_ms=3),
        ]
        await tx.append_events(begun.id, list(enumerate(answers, 1)), turns=[], segments=[])
        await tx.save_feedback(Feedback(begun.id, 4, "", NOW))
        await tx.keep_up("p", NOW - timedelta(hours=2), NOW - timedelta(hours=1))
        await tx.keep_up("p", NOW - timedelta(hours=2), NOW)
    async with database.read() as tx:
        facts = await tx.figure_facts(NOW - 2 * WINDOW, NOW)

    assert [(user, SessionStatus.COMPLETED, 60_000)] == [(s.user_id, s.status, s.elapsed_ms) for s in facts.sessions]
    assert ([4], [800], [(NOW - timedelta(hours=2), NOW)]) == (facts.ratings, facts.model_ms, facts.spans)


async def test_sessions_are_found_by_their_columns(database: Database) -> None:
    """M7: each filter alone, all together, pages; a deleted one is never found."""
    async with database.begin() as tx:
        user = await tx.single_user()
        one = session(user_id=user)
        two = replace(session(user_id=user), status=SessionStatus.PARTIAL, engine="vapi", created_at=NOW - timedelta(days=3))
        gone = replace(session(user_id=user), status=SessionStatus.DELETED)
        for each in (one, two, gone):
            await tx.add_session(each)
        await tx.save_feedback(Feedback(two.id, 2, "", NOW))
    queries = {
        SessionQuery(): [one.id, two.id], SessionQuery(status="partial"): [two.id], SessionQuery(engine="vapi"): [two.id],
        SessionQuery(id_prefix=one.id[:13].upper()): [one.id], SessionQuery(id_prefix="%"): [],
        SessionQuery(since=NOW - timedelta(days=1)): [one.id], SessionQuery(rating_up_to=3): [two.id],
        SessionQuery(rating_up_to=1): [], SessionQuery(limit=1, page=2): [two.id], SessionQuery(report_status="ready"): [],
        SessionQuery(type=two.setup.type.value, status="partial", engine="vapi", rating_up_to=2): [two.id],
    }  # fmt: skip
    async with database.read() as tx:
        for query, ids in queries.items():
            found, total = await tx.find_sessions(query)
            assert ids == [each.id for each in found], query
            assert total == (2 if query.page == 2 else len(ids))


async def test_a_webhook_that_was_not_applied_can_be_taken_in_again(database: Database) -> None:
    """M7: failed and ignored ones wait once more; an applied one stays applied."""
    async with database.begin() as tx:
        ids = [await tx.add_delivery("vapi", replace(delivery(), key=f"k{n}"), NOW) for n in range(3)]
        states = [DeliveryState.FAILED, DeliveryState.IGNORED, DeliveryState.APPLIED]
        for number, state in zip(ids, states, strict=True):
            await tx.mark_delivery(number or 0, state)
        assert [True, True, False] == [await tx.redo_delivery(number or 0) for number in ids]
        found = await tx.find_deliveries(state=DeliveryState.STORED, before=None, limit=9)
        older = await tx.find_deliveries(state=None, before=ids[2], limit=9)

    assert [ids[1], ids[0]] == [each.id for each in found] == [each.id for each in older]
