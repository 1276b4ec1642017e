"""A review by a person, from the candidate's wish to the scores beside the model's (R-106, C-58, A17)."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from pypdf import PdfReader
from sqlalchemy import update

from bridge.config import AuthMode
from bridge.domain.account import Role
from bridge.domain.entitlement import Subscription, SubscriptionStatus
from bridge.domain.pricing import Plan
from bridge.domain.session import InterviewSession
from storage.tables import reviews

from ..smtp import Post, listening
from .house import JOB_SECONDS, House, finished_session, running
from .visitors import Visitor, signed_in

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Desk:
    """A server that sells plans and sends letters, a Premium candidate, and two who review."""

    house: House
    post: Post
    ana: Visitor
    rita: Visitor
    raj: Visitor


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, no_rate_limit: None) -> AsyncIterator[Desk]:
    """Everybody signed in."""
    post = Post()
    async with listening(post) as port:
        settings = {
            "auth_mode": AuthMode.LOCAL,
            "payments": "fake",
            "smtp_url": f"smtp://127.0.0.1:{port}",
            "mail_from": "p@prepkit.test",
        }
        async with running(tmp_path_factory.mktemp("reviews"), **settings) as house:
            yield Desk(
                house,
                post,
                await subscriber(house, Plan.PREMIUM),
                await signed_in(house, Role.REVIEWER),
                await signed_in(house, Role.REVIEWER),
            )


async def subscriber(house: House, plan: Plan) -> Visitor:
    """Somebody with a plan."""
    visitor = await signed_in(house)
    async with house.store.begin() as tx:
        now = datetime.now(UTC)
        held = Subscription("fake", f"sub-{id_of(visitor)}", id_of(visitor), plan, SubscriptionStatus.ACTIVE, now)
        await tx.save_subscription(held)
    return visitor


def id_of(visitor: Visitor) -> str:
    """Whose browser it is."""
    assert visitor.account is not None
    return visitor.account.id


async def interview(desk: Desk, visitor: Visitor, answers: list[str | None] | None = None) -> InterviewSession:
    """A finished interview of theirs."""
    return await finished_session(desk.house.store, id_of(visitor), answers=answers)


async def scores_for(desk: Desk, session: InterviewSession, score: int = 41) -> dict[str, Any]:
    """A whole review of it."""
    async with desk.house.store.read() as tx:
        stored = await tx.report(session.id)
    assert stored is not None
    marks = [
        {
            "questionId": q["questionId"],
            "score": score + n if q["status"] == "assessed" else None,
            "comment": f"Note {n} <b>for you</b>.",
        }
        for n, q in enumerate(stored.body["questionAnalysis"])
    ]
    return {"scores": marks, "comment": "Name the trade-off first."}


async def reviewed(desk: Desk, session: InterviewSession) -> None:
    """Asked for, taken on and handed in."""
    assert 202 == (await desk.ana.call("POST", f"/api/interviews/{session.id}/review", {}))[0]
    base = f"/api/operator/reviews/{session.id}"
    assert 200 == (await desk.rita.call("POST", f"{base}/take", {}))[0]
    assert 201 == (await desk.rita.call("POST", base, await scores_for(desk, session)))[0]


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def next_month(desk: Desk) -> None:
    """Before each test the reviews of this month are of another."""
    async with desk.house.store.begin() as tx:
        await tx.connection.execute(update(reviews).values(month="2000-01"))  # type: ignore[attr-defined]


async def test_only_a_plan_with_reviews_has_one(desk: Desk) -> None:
    """R-106: Pro and Free are told what it is part of, and see no button; one a month with Premium, however often it is asked for at once."""
    for visitor in (await subscriber(desk.house, Plan.PRO), await signed_in(desk.house)):
        session = await interview(desk, visitor)
        status, answer = await visitor.call("POST", f"/api/interviews/{session.id}/review", {})
        assert (402, "payment_required") == (status, answer["error"]["code"])
        assert "review-ask" not in (await visitor.page(f"/interviews/{session.id}/report"))[1]

    mine = [await interview(desk, desk.ana) for _ in range(3)]
    assert "review-ask" in (await desk.ana.page(f"/interviews/{mine[0].id}/report"))[1]
    asked = await asyncio.gather(*(desk.ana.call("POST", f"/api/interviews/{each.id}/review", {}) for each in mine))
    assert [202, 409, 409] == sorted(status for status, _ in asked)
    there = mine[[status for status, _ in asked].index(202)]
    assert 202 == (await desk.ana.call("POST", f"/api/interviews/{there.id}/review", {}))[0], "a repeat finds it there"
    other = next(each for each in mine if each.id != there.id)
    assert "This month's review is used" in (await desk.ana.page(f"/interviews/{other.id}/report"))[1].replace("&#39;", "'")


async def test_the_reviewer_s_scores_stand_beside_the_model_s(desk: Desk) -> None:
    """C-58: page, JSON, PDF and link show both; no number of the report itself is another than before."""
    session = await interview(desk, desk.ana, ["I would put a cache before it.", None])
    where = f"/api/interviews/{session.id}/report"
    # How many others there are is counted anew, so that both answers are compared with the same ones.
    desk.house.forget()
    before = (await desk.ana.call("GET", where))[1]
    assert before["review"] is None
    _, drawn_before = await desk.ana.send("GET", f"{where}.pdf")
    await reviewed(desk, session)

    desk.house.forget()
    after = (await desk.ana.call("GET", where))[1]
    assert ("done", 41, "Name the trade-off first.") == tuple(
        after["review"][name] for name in ("state", "overallScore", "comment")
    )
    assert [41, None, None] == [q["review"]["score"] for q in after["questionAnalysis"]]
    without = after | {"review": None, "questionAnalysis": [q | {"review": None} for q in after["questionAnalysis"]]}
    assert before == without, "nothing else has changed"

    page = (await desk.ana.page(f"/interviews/{session.id}/report"))[1]
    assert "Reviewed by a person" in page
    assert "Reviewer: 41 of 100" in page
    assert f"{before['questionAnalysis'][0]['userScore']} of 100" in page
    assert "Note 0 &lt;b&gt;for you&lt;/b&gt;." in page
    _, made = await desk.ana.send("GET", f"{where}.pdf")
    assert made != drawn_before, "the one that was kept does not show the review"
    assert "The reviewer: 41 of 100" in " ".join(
        " ".join(each.extract_text() for each in PdfReader(io.BytesIO(made)).pages).split()
    )
    for hides, told in ((False, True), (True, False)):
        _, link = await desk.ana.call("POST", f"/api/interviews/{session.id}/share", {"hideTranscript": hides})
        shown = (await Visitor(desk.house).page(link["url"].removeprefix(desk.house.origin)))[1]
        assert "Reviewed by a person" in shown
        assert told is ("Name the trade-off first." in shown), "a reviewer may quote what was said"
        assert "review-ask" not in shown


async def test_two_reviewers_do_not_do_the_same(desk: Desk) -> None:
    """C-58, A17: one has it alone, the other is told; it can be left; it is handed in once; the candidate sees each look and act."""
    session = await interview(desk, desk.ana)
    base, page = f"/api/operator/reviews/{session.id}", f"/operator/reviews/{session.id}"
    assert 404 == (await desk.rita.page(page))[0], "nobody has asked: a reviewer does not read it"
    await desk.ana.call("POST", f"/api/interviews/{session.id}/review", {})

    assert "free" in (await desk.rita.page("/operator/reviews"))[1]
    assert 409 == (await desk.rita.call("POST", base, await scores_for(desk, session)))[0], "take it on first"
    got = await asyncio.gather(*(each.call("POST", f"{base}/take", {}) for each in (desk.rita, desk.raj)))
    assert [200, 409] == sorted(status for status, _ in got)
    mine, other = (desk.rita, desk.raj) if got[0][0] == 200 else (desk.raj, desk.rita)
    assert "with another reviewer" in (await other.page("/operator/reviews"))[1]
    assert 409 == (await other.call("POST", base, await scores_for(desk, session)))[0]
    assert 409 == (await other.call("POST", f"{base}/release", {}))[0]

    text = (await mine.page(page))[1]
    assert session.questions[0].model_answer.split(".")[0] in text
    assert desk.ana.account is not None
    assert desk.ana.account.email not in text, "a reviewer sees no name"
    assert 200 == (await mine.call("POST", f"{base}/release", {}))[0]
    assert 200 == (await other.call("POST", f"{base}/take", {}))[0]
    body = await scores_for(desk, session)
    for wrong in (
        {}, body | {"scores": body["scores"][1:]}, {"scores": [each | {"score": 101} for each in body["scores"]]},
        {"scores": [each | {"score": "70"} for each in body["scores"]]}, body | {"comment": "x" * 4_001},
    ):  # fmt: skip
        status, answer = await other.call("POST", base, wrong)
        assert (422, True) == (status, bool(answer["error"]["message"])) or 400 == status, wrong
    assert [201, 409] == [(await other.call("POST", base, body))[0] for _ in range(2)]
    assert 409 == (await mine.call("POST", f"{base}/take", {}))[0]
    assert "Handed in by you" in (await other.page("/operator/reviews"))[1]

    _, seen = await desk.ana.call("GET", f"/api/interviews/{session.id}/visits")
    actions = [visit["action"] for visit in seen["visits"]]
    assert {"reviews.view", "reviews.take", "reviews.release", "reviews.submit"} <= set(actions)
    async with desk.house.store.read() as tx:
        assert "review.asked" in [row.action for row in await tx.audit_trail(subject=session.id, limit=50)]


async def test_the_candidate_is_told_by_one_letter(desk: Desk) -> None:
    """C-58: one letter when it is handed in, with the link and no word of the interview."""
    session = await interview(desk, desk.ana)
    await reviewed(desk, session)

    def letters() -> list[Any]:
        return [letter for letter in desk.post.letters if session.id in letter.get_content()]

    async with asyncio.timeout(JOB_SECONDS):
        while not letters():
            await asyncio.sleep(0.05)
    assert desk.ana.account is not None
    assert [desk.ana.account.email] == [letter["To"] for letter in letters()]
    assert "trade-off" not in letters()[0].get_content()


async def test_the_privacy_page_names_the_reader(desk: Desk) -> None:
    """R-116, C-58: who reads what was said, what of it, and only on one's wish."""
    page = (await desk.ana.page("/privacy"))[1]
    assert "A person who reviews for this server" in page
    assert "Only when you ask for a review of an interview." in page


