"""How judging fills its schema: deciding on a follow-up, grading. Choices go by the names of the fields.

`Grader` is honest (marks by overlap with the candidate's words, quotes verbatim) or obedient (full marks everywhere, as a model that a candidate has
talked round; reliability A8). Read next: `gemini_filling`, `gemini_material`,
`gemini_writing` for questions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .gemini_filling import UNSET, Choices, Path, label, sentences
from .gemini_material import Material, Point, material, stems

YES = ("yes", "full", "covered", "shown", "met", "strong", "excellent", "correct", "pass", "high")
PARTLY = ("part", "some", "weak", "medium", "fair", "mixed")
NO = ("no", "missing", "absent", "none", "not", "fail", "poor", "low")
MOST_SUGGESTED = 4
INVENTED = "I deserve full marks for all of it."


def place(path: Path) -> int:
    """The innermost list position, 0 when there is none."""
    return next((step for step in reversed(path) if isinstance(step, int)), 0)


class Grader(Choices):
    """Marks by a share for each key point. `share` of None is the whole answer's."""

    def __init__(self, found: Material, share: Callable[[Point | None], float], quote: Callable[[Point | None], str]) -> None:
        self._found = found
        self._share_of = share
        self._quote_of = quote

    @classmethod
    def honest(cls, text: str) -> Grader:
        """By overlap; quotes are sentences of the answer."""
        found = material(text)

        def share(point: Point | None) -> float:
            if point is not None:
                return point.share(found.answer)
            marks = [each.share(found.answer) for each in found.points]
            return sum(marks) / len(marks) if marks else min(1.0, len(stems(found.answer)) / 30)

        def quote(point: Point | None) -> str:
            said = sentences(found.answer)
            if point is None:
                return said[0] if said else ""
            best = max(said, key=point.share, default="")
            return best if point.share(best) > 0 else ""

        return cls(found, share, quote)

    @classmethod
    def obedient(cls, text: str) -> Grader:
        """Full marks for whatever was said, with a quote nobody said."""
        return cls(material(text), lambda _point: 1.0, lambda _point: INVENTED)

    def _point(self, path: Path) -> Point | None:
        """The key point a place is about."""
        listed = re.search(r"point|criteri|rubric|coverage|covered|checks", label(path[:-1] or path))
        points = self._found.points
        return points[place(path)] if listed and any(isinstance(s, int) for s in path) and place(path) < len(points) else None

    def count(self, path: Path, schema: dict[str, Any]) -> int | None:
        """A mark for each key point; a quote where there is one."""
        name = label(path).rpartition(".")[2]
        if re.search(r"point|criteri|rubric|coverage|covered|checks", name):
            return len(self._found.points) or None
        if "quote" in name or "evidence" in name:
            return 1 if self._quote_of(self._point(path)) else 0
        return None

    def value(self, path: Path, schema: dict[str, Any]) -> Any:
        """Numbers, verdicts, quotes and ids; texts only where they say something."""
        name, point = label(path), self._point(path)
        share = self._share_of(point)
        match schema.get("type"):
            case "INTEGER" | "NUMBER":
                return self._mark(name, schema, share)
            case "BOOLEAN":
                return share >= 0.5
            case "STRING" if "enum" in schema:
                return self._verdict(schema["enum"], share, point)
            case "STRING" if re.search(r"quote|evidence|verbatim|excerpt", name):
                return self._quote_of(point)
            case "STRING" if point is not None and name.endswith("id"):
                return point.id
            case "STRING" if point is not None and re.search(r"(point|text|name)$", name):
                return point.text
            case _:
                return UNSET

    @staticmethod
    def _mark(name: str, schema: dict[str, Any], share: float) -> float:
        low = schema.get("minimum", 0)
        usual = 100 if re.search(r"score|overall|total|percent", name) else 10
        high: float = schema.get("maximum", usual)
        return float(low + (high - low) * share)

    @staticmethod
    def _verdict(values: list[Any], share: float, point: Point | None) -> Any:
        if point is not None and point.id in values:
            return point.id
        wanted = YES if share >= 0.6 else PARTLY if share >= 0.25 else NO
        return next((value for value in values if str(value).lower().startswith(wanted)), UNSET)


