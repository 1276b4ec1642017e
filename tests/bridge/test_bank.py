"""The bundled question bank and curriculum (R-003…R-007, R-032, C-45)."""

import os
from collections import Counter

import pytest

from bridge import bank
from bridge.domain.catalog import TYPES, Difficulty, InterviewType
from bridge.domain.coverage import Shown, cover

ONLY = [InterviewType(name) for name in os.environ.get("BANK_ONLY", "").split(",") if name] or list(InterviewType)


@pytest.mark.parametrize("interview_type", ONLY)
def test_every_difficulty_and_area_has_two_questions(interview_type):
    """R-032: type × difficulty × focus area is filled, so that any set-up can be served."""
    cells = Counter((q.difficulty, q.focus_area) for q in bank.load(interview_type) if q.type is interview_type)

    assert {cell: 2 for difficulty in Difficulty for area in TYPES[interview_type].areas for cell in [(difficulty, area)]} == {
        cell: min(n, 2) for cell, n in cells.items()
    }


@pytest.mark.parametrize("interview_type", ONLY)
def test_questions_are_complete(interview_type):
    """R-032, R-036: limits on every field."""
    lessons = {lesson.ref for lesson in bank.module(interview_type).lessons}
    problems = []
    for q in bank.load(interview_type):
        ids = [k.id for k in q.key_points]
        rules = {
            "3-6 key points": 3 <= len(q.key_points) <= 6,
            "unique key point ids": len(set(ids)) == len(ids),
            "every point has 1-3 groups": all(1 <= len(k.shows) <= 3 for k in q.key_points),
            "every group has 2+ alternatives": all(len(group) >= 2 for k in q.key_points for group in k.shows),
            "alternatives are lower case": all(alt == alt.lower() for k in q.key_points for g in k.shows for alt in g),
            "2-3 follow-ups": 2 <= len(q.follow_ups) <= 3,
            "follow-ups name a key point": all(f.about in ids for f in q.follow_ups),
            "rating 1-10": 1 <= q.rating <= 10,
            "minutes 2-8": 2 <= q.minutes <= 8,
            "lesson exists": q.lesson in lessons,
            "spoken form is speakable": not set(q.spoken) & set("()[]{}<>`*_/=+&%#@$^|~\\0123456789"),
            "texts are full": min(len(q.text), len(q.spoken), len(q.motivation)) >= 30,
            "model answer is 50-170 words": 50 <= len(q.model_answer.split()) <= 170,
        }
        problems += [f"{q.id}: {rule}" for rule, kept in rules.items() if not kept]

    assert problems == []


@pytest.mark.parametrize("interview_type", ONLY)
def test_model_answers_show_every_key_point_and_nothing_else_does(interview_type):
    """Key points are testable: the model answer shows all, the question itself and small talk show next to none."""
    small_talk = "well um thank you for the question i think it is a good one let me think about it for a moment please"
    problems = []
    for q in bank.load(interview_type):
        problems += [
            f"{q.id}.{c.key_point_id}: not shown by the model answer ({c.share:.2f})"
            for c in cover(q.key_points, q.model_answer)
            if c.shown is not Shown.YES
        ]
        problems += [
            f"{q.id}.{c.key_point_id}: shown by small talk" for c in cover(q.key_points, small_talk) if c.shown is Shown.YES
        ]
        echoed = [c.key_point_id for c in cover(q.key_points, q.text) if c.shown is Shown.YES]
        problems += [f"{q.id}: the question itself shows {echoed}"] if echoed else []

    assert problems == []


@pytest.mark.parametrize("interview_type", ONLY)
def test_curriculum_counts(interview_type):
    """R-003…R-007: 22 lessons, 42 patterns, 130 problems, 15 lessons, 12 lessons, each with an area of its type."""
    profile, module = TYPES[interview_type], bank.module(interview_type)

    assert (profile.module, profile.units) == (module.number, len(module.lessons))
    assert {lesson.focus_area for lesson in module.lessons} == set(profile.areas)
    assert [lesson.ref for lesson in module.lessons] == [f"{module.number}.{n}" for n in range(1, profile.units + 1)]
    assert len({lesson.title for lesson in module.lessons}) == profile.units


@pytest.mark.parametrize("interview_type", ONLY)
def test_concepts_are_a_fixed_list_over_all_lessons(interview_type):
    """M13: every lesson is in one group of its own area; skills have phrases instead; slugs and titles are told apart."""
    module = bank.module(interview_type)
    area = {lesson.ref: lesson.focus_area for lesson in module.lessons}
    groups = [concept for concept in module.concepts if concept.lessons]
    skills = [concept for concept in module.concepts if concept.phrases]

    assert sorted(area) == sorted(ref for concept in groups for ref in concept.lessons)
    assert {concept.focus_area for concept in groups} == set(TYPES[interview_type].areas)
    assert all({area[ref] for ref in concept.lessons} == {concept.focus_area} for concept in groups)
    assert all(not skill.focus_area and not skill.lessons for skill in skills)
    assert len(module.concepts) == len(groups) + len(skills)
    assert len({c.slug for c in module.concepts}) == len({c.title for c in module.concepts}) == len(module.concepts)


@pytest.mark.parametrize("interview_type", ONLY)
def test_concepts_are_few_enough_to_come_back(interview_type):
    """M13: each key point of the bank has a concept, each concept several key points, and no skill swallows the rest."""
    module = bank.module(interview_type)
    found = Counter(
        concept.slug if (concept := module.concept(q.lesson, point.text)) else None
        for q in bank.load(interview_type)
        for point in q.key_points
    )

    assert set(found) == {concept.slug for concept in module.concepts}
    assert min(found.values()) >= 2
    assert max(found.values()) <= found.total() / 5


def test_a_concept_of_an_unknown_lesson():
    """C-45: a skill is told by its words; nothing is made up for the rest."""
    module = bank.module(InterviewType.DSA)

    assert getattr(module.concept("99.1", "It takes linear time."), "slug", None) == "cost"
    assert getattr(module.concept("3.112", "Halves the range."), "slug", None) == "binary-search"
    assert module.concept("99.1", "Halves the range.") is None
    assert module.concept(None, "Halves the range.") is None


def test_ids_are_unique_and_there_are_at_least_150():
    """Ids name a question across the whole bank."""
    ids = [q.id for q in bank.questions()]

    assert len(ids) >= 150
    assert len(set(ids)) == len(ids)
    assert len({q.text for q in bank.questions()}) == len(ids)
