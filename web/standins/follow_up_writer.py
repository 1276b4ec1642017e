"""A brain that judges answers and writes follow-ups as a good model would for the director's prompt: proofs verbatim, questions that give nothing away.

Reads the prompt's own blocks. A key point counts as made when most of its telling words were said; each missing one gets a question of its own that was not
asked yet. Use it with `StandinBrain().when(follow_up_writer.write, purpose="follow-up")`.
"""

from __future__ import annotations

import json
import re

from .gemini_answers import Request
from .gemini_filling import sentences
from .gemini_material import Point, material

MADE_SHARE = 0.6
MOST = 4
PROOF_WORDS = 8
QUESTIONS = (
    "What would you look at next, and why there?",
    "Where does this begin to hurt, in your experience?",
    "How would you convince a colleague who disagrees?",
    "What would have to be different for you to decide otherwise?",
    "Suppose that turns out to be wrong. How do you notice?",
    "Could you walk me through one concrete case?",
    "Which part of this do people usually overlook?",
    "What happens on the worst day of the year?",
)
_BLOCK = re.compile(r"<(\w+)>\n(.*?)\n</\1>", re.DOTALL)


def write(request: Request) -> str:
    """The answer to a director's prompt, as JSON."""
    asked = set(json.loads(dict(_BLOCK.findall(request.prompt)).get("asked_already", "[]")))
    found = material(request.prompt)
    missing = [point for point in found.points if point.share(found.answer) < MADE_SHARE]
    left = [text for text in QUESTIONS if text not in asked]
    return json.dumps(
        {
            "points": [_judged(point, found.answer, made=point not in missing) for point in found.points],
            "followUps": [{"about": point.id, "text": text} for point, text in zip(missing[:MOST], left, strict=False)],
        }
    )


def _judged(point: Point, answer: str, *, made: bool) -> dict[str, str]:
    best = max(sentences(answer), key=point.share, default="")
    quote = " ".join(best.split()[:PROOF_WORDS])
    return {"id": point.id, "shown": "yes" if made and quote else "no", "quote": quote if made else ""}