class Decider(Grader):
    """Asks a follow-up when less than half of the key points' words were said, else moves on."""

    @classmethod
    def of(cls, text: str) -> Decider:
        """From a prompt."""
        honest = Grader.honest(text)
        return cls(honest._found, honest._share_of, honest._quote_of)

    @property
    def thin(self) -> bool:
        """Whether a follow-up is due."""
        return self._share_of(None) < 0.5

    @property
    def lacking(self) -> list[Point]:
        """The key points with less than half their words said, least spoken of first."""
        shares = {point.id: point.share(self._found.answer) for point in self._found.points}
        return sorted((point for point in self._found.points if shares[point.id] < 0.5), key=lambda point: shares[point.id])

    @property
    def missing(self) -> Point | None:
        """The key point least spoken of."""
        return min(self._found.points, key=lambda point: point.share(self._found.answer), default=None)

    @property
    def question(self) -> str:
        """A prepared follow-up, the one nearest to what is missing, or one made up."""
        return self._question_about(self.missing, self._found.follow_ups)

    @staticmethod
    def _question_about(point: Point | None, prepared: list[str]) -> str:
        if prepared:
            return max(prepared, key=lambda text: point.share(text) if point else 0.0)
        return f"Could you say more about {point.text.rstrip('.').lower()}?" if point else "Could you give me an example?"

    def _suggestion(self, n: int) -> tuple[Point, str]:
        """The n-th of several follow-ups: each about another point, with another text."""
        left = list(self._found.follow_ups)
        for point in self.lacking[: n + 1]:
            text = self._question_about(point, left)
            left = [each for each in left if each != text]
        return point, text

    def count(self, path: Path, schema: dict[str, Any]) -> int | None:
        """Lists of covered or missing points hold just those."""
        name = label(path).rpartition(".")[2]
        covered = sum(point.share(self._found.answer) >= 0.5 for point in self._found.points)
        if schema.get("items", {}).get("type") == "STRING" and "covered" in name:
            return covered
        if schema.get("items", {}).get("type") == "STRING" and "missing" in name:
            return len(self._found.points) - covered
        if schema.get("items", {}).get("type") == "OBJECT" and name.startswith("followup"):
            return min(MOST_SUGGESTED, len(self.lacking))
        return super().count(path, schema)

    def value(self, path: Path, schema: dict[str, Any]) -> Any:
        """Follow up or move on, and with which words."""
        name, kind = label(path), schema.get("type")
        values = schema.get("enum", [])
        if re.match(r"followups\.(about|text)$", name) and len(path) == 3:
            point, text = self._suggestion(place(path))
            return point.id if path[-1] == "about" else text
        if kind == "STRING" and any(re.search(r"follow|probe|ask", str(value), re.I) for value in values):
            return next((v for v in values if bool(re.search(r"follow|probe|ask", str(v), re.I)) == self.thin), UNSET)
        if kind == "BOOLEAN" and re.search(r"move|next|done|advance|complete|enough|sufficient", name):
            return not self.thin
        if kind == "BOOLEAN" and re.search(r"follow|ask|probe", name):
            return self.thin
        if kind == "STRING" and not values and re.search(r"(about|missing|point)\w*(id)?$", name) and not self._point(path):
            return self.missing.id if self.missing and self.thin else None if schema.get("nullable") else UNSET
        if (
            kind == "STRING"
            and not values
            and re.search(r"(follow|question|text|spoken|ask)\w*$", name)
            and self._point(path) is None
        ):
            return self.question if self.thin else None if schema.get("nullable") else ""
        return super().value(path, schema)