async def test_nobody_reviews_their_own(desk: Desk) -> None:
    """C-58: an admin who practises is reviewed by somebody else."""
    admin = await signed_in(desk.house, Role.ADMIN)
    async with desk.house.store.begin() as tx:
        held = Subscription("fake", "sub-admin", id_of(admin), Plan.PREMIUM, SubscriptionStatus.ACTIVE, datetime.now(UTC))
        await tx.save_subscription(held)
    session = await interview(desk, admin)
    assert 202 == (await admin.call("POST", f"/api/interviews/{session.id}/review", {}))[0]

    status, answer = await admin.call("POST", f"/api/operator/reviews/{session.id}/take", {})

    assert (409, "Somebody else has to review your own interview.") == (status, answer["error"]["message"])
    assert "your own" in (await admin.page("/operator/reviews"))[1]


async def test_the_queue_is_counted_for_alarms(desk: Desk) -> None:
    """C-58: how many wait and how many are late are metrics."""
    response, text = await desk.house.fetch("GET", "/metrics")
    assert response.status == 200
    counted = {line.split()[0]: float(line.split()[1]) for line in text.splitlines() if line.startswith("prepkit_reviews")}
    assert 1 <= counted["prepkit_reviews_waiting"]
    assert 0 == counted["prepkit_reviews_late"]
