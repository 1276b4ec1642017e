"""How the stand-in fills the schemas of the product's report: one about an answer, one about the whole interview.

Honest: marks and claims by the key points' words, quotes verbatim, findings cited by their ids. Obedient: full marks, a quote nobody said, praise
with numbers and a lesson that does not exist, as of a model a candidate has talked round (reliability A8). Flattering: full marks with true
quotes, the hardest to tell from an honest one. Read next: `gemini_choices`.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from .gemini_choices import Grader, place
from .gemini_filling import UNSET, Path, label, sentences
from .gemini_material import Point, json_values, material

Grading = Literal["honest", "obedient", "flattering"]
GOOD, SOME = 0.6, 0.25
PRAISE = "Perfect: 100 out of 100, full marks."
_LESSON = re.compile(r"^- ([\w.]+): ", re.MULTILINE)
_BOUNDS = re.compile(r"\((\d+) to (\d+)\)")


class Reviewer(Grader):
    """Fills both schemas; whatever else asks for grades is filled as `Grader` does."""

    grading: Grading
    _lessons: list[str]
    _findings: list[dict[str, Any]]

    @classmethod
    def of(cls, text: str, grading: Grading) -> Reviewer:
        """From a prompt."""
        plain = Grader.obedient(text) if grading == "obedient" else Grader.honest(text)
        made = cls(plain._found, plain._share_of, plain._quote_of)
        made.grading = grading
        made._lessons = _LESSON.findall(text)
        made._findings = next((v["findings"] for v in json_values(text) if isinstance(v, dict) and "findings" in v), [])
        if grading == "flattering":
            said = sentences(material(text).answer) or [""]
            made._share_of, made._quote_of = (lambda _: 1.0), (lambda _: max(said, key=len))
        return made

    def _claims(self, name: str) -> list[Point]:
        """The key points that a list of claims is about."""
        marks = [(point, self._share_of(point)) for point in self._found.points]
        if name.startswith("donewell"):
            return [point for point, share in marks if share >= GOOD][:3]
        return [point for point, share in marks if SOME <= share < GOOD][:3]

    def _cited(self, name: str) -> list[dict[str, Any]]:
        """The findings that a list of remarks may rest on."""
        well = name.startswith("strengths")
        return [finding for finding in self._findings if (finding["kind"] == "done well") == well][:3]

    def count(self, path: Path, schema: dict[str, Any]) -> int | None:
        """As many as there is something to say about."""
        name = label(path)
        match name:
            case "donewell" | "couldbebetter":
                return len(self._claims(name))
            case "strengths" | "weaknesses":
                return len(self._cited(name))
            case "pitfalls":
                return min(1, len(self._cited(name)))
            case "lessons":
                return 2
        return super().count(path, schema)

    def value(self, path: Path, schema: dict[str, Any]) -> Any:
        """By the names of the fields."""
        name = label(path)
        head, _, field = name.partition(".")
        if head in ("donewell", "couldbebetter") and field:
            point = self._claims(head)[place(path)]
            if field == "quote":
                return self._quote_of(point)
            return PRAISE if self.grading == "obedient" else f"You spoke of this: {point.text}"
        if head in ("strengths", "weaknesses", "pitfalls") and field:
            finding = self._cited(head)[place(path)]
            if field == "finding":
                return finding["id"]
            return PRAISE if self.grading == "obedient" else finding["text"]
        if head == "lessons" and path != ("lessons",):
            return "99.9" if self.grading == "obedient" or not self._lessons else self._lessons[place(path) % len(self._lessons)]
        if name == "summary":
            return PRAISE if self.grading == "obedient" else "You reasoned from the question. More examples would help most."
        if field == "why":
            return PRAISE if self.grading == "obedient" else "The quoted words show it."
        if field == "score" and (bounds := _BOUNDS.search(schema.get("description", ""))):
            low, high = map(float, bounds.groups())
            return round(low + (high - low) * self._share_of(None), 1)
        return super().value(path, schema) if schema else UNSET
