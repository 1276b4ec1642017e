"""The operators' pages say what codes mean: none is without words (M7)."""

from __future__ import annotations

import re
from pathlib import Path

from bridge.config import Engine
from bridge.domain.catalog import Difficulty, InterviewType
from web.operator import words

ROOT = Path(__file__).parents[2]


def test_every_kind_of_job_has_words() -> None:
    """Found by their constants in the code."""
    files = [path for folder in ("bridge", "web", "reporting") for path in sorted((ROOT / folder).rglob("*.py"))]
    kinds = {kind for path in files for kind in re.findall(r'_JOB = "([\w-]+)"', path.read_text(encoding="utf-8"))}

    assert {"write-report", "send-refund"} < kinds
    assert kinds == set(words.JOBS)


def test_every_engine_type_and_level_has_words() -> None:
    """Those that a session may have."""
    assert {engine.value for engine in Engine} - {"auto"} == set(words.ENGINES)
    assert {each.value for each in InterviewType} == set(words.TITLES)
    assert {each.value for each in Difficulty} == set(words.LEVELS)
