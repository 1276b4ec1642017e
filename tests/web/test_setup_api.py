"""`POST /api/interviews/setup`: what a candidate may choose, what is refused, and what the answer keeps to itself."""

from __future__ import annotations

from typing import Any

import pytest

from bridge import bank
from bridge.domain.catalog import AREA_ALIASES, DIFFICULTIES, TYPE_ALIASES, TYPES, Difficulty, InterviewType
from bridge.domain.questions import Question
from web import schemas
from web.problems import FieldErrors

from .house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/api/interviews/setup"
EVERYTHING: dict[str, Any] = {
    "type": "system-design",
    "difficulty": "hard",
    "duration": 30,
    "focusAreas": ["caching", "microservices"],
    "specificRequirements": "Ask about write-heavy systems. 日本語 🙂",
    "language": "en",
    "voice": "warm",
    "pace": "slow",
    "followUpStyle": "deep-dive",
    "mode": "study",
    "company": "Acme & Söhne",
    "role": "Staff engineer",
    "level": "L5",
}


async def configuration(house: House, **fields: Any) -> dict[str, Any]:
    """What was stored of a choice."""
    made = await house.set_up(**fields)
    _, body = await house.call("GET", f"/api/interviews/{made['sessionId']}")
    return body["configuration"]


async def refused_fields(house: House, body: Any) -> set[str]:
    """The fields a 422 names."""
    status, answer = await house.call("POST", PATH, json=body)
    assert (status, answer["error"]["code"]) == (422, "validation_failed"), answer
    assert all(problem["message"] for problem in answer["error"]["details"])
    return {problem["field"].split(".")[0] for problem in answer["error"]["details"]}


def secrets(questions: tuple[Question, ...]) -> list[str]:
    """What a candidate must not read before the interview."""
    return [
        text
        for question in questions
        for text in (
            question.text,
            question.spoken,
            question.model_answer,
            question.motivation,
            *(point.text for point in question.key_points),
            *(follow_up.text for follow_up in question.follow_ups),
        )
    ]


async def test_every_documented_field_is_kept(house: House):
    """R-013, C-42, contract 4: all nine fields, and company, role and level, come back as they were sent."""
    assert await configuration(house, **EVERYTHING) == EVERYTHING


async def test_defaults(house: House):
    """C-42, C-01: language en, voice neutral, pace moderate, follow-ups balanced; the difficulty's own minutes."""
    assert await configuration(house, type="behavioral") == {
        "type": "behavioral",
        "difficulty": "medium",
        "duration": 20,
        "focusAreas": [],
        "specificRequirements": "",
        "language": "en",
        "voice": "neutral",
        "pace": "moderate",
        "followUpStyle": "balanced",
        "mode": "real",
        "company": "",
        "role": "",
        "level": "",
    }


async def test_the_answer_has_the_documented_shape(house: House):
    """R-090, contract 4: 201 with session, candidate's questions, no call URL yet, minutes, cost and quote."""
    status, body = await house.call("POST", PATH, json=EVERYTHING)

    assert status == 201
    assert body.pop("sessionId").count("-") == 4
    questions = body.pop("questions")
    assert body == {
        "status": "ready",
        "vapiCallUrl": None,
        "estimatedDuration": 30,
        "estimatedCost": 0,
        "quote": {
            "amount": 0,
            "currency": "INR",
            "reason": "payments_off",
            "message": "This interview is free on this server.",
            "expiresAt": None,
        },
        "questionsFrom": "bank",
        "note": None,
    }
    assert [question["order"] for question in questions] == [1, 2, 3, 4, 5, 6]
    assert all(set(question) == {"id", "order", "minutes", "text"} for question in questions)
    assert pytest.approx(sum(question["minutes"] for question in questions), abs=0.5) == 28


async def test_no_question_is_shown_before_it_is_asked(house: House):
    """C-31: neither set-up nor GET holds a text, key point, follow-up or model answer before the interview."""
    response, made = await house.fetch("POST", PATH, json=EVERYTHING)
    session_id = (await response.json())["sessionId"]
    _, shown = await house.fetch("GET", f"/api/interviews/{session_id}")
    _, page = await house.fetch("GET", f"/interviews/{session_id}")
    async with house.store.read() as tx:
        session = await tx.session(session_id)

    assert session is not None
    assert len(session.questions) == 6
    assert [text for text in secrets(session.questions) for answer in (made, shown, page) if text in answer] == []
    assert '"text": null' in shown
    assert "expectedKeyPoints" not in shown


async def test_key_points_are_shown_after_the_end(house: House):
    """C-31: once it is over, the texts and the key points of every question, asked or not."""
    session = await house.finished(answers=["We would cache the hot keys."], reason="ended_by_candidate")

    _, body = await house.call("GET", f"/api/interviews/{session.id}")

    assert [question.text for question in session.questions] == [view["text"] for view in body["questions"]]
    points = [[point.text for point in question.key_points] for question in session.questions]
    assert points == [view["expectedKeyPoints"] for view in body["questions"]]


