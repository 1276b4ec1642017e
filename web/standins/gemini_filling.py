"""A valid answer to any schema Gemini takes: walk it and fill it, deterministically, with words of the prompt.

`Choices` is where a purpose steers: it may choose a value or how many items a list has; what it leaves open is filled here. Everything chosen is
fitted to the schema's bounds, so the result is always valid. Takes the common shape of `gemini_schemas`. Read next: `gemini_minds`.
"""

from __future__ import annotations

import importlib
import itertools
import re
import zlib
from typing import Any, Final

UNSET: Final[Any] = object()
"""A choice left to the filler."""
FORMATS = {
    "date-time": "2026-01-01T09:30:00Z",
    "date": "2026-01-01",
    "time": "09:30:00Z",
    "duration": "PT20M",
    "uuid": "00000000-0000-4000-8000-000000000001",
    "email": "candidate@example.org",
    "uri": "https://example.org/",
}
USUAL_ITEMS = 2
MAX_TEXT = 160
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_LETTERS = re.compile(r"[A-Za-z]")

Path = tuple[str | int, ...]
"""Property names and list positions from the root."""


def label(path: Path) -> str:
    """The names on the way, for example `questions.keypoints.text`."""
    return ".".join(step.lower().replace("_", "") for step in path if isinstance(step, str))


def sentences(text: str) -> list[str]:
    """The sentences of a text, whitespace folded, those without a letter left out."""
    return [line for part in _SENTENCE.split(text) if _LETTERS.search(line := " ".join(part.split()))]


class Choices:
    """Leaves everything open."""

    def value(self, path: Path, schema: dict[str, Any]) -> Any:
        """The value there, or UNSET. None is taken where the schema is nullable."""
        return UNSET

    def count(self, path: Path, schema: dict[str, Any]) -> int | None:
        """How many items a list has, or None."""
        return None


def fill(schema: dict[str, Any], text: str, choices: Choices | None = None) -> Any:
    """A valid value. `text` is where strings come from; equal arguments give an equal value."""
    return _Filler(text, choices or Choices()).fill(schema, ())


