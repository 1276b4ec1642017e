"""A pydantic model as the JSON Schema that Gemini takes for its answers: a small subset, kept small on purpose.

Left out are `additionalProperties`, `$ref`, defaults, titles, formats and every bound: Gemini refuses some outright, and array and number
bounds use up a budget whose end is a bare 400 ("too many states"). Bounds are said in words instead, and pydantic holds them when the
answer comes back. What has no honest form here (recursion, unions, free-form objects, too deep nesting) is a programming error.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel

MAX_DEPTH = 5
"""Objects and arrays inside each other; six were refused in public reports."""
SCALARS = frozenset({"string", "integer", "number", "boolean"})


@cache
def gemini_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema to send. Raises TypeError, naming the place, for a model Gemini would not take."""
    document = model.model_json_schema(by_alias=True)
    return _Reader(document.get("$defs", {})).read(document, model.__name__, (), 0)


class _Reader:
    def __init__(self, defs: dict[str, Any]) -> None:
        self._defs = defs

    def read(self, node: dict[str, Any], where: str, way: tuple[str, ...], depth: int) -> dict[str, Any]:
        """`way` are the definitions we are inside of, `depth` the objects and arrays."""
        if "$ref" in node:
            name = str(node["$ref"]).rpartition("/")[2]
            if name in way:
                raise TypeError(f"{where}: Gemini takes no model that contains itself ({name})")
            return self.read(self._defs[name] | {k: v for k, v in node.items() if k != "$ref"}, where, (*way, name), depth)
        if "anyOf" in node:
            return self._optional(node, where, way, depth)
        kind = node.get("type")
        said = {"description": text} if (text := _said(node)) else {}
        if "const" in node or "enum" in node:
            values = node["enum"] if "enum" in node else [node["const"]]
            if not all(isinstance(value, str) for value in values):
                raise TypeError(f"{where}: only strings can be an enum")
            return {"type": "string", "enum": list(values), **said}
        if kind in SCALARS:
            return {"type": kind, **said}
        if depth >= MAX_DEPTH:
            raise TypeError(f"{where}: objects and arrays are nested deeper than {MAX_DEPTH} levels")
        if kind == "array":
            if not isinstance(node.get("items"), dict):
                raise TypeError(f"{where}: an array needs one type of item")
            return {"type": "array", "items": self.read(node["items"], f"{where}[]", way, depth + 1), **said}
        if kind == "object" and node.get("properties"):
            properties = {name: self.read(child, f"{where}.{name}", way, depth + 1) for name, child in node["properties"].items()}
            return {"type": "object", "properties": properties, "required": list(node.get("required", ())), **said}
        raise TypeError(f"{where}: Gemini takes no {'free-form object' if kind == 'object' else kind or 'value of any type'}")

    def _optional(self, node: dict[str, Any], where: str, way: tuple[str, ...], depth: int) -> dict[str, Any]:
        real = [option for option in node["anyOf"] if option.get("type") != "null"]
        if len(real) != 1:
            raise TypeError(f"{where}: only X or None is taken, no other union")
        inside = self.read(real[0] | ({"description": text} if (text := node.get("description")) else {}), where, way, depth)
        return {"anyOf": [inside, {"type": "null"}]} if len(real) < len(node["anyOf"]) else inside


def _said(node: dict[str, Any]) -> str:
    """The description, with the bounds in words."""
    bounds = []
    for low, high, what in (
        ("minItems", "maxItems", "items"),
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", "characters"),
    ):
        least, most = node.get(low), node.get(high)
        if least is not None and most is not None:
            bounds.append(f"{least} to {most} {what}".strip() if least != most else f"exactly {least} {what}".strip())
        elif least is not None or most is not None:
            bounds.append((f"at least {least} {what}" if most is None else f"at most {most} {what}").strip())
    text = str(node.get("description", ""))
    return " ".join(part for part in (text, f"({'; '.join(bounds)})" if bounds else "") if part)