@pytest.mark.parametrize("spelling", [*InterviewType, *TYPE_ALIASES, "  System Design ", "JavaScript/Frontend", "system_design"])
async def test_a_type_may_be_spelled_as_the_document_does(spelling: str):
    """C-41: slugs, aliases and titles, whatever their case."""
    expected = TYPE_ALIASES.get(spelling) or InterviewType(
        {"  System Design ": "system-design", "JavaScript/Frontend": "javascript"}.get(spelling, spelling.replace("_", "-"))
    )

    assert expected is schemas.validate(schemas.SetupRequest, {"type": spelling.upper()}).to_setup().type


@pytest.mark.parametrize("interview_type", list(InterviewType))
async def test_areas_are_known_by_slug_and_by_title(interview_type: InterviewType):
    """C-41, R-015: the type's own areas by slug or title become slugs, each once, in the order given."""
    areas = TYPES[interview_type].areas
    body = {"type": interview_type, "focusAreas": [*areas.values(), *list(areas)[:3]]}

    assert tuple(areas) == schemas.validate(schemas.SetupRequest, body).to_setup().focus_areas


@pytest.mark.parametrize("alias", list(AREA_ALIASES))
async def test_area_aliases(alias: str):
    """C-41: every alias leads to an area of some type."""
    slug = AREA_ALIASES[alias]
    owner = next(profile.type for profile in TYPES.values() if slug in profile.areas)

    assert (slug,) == schemas.validate(schemas.SetupRequest, {"type": owner, "focusAreas": [alias]}).to_setup().focus_areas


async def test_an_unknown_area_is_kept_as_free_text(house: House):
    """C-41: an area the type does not have is shown back in the candidate's words, after the known ones; blanks are dropped."""
    areas = ["  Quantum caching ", "databases", "", "async"]
    kept = await configuration(house, type="system-design", focusAreas=areas)

    assert kept["focusAreas"] == ["database-design", "Quantum caching", "async"]


@pytest.mark.parametrize("difficulty", list(Difficulty))
async def test_minutes_must_lie_in_the_difficulty_s_range(difficulty: Difficulty):
    """C-01: both ends are taken, one minute more or less is not; left out it is the default."""
    profile = DIFFICULTIES[difficulty]

    def minutes(duration: int | None) -> int:
        body = {"type": "dsa", "difficulty": difficulty, "duration": duration}
        return schemas.validate(schemas.SetupRequest, body).to_setup().duration_minutes

    assert profile.min_minutes == minutes(profile.min_minutes)
    assert profile.max_minutes == minutes(profile.max_minutes)
    assert profile.default_minutes == minutes(None)
    for wrong in (profile.min_minutes - 1, profile.max_minutes + 1, 0, -1, 10**30):
        with pytest.raises(FieldErrors) as caught:
            minutes(wrong)
        limits = f"{profile.min_minutes} to {profile.max_minutes}"
        message = f"{profile.title} interviews take {limits} minutes."
        assert [{"field": "duration", "message": message}] == caught.value.details


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"difficulty": "easy"}, 3),
        ({"difficulty": "easy", "duration": 5}, 1),
        ({"difficulty": "easy", "duration": 12}, 4),
        ({"difficulty": "medium", "duration": 15}, 5),
        ({"difficulty": "hard"}, 6),
        ({"difficulty": "expert"}, 7),
        ({"questionCount": 3}, 3),
        ({"questionCount": 10}, 10),
    ],
)
async def test_number_of_questions(house: House, fields: dict[str, Any], count: int):
    """C-39: by difficulty, clamped to 2.5 minutes each; an explicit number is taken as it is."""
    assert count == len((await house.set_up(**fields))["questions"])


async def test_questions_belong_to_the_type_and_area(house: House):
    """R-031, R-016: questions come from the type's bank, each once, the chosen area among them."""
    made = await house.set_up(type="javascript", focusAreas=["async"])
    known = {question.id: question for question in bank.load(InterviewType.JAVASCRIPT)}
    ids = [question["id"] for question in made["questions"]]

    assert len(ids) == len(set(ids) & set(known))
    assert "async" in {known[question_id].focus_area for question_id in ids}