class _Filler:
    def __init__(self, text: str, choices: Choices) -> None:
        self._seed = text
        self._lines = itertools.cycle(sentences(text) or ["Nothing was said."])
        self._choices = choices

    def fill(self, schema: dict[str, Any], path: Path) -> Any:
        if (chosen := self._choices.value(path, schema)) is not UNSET and (fitted := fit(schema, chosen)) is not UNSET:
            return fitted
        if options := schema.get("anyOf"):
            return self.fill(options[0], path)
        match schema.get("type"):
            case "OBJECT":
                return self._object(schema, path)
            case "ARRAY":
                return self._array(schema, path)
            case "NULL":
                return None
            case "BOOLEAN":
                return bool(self._pick(path, 2))
            case "INTEGER" | "NUMBER" as kind:
                return self._number(schema, path, whole=kind == "INTEGER")
            case _:
                return self._string(schema, path)

    def _object(self, schema: dict[str, Any], path: Path) -> dict[str, Any]:
        properties = schema.get("properties", {})
        order = [name for name in schema.get("propertyOrdering", ()) if name in properties]
        names = [*order, *(name for name in properties if name not in order)]
        filled = {name: self.fill(properties[name], (*path, name)) for name in names}
        if not properties and "key" in schema:
            filled["first"] = self.fill(schema["key"], (*path, "first"))
        return filled

    def _array(self, schema: dict[str, Any], path: Path) -> list[Any]:
        low, high = schema.get("minItems", 0), schema.get("maxItems")
        first = schema.get("prefixItems", [])
        wanted = self._choices.count(path, schema)
        count = max(low, len(first), USUAL_ITEMS if wanted is None else wanted)
        count = count if high is None else min(count, high)
        items = [*first, *itertools.repeat(schema["items"], max(0, count - len(first)))][:count]
        return [self.fill(item, (*path, i)) for i, item in enumerate(items)]

    def _pick(self, path: Path, among: int) -> int:
        """A choice that depends on the place and the prompt."""
        return zlib.crc32(f"{path}{self._seed}".encode()) % among

    def _number(self, schema: dict[str, Any], path: Path, *, whole: bool) -> int | float:
        if "enum" in schema:
            number: int | float = schema["enum"][self._pick(path, len(schema["enum"]))]
            return number
        low = schema.get("minimum", min(0, schema.get("maximum", 0)))
        high = schema.get("maximum", low + 10)
        if whole:
            first = -(-low // 1)
            return int(first + self._pick(path, int(high - first) + 1))
        return float(low + (high - low) * self._pick(path, 101) / 100)

    def _string(self, schema: dict[str, Any], path: Path) -> str:
        if "enum" in schema:
            return str(schema["enum"][self._pick(path, len(schema["enum"]))])
        if (form := schema.get("format")) in FORMATS:
            return FORMATS[form]
        if pattern := schema.get("pattern"):
            return sample(pattern)
        if path and str(path[-1]).lower().endswith("id"):
            return str(fit(schema, "-".join(str(step) for step in path)))
        return str(fit(schema, next(self._lines)[:MAX_TEXT]))


def fit(schema: dict[str, Any], value: Any) -> Any:
    """The value brought inside the schema's bounds; UNSET when it is of another kind."""
    if value is None:
        return None if schema.get("nullable") or schema.get("type") == "NULL" else UNSET
    if options := schema.get("anyOf"):
        return next((fitted for option in options if (fitted := fit(option, value)) is not UNSET), UNSET)
    kind = schema.get("type", "STRING")
    if "enum" in schema:
        return value if value in schema["enum"] else UNSET
    if kind in ("INTEGER", "NUMBER"):
        return _fit_number(schema, value, whole=kind == "INTEGER")
    if kind == "STRING" and isinstance(value, str):
        return _fit_string(schema, value)
    wanted = {"BOOLEAN": bool, "ARRAY": list, "OBJECT": dict}.get(kind)
    return value if wanted is not None and isinstance(value, wanted) else UNSET


def _fit_number(schema: dict[str, Any], value: Any, *, whole: bool) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return UNSET
    value = min(max(value, schema.get("minimum", value)), schema.get("maximum", value))
    return round(value) if whole else float(value)


def _fit_string(schema: dict[str, Any], value: str) -> Any:
    if (pattern := schema.get("pattern")) and not re.search(pattern, value):
        return UNSET
    value = value[: schema.get("maxLength", len(value))]
    short = schema.get("minLength", 0) - len(value)
    return value + "." * max(0, short)


def sample(pattern: str) -> str:
    """A string that matches a regular expression. Covers what schemas use: literals, sets, classes, repeats, groups, branches."""
    parser = importlib.import_module("re._parser")
    return "".join(_sample(node) for node in parser.parse(pattern))


def _sample(node: tuple[Any, Any]) -> str:
    name, data = str(node[0]), node[1]
    match name:
        case "LITERAL":
            return chr(int(data))
        case "NOT_LITERAL":
            return _other_than({chr(data)})
        case "ANY":
            return "a"
        case "IN":
            return _sample_set(data)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            low, high, inside = data
            return "".join(_sample(part) for part in inside) * max(int(low), min(1, int(high)))
        case "SUBPATTERN":
            return "".join(_sample(part) for part in data[-1])
        case "BRANCH":
            return "".join(_sample(part) for part in data[1][0])
        case _:
            return ""


def _sample_set(items: list[tuple[Any, Any]]) -> str:
    if str(items[0][0]) == "NEGATE":
        pattern = [item for item in items if str(item[0]) in ("LITERAL", "RANGE")]
        used = {chr(c) for kind, d in pattern for c in (range(d[0], d[1] + 1) if str(kind) == "RANGE" else (d,))}
        return _other_than(used)
    kind, data = items[0]
    if str(kind) == "CATEGORY":
        return {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " "}.get(str(data), "a")
    return chr(data[0] if str(kind) == "RANGE" else data)


def _other_than(used: set[str]) -> str:
    free: str = next(c for c in "aA0_-.~ " if c not in used)
    return free
