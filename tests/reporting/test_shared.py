"""What a link shows, and what it never does (R-118, A5)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.sharing import ShareLink
from bridge.domain.standing import Scores
from reporting.render import report_context
from reporting.shared import RUN, holds, runs, shared
from reporting.standing import placed

from ..samples import setup_with
from .samples import NOW, Play, played

SAID = "Honestly I would put a shiny cache in front of it, then shard the rows by a hash of their key."
ALSO = "Well, partition it by some key and do nothing else, I suppose."


def link(**hidden: bool) -> ShareLink:
    """A link that hides nothing else."""
    chosen = {"hide_name": False, "hide_transcript": False, "hide_audio": False} | hidden
    return ShareLink("link-1", "session-1", **chosen, created_at=NOW, expires_at=NOW + timedelta(days=1))


def report() -> dict[str, Any]:
    """A report with everything a person might not want to share."""
    setup = setup_with(
        company="Acme Secret", role="Staff Engineer", level="L6", specific_requirements="My e-mail is a@example.org"
    )
    play: Play = played(SAID, ALSO, setup=setup).ask(2, follow_up="You said partition; by which key?").end()
    return placed(play.report(), group=Scores(), before=None, own=[])


def test_everything_shown_is_named() -> None:
    """A5: ids, wishes and other interviews are in no link."""
    body = report() | {"email": "a@example.org", "futureField": "whatever a later version adds"}
    view = shared(body, link(), name="Asha", recording=True)
    text = json.dumps(view)

    assert all(body[name] not in text for name in ("reportId", "sessionId"))
    assert "a@example.org" not in text
    assert "whatever" not in text
    assert view["sinceLastTime"] is None
    assert ("Asha", "Acme Secret", True) == (view["name"], view["setup"]["company"], view["recording"])
    assert body["overallScore"] == view["overallScore"]
    assert body["transcript"] == view["transcript"]


def test_without_the_name() -> None:
    """R-118: nor what tells who it is."""
    text = json.dumps(shared(report(), link(hide_name=True), name="Asha", recording=True))

    assert not any(word in text for word in ("Asha", "Acme Secret", "Staff Engineer", "L6"))


def test_without_the_words() -> None:
    """R-118: no run of the candidate's words is left anywhere, while scores and key points are."""
    body = report()
    view = shared(body, link(hide_transcript=True), name="", recording=True)
    said = runs([SAID, ALSO])

    def texts(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [text for item in value.values() for text in texts(item)]
        if isinstance(value, list | tuple):
            return [text for item in value for text in texts(item)]
        return [value] if isinstance(value, str) else []

    own = {question["modelAnswer"] for question in body["questionAnalysis"]}
    assert [text for text in texts(view) if holds(text, said) and text not in own] == []
    assert "shiny" not in json.dumps(view)
    assert "by which key" not in json.dumps(view)
    assert [q["userScore"] for q in body["questionAnalysis"]] == [q["userScore"] for q in view["questionAnalysis"]]
    first = view["questionAnalysis"][0]
    assert ["A cache in front.", "Spread the data."] == first["feedback"]["whatYouDidWell"]
    assert ([], [], []) == (view["transcript"], view["evidence"], view["timeline"])


@pytest.mark.parametrize("recording", [True, False])
def test_without_the_recording(recording: bool) -> None:
    """R-118: neither promised nor invented."""
    assert not shared(report(), link(hide_audio=True), name="", recording=recording)["recording"]
    assert recording == shared(report(), link(), name="", recording=recording)["recording"]


@given(st.booleans(), st.booleans(), st.booleans())
def test_every_scope_can_be_drawn(name: bool, words: bool, sound: bool) -> None:
    """R-118: the page takes what is left."""
    view = shared(report(), link(hide_name=name, hide_transcript=words, hide_audio=sound), name="Asha", recording=True)
    drawn = report_context(view)["view"]

    assert bool(drawn["transcript"]) == (not words)
    assert bool(drawn["recording"]) == (not words and not sound)


def test_a_text_that_repeats_five_words_is_found() -> None:
    """Case and marks do not matter; four words in a row are nobody's own."""
    said = runs(["I would put a cache in front"])

    assert holds("You said “would PUT a, cache in” here", said)
    assert not holds("I would put a " + "x" * RUN, said)
    assert not holds("", said)


def test_a_summary_that_quotes_is_left_out() -> None:
    """R-118: whatever wrote it."""
    body = report() | {"summary": f"You said: {SAID}", "nextSteps": ["Read more.", f"Do not say {ALSO}"]}
    view = shared(body, link(hide_transcript=True), name="", recording=False)

    assert ("", ["Read more."]) == (view["summary"], view["nextSteps"])