BAD: dict[str, tuple[Any, str]] = {
    "type missing": ({"type": None}, "type"),
    "type unknown": ({"type": "cooking"}, "type"),
    "type a list": ({"type": ["dsa"]}, "type"),
    "type long": ({"type": "d" * 61}, "type"),
    "difficulty unknown": ({"difficulty": "nightmare"}, "difficulty"),
    "difficulty null": ({"difficulty": None}, "difficulty"),
    "duration too short": ({"duration": 14}, "duration"),
    "duration half a minute": ({"duration": 17.5}, "duration"),
    "duration words": ({"duration": "long"}, "duration"),
    "duration true": ({"duration": True}, "duration"),
    "duration a list": ({"duration": [15]}, "duration"),
    "areas a string": ({"focusAreas": "caching"}, "focusAreas"),
    "areas of numbers": ({"focusAreas": [1]}, "focusAreas"),
    "too many areas": ({"focusAreas": ["caching"] * 9}, "focusAreas"),
    "an area too long": ({"focusAreas": ["x" * 121]}, "focusAreas"),
    "requirements long": ({"specificRequirements": "x" * 2001}, "specificRequirements"),
    "requirements an object": ({"specificRequirements": {"a": 1}}, "specificRequirements"),
    "language unknown": ({"language": "tlh"}, "language"),
    "voice unknown": ({"voice": "robot"}, "voice"),
    "voice a number": ({"voice": 1}, "voice"),
    "pace unknown": ({"pace": "warp"}, "pace"),
    "mode unknown": ({"mode": "exam"}, "mode"),
    "style unknown": ({"followUpStyle": "endless"}, "followUpStyle"),
    "company long": ({"company": "x" * 121}, "company"),
    "role a number": ({"role": 7}, "role"),
    "level null": ({"level": None}, "level"),
    "CV long": ({"cv": "x" * 20_001}, "cv"),
    "CV a number": ({"cv": 7}, "cv"),
    "job description a list": ({"jobDescription": ["x"]}, "jobDescription"),
    "language a list": ({"language": ["en"]}, "language"),
    "two questions": ({"questionCount": 2}, "questionCount"),
    "eleven questions": ({"questionCount": 11}, "questionCount"),
}


@pytest.mark.parametrize("case", list(BAD))
async def test_a_bad_field_is_named(house: House, case: str):
    """R-013, contract 4: 422 names exactly the bad field."""
    fields, name = BAD[case]

    assert {name} == await refused_fields(house, {"type": "dsa"} | fields)


async def test_all_bad_fields_are_named_at_once(house: House):
    """Contract 4: a form can mark everything in one go, rules of our tables and rules of shape together."""
    body = {
        "type": "cooking",
        "difficulty": "easy",
        "duration": 90,
        "focusAreas": [3],
        "specificRequirements": 1,
        "language": "xx",
        "voice": "robot",
        "pace": "warp",
        "followUpStyle": "endless",
        "company": [],
        "role": {},
        "level": 0,
        "questionCount": 99,
    }

    assert set(body) - {"difficulty"} == await refused_fields(house, body)


async def test_messages_do_not_repeat_what_was_sent(house: House):
    """Contract 6: the refusal explains the rule and never echoes the value."""
    body = {"type": "<script>zebra</script>", "voice": "zebra", "duration": "zebra", "specificRequirements": "zebra" * 500}
    _, text = await house.fetch("POST", PATH, json=body)

    assert "zebra" not in text


async def test_the_longest_allowed_texts_are_taken(house: House):
    """R-014: 2,000 characters of requirements, 120 of the short texts, eight areas."""
    longest = {"specificRequirements": "é" * 2000, "company": "x" * 120, "focusAreas": [f"area {n}" for n in range(8)]}
    kept = await configuration(house, type="dsa", **longest)

    assert longest == {name: kept[name] for name in longest}


async def test_another_language_becomes_english_with_a_word(house: House):
    """A known language that this server cannot speak is no error: the interview is in English, and the answer says so."""
    made = await house.set_up(language="DE")
    _, shown = await house.call("GET", f"/api/interviews/{made['sessionId']}")

    assert "en" == shown["configuration"]["language"]
    assert made["note"] == "This interview is in English, because this server cannot hold one in German just now."


async def test_fields_that_are_not_the_candidate_s_are_ignored(house: House):
    """A15: status, price, owner, credits, id and engine in a body change nothing."""
    extra = {
        "status": "completed",
        "price": -1,
        "amount": 0,
        "user_id": "11111111-1111-4111-8111-111111111111",
        "userId": "11111111-1111-4111-8111-111111111111",
        "credits": 999,
        "role_": "admin",
        "sessionId": "99999999-9999-4999-8999-999999999999",
        "engine": "vapi",
        "questions": [{"id": "mine", "text": "Easy one"}],
        "reportStatus": "ready",
        "__proto__": {"admin": True},
    }
    made = await house.set_up(**extra)
    async with house.store.read() as tx:
        session = await tx.session(made["sessionId"])

    assert session is not None
    assert ("ready", house.user, "local", "none", "") == (
        session.status.value,
        session.user_id,
        session.engine,
        session.report_status.value,
        session.setup.role,
    )
    assert extra["sessionId"] != made["sessionId"]
    assert "mine" not in {question.id for question in session.questions}


async def test_recent_questions_are_not_asked_again(house: House):
    """R-037: what was asked in the last interview of a type is left out of the next one while others last."""
    first = await house.finished()
    second = await house.set_up(type="system-design", duration=15, questionCount=3)

    assert set() == {question.id for question in first.questions} & {view["id"] for view in second["questions"]}
