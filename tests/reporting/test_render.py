"""The page: every state, text that stays text, nothing inline (R-087, M3, M5, B.3)."""

import html
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, PackageLoader, StrictUndefined

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.standing import ReportFacts, Scores
from reporting.render import day, pieces, report_context, sentences, told
from reporting.standing import placed

from ..samples import QUESTIONS, setup_with
from .samples import FULL, HALF, NOW, Play, played

DESIGN = InterviewType.SYSTEM_DESIGN

ATTACK = '<script>alert(1)</script> "><img src=x onerror=alert(2)> cache {{ 7 * 7 }}'
ENVIRONMENT = Environment(
    loader=PackageLoader("web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


class Page(HTMLParser):
    """A parsed page: its tags with attributes, its visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Collect."""
        self.text += data

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        """Attributes of every such tag."""
        return [found for name, found in self.tags if name == tag and attributes.items() <= found.items()]


def page(report: dict[str, Any] | None = None, **context: Any) -> Page:
    """The page as the server renders it."""
    known = {
        "version": "1",
        "demo": False,
        "me": None,
        "path": "/",
        "report": None,
        "session_id": "s1",
        "session_status": "completed",
    }
    ready = report_context(report) if report else {}
    text = ENVIRONMENT.get_template("report.html").render(**known | {"report_status": "ready"} | context | ready)
    return Page(text)


def test_a_ready_report_shows_its_parts():
    """R-087, R-088: score, band, per question words and points, advice, next interview, transcript."""
    report = played(FULL, HALF, None).report()
    shown = page(report)

    assert "Interview report" in shown.text
    assert report["summary"] in shown.text
    assert "Coverage, not judgement." in shown.text
    assert report["questionAnalysis"][1]["arithmetic"] in shown.text
    assert report["rubric"]["arithmetic"] in shown.text
    assert len(shown.all("article")) == 3
    assert "Not answered" in shown.text
    assert {"/?type=system-design&difficulty=hard&focus=caching", "/?type=system-design&difficulty=medium"} == {
        a["href"] for a in shown.all("a") if (a["href"] or "").startswith("/?")
    }
    assert all(re.search(r"\S", label["aria-label"] or "") for label in shown.all("svg", role="img"))


def test_answers_are_text():
    """XSS: words, set-up and questions are escaped everywhere."""
    question = replace(QUESTIONS[0], text=ATTACK, model_answer=ATTACK)
    play = Play((question, *QUESTIONS[1:]), setup_with(company=ATTACK, specific_requirements=ATTACK))
    shown = page(play.ask(1).answer(1, ATTACK).ask(1, follow_up=ATTACK).leave(1).end().report())

    assert [attrs for tag, attrs in shown.tags if tag == "script" and "src" not in attrs] == []
    assert [attrs for tag, attrs in shown.tags if tag == "img"] == []
    assert "<script>alert(1)</script>" in html.unescape(shown.source)
    assert shown.text.count("{{ 7 * 7 }}") >= 4


@pytest.mark.parametrize(
    ("expected", "context"),
    [
        ("Your report is being written", {"report_status": "queued"}),
        ("Your report is being written", {"report_status": "running"}),
        ("Your report is being written", {"report_status": "stale"}),
        ("The report could not be written", {"report_status": "failed"}),
        ("There will be no report", {"report_status": "none"}),
        ("The interview is not over yet", {"report_status": "none", "session_status": "in_progress"}),
    ],
)
def test_states_without_a_report(expected, context):
    """B.3: waiting in named steps, failed and none say what happened and what to do."""
    shown = page(**context)

    assert expected in shown.text
    assert len(shown.all("h1")) == 1
    assert bool(shown.all("section", id="waiting")) is (expected == "Your report is being written")
    assert bool(shown.all("meta", **{"http-equiv": "refresh"})) is (expected == "Your report is being written")


def test_waiting_names_its_steps():
    """B.3: progress in named steps, announced politely."""
    shown = page(report_status="running")

    assert ["Comparing your words" in shown.text] == [True]
    assert [(li["data-step"], li["aria-current"]) for li in shown.all("li") if "aria-current" in li] == [("comparing", "step")]
    assert shown.all("p", role="status")


@pytest.mark.parametrize("status", ["stale", "failed"])
def test_an_older_report_is_still_shown(status):
    """C-60: the last good version stays readable, with a word about the newer one."""
    shown = page(played(FULL).report(), report_status=status)

    assert "Interview report" in shown.text
    assert "newer version" in shown.text or "new version" in shown.text


def test_every_line_and_quote_plays():
    """M5: click a sentence, hear it."""
    report = played(FULL, HALF).report()
    shown = page(report)
    buttons = shown.all("button", type="button")

    assert [{key: audio[key] for key in ("id", "controls", "preload")} for audio in shown.all("audio")] == [
        {"id": "player", "controls": None, "preload": "metadata"}
    ]
    assert shown.all("audio")[0]["src"] == "/api/interviews/s1/recording"
    played_back = [b for b in buttons if "data-t" in b]
    answers, questions = 2, 2
    quoted = [
        e
        for item in report["strengths"]
        for e in report["evidence"]
        if e["id"] in item["evidence"] and e["quote"] in item["description"]
    ]
    assert quoted
    assert len(played_back) == len(report["transcript"]) + len(report["evidence"]) + answers + questions + len(quoted)
    assert all("disabled" in b for b in buttons if "data-t" in b)
    assert [line["startMs"] / 1000 for line in report["transcript"]] == [
        float(li["data-start"] or "") for li in shown.all("li") if "data-start" in li
    ]


def test_every_sentence_is_a_place_in_the_recording():
    """M5: a link into the recording itself, so that it works without a script; together they are the whole transcript."""
    report = played("Use a cache. Then I shard it by key! Is that fine?", FULL).report()
    shown = page(report)
    links = shown.all("a", **{"class": "sentence"})

    assert [a["href"] for a in links] == [f"/api/interviews/s1/recording#t={a['data-t']}" for a in links]
    first = next(line for line in told(report) if not line["mark"] and line["speaker"] == "candidate")
    assert ["Use a cache. ", "Then I shard it by key! ", "Is that fine?"] == [
        "".join(part for part, _ in sentence["pieces"]) for sentence in first["sentences"]
    ]
    times = [float(sentence["t"]) for sentence in first["sentences"]]
    assert first["startMs"] / 1000 == times[0] < times[1] < times[2] < first["endMs"] / 1000


@given(st.text("ab .!?…”", max_size=60), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=4))
def test_sentences_lose_nothing(text, spans):
    """M5: every character is in one sentence, and marked where it was."""
    hits = [(start, end) for start, end in spans if start < end <= len(text)]
    found = sentences({"text": text, "startMs": 1000, "endMs": 3000}, hits) if text else []

    assert text == "".join(part for sentence in found for part, _ in sentence["pieces"])
    marked = [hit for sentence in found for part, hit in sentence["pieces"] for _ in part]
    assert [any(start <= i < end for start, end in hits) for i in range(len(text))] == marked
    assert sorted(float(sentence["t"]) for sentence in found) == [float(sentence["t"]) for sentence in found]


def test_one_time_line_holds_words_and_what_happened():
    """M5: turns, questions and tool calls in order of time; a turn says which key points it shows."""
    report = played(FULL, HALF).report()
    lines = told(report)

    turns = [line["atMs"] for line in lines if not line["mark"]]
    assert turns == sorted(turns)
    assert [True, False, False, True, False, False, True] == [line["mark"] for line in lines]
    assert ["question", "question", "end"] == [line["kind"] for line in lines if line["mark"]]
    shows = [line["shows"] for line in lines if not line["mark"] and line["speaker"] == "candidate"]
    assert ["A cache in front", "Spread the data"] == shows[0]
    shown = page(report)
    assert "Shows: A cache in front; Spread the data" in shown.text
    assert len(shown.all("svg", **{"class": "track-picture"})) == 1
    assert len(shown.all("input", id="seek")) == 1


def test_an_older_report_has_no_marks():
    """R-084: reports that were stored before there were marks are shown all the same."""
    report = {name: value for name, value in played(FULL).report().items() if name != "timeline"}

    assert not any(line["mark"] for line in told(report))
    assert "Interview report" in page(report).text


def test_what_changed_is_said_in_signs():
    """R-088: delta to the last time, area by area; comparison in words until there is a group."""
    report = placed(
        played(FULL, HALF).report(),
        group=Scores(),
        before=ReportFacts("s0", "me", "r0", DESIGN, Difficulty.EASY, NOW, 50, areas={"caching": 90}),
        own=[],
    )
    shown = page(report)

    change = report["overallScore"] - 50
    assert f"+{change} points" in shown.text
    assert "since 3 December 2026 (50 of 100, then Easy)" in shown.text
    assert "Not enough interviews on this server yet" in shown.text


def test_without_a_recording_nothing_plays():
    """M5: no dead buttons."""
    shown = page(played(FULL).report(has_recording=False))

    assert shown.all("audio") == []
    assert [b for b in shown.all("button") if "data-t" in b] == []
    assert shown.all("a", **{"class": "sentence"}) == []
    assert shown.all("input", id="seek") == []


def test_covered_words_are_marked():
    """M3: the candidate's own words, the matching ones marked."""
    shown = page(played(FULL).report())

    assert "<mark>cache</mark>" in shown.source
    assert len(shown.all("mark")) >= 3


@pytest.mark.parametrize("report", [None, played(FULL, HALF).report(), played(None).report()])
def test_nothing_is_inline(report):
    """CSP: no inline script, style or handler on any state of the page."""
    shown = page(report, report_status="queued")

    assert [
        tag for tag, attrs in shown.tags if tag == "style" or "style" in attrs or any(name.startswith("on") for name in attrs)
    ] == []
    assert [attrs for attrs in shown.all("script") if "src" not in attrs] == []
    ids = [attrs["id"] for _, attrs in shown.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


@given(st.text(max_size=40), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6))
def test_marking_loses_nothing(text, spans):
    """Every character once, in order; what lies in a span is marked."""
    spans = [(start, end) for start, end in spans if start < end <= len(text)]

    parts = pieces(text, spans)

    assert text == "".join(part for part, _ in parts)
    marked = [hit for part, hit in parts for _ in part]
    assert [any(start <= i < end for start, end in spans) for i in range(len(text))] == marked


def test_dates_read_as_dates():
    """No locale, no surprise."""
    assert day("2026-12-03T10:45:00Z") == "3 December 2026"
