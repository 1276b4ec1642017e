"""Which answer and parameter schemas Gemini takes, and one shape of both kinds for the brain to fill.

Two kinds come in. `responseSchema` and a function's `parameters` are the protobuf Schema (an OpenAPI subset): its names were checked by
`gemini_fields`, here its sense is. `responseJsonSchema` and `parametersJsonSchema` are JSON Schema of which Gemini takes some keywords and ignores
the others. What one schema may cost is Google's secret: `MAX_DEPTH` and `MAX_STATES` are careful guesses from public reports (six containers in each
other refused; maxItems summing to about 960 refused), so that what passes here should pass there. Read next: `gemini_filling`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .gemini_errors import BARE, GoogleError, Violation
from .gemini_models import Model

MAX_DEPTH = 5
"""Objects and arrays inside each other."""
MAX_STATES = 960
"""See `states`."""
TOO_MANY_STATES = (
    "The specified schema produces a constraint that has too many states for serving.  Typical causes of this error are schemas with lots "
    "of text (for example, very long property or enum names), schemas with long array length limits (especially when nested), or schemas "
    "using complex value matchers (for example, integers or numbers with minimum/maximum bounds or strings with complex formats like date-time)"
)
FORMATS = {
    "STRING": frozenset({"enum", "date-time"}),
    "NUMBER": frozenset({"float", "double"}),
    "INTEGER": frozenset({"int32", "int64"}),
}
_ONLY = {
    "OBJECT": ("properties", "required", "minProperties", "maxProperties", "propertyOrdering"),
    "ARRAY": ("items", "minItems", "maxItems"),
    "STRING": ("enum", "minLength", "maxLength", "pattern"),
}
_SNAKE = {"propertyOrdering": "property_ordering", "minItems": "min_items", "maxItems": "max_items"}
JSON_KEYWORDS = frozenset(
    {
        "$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items", "prefixItems", "minItems", "maxItems",
        "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties", "required", "propertyOrdering",
    }
)  # fmt: skip
"""What a JSON Schema may use; Gemini ignores every other keyword."""
_UNROLLED = 2
"""How often a schema that contains itself is unrolled."""


def check_schema(schema: dict[str, Any], path: str) -> list[Violation]:
    """What is wrong with a protobuf Schema. `path` as Google writes it, for example `generation_config.response_schema`."""
    kind, found = schema.get("type"), []
    if kind is None and not schema.get("anyOf"):
        found.append(Violation(f"{path}.type", "must be specified"))
    for owner, fields in _ONLY.items():
        if kind not in (owner, None):
            misplaced = [_SNAKE.get(field, field) for field in fields if field in schema]
            found += [Violation(f"{path}.{field}", f"only allowed for {owner} type") for field in misplaced]
    if kind == "OBJECT":
        found += _check_object(schema, path)
    if kind == "ARRAY" and "items" not in schema:
        found.append(Violation(f"{path}.items", "missing field."))
    found += _check_leaf(schema, path)
    for name, child in _children(schema):
        found += check_schema(child, f"{path}.{name}")
    return found


def _check_object(schema: dict[str, Any], path: str) -> Iterator[Violation]:
    properties = schema.get("properties") or {}
    if not properties:
        yield Violation(f"{path}.properties", "should be non-empty for OBJECT type")
    for field in ("required", "propertyOrdering"):
        for i, name in enumerate(schema.get(field, ())):
            if name not in properties:
                yield Violation(f"{path}.{_SNAKE.get(field, field)}[{i}]", "property is not defined")


def _check_leaf(schema: dict[str, Any], path: str) -> Iterator[Violation]:
    kind, form = schema.get("type"), schema.get("format")
    allowed = FORMATS.get(kind or "", frozenset())
    if form and form not in allowed:
        names = " and ".join(f"'{name}'" for name in sorted(allowed, reverse=True)) or "none"
        yield Violation(f"{path}.format", f"only {names} are supported for {kind} type")
    for i, value in enumerate(schema.get("enum", ())):
        if value == "":
            yield Violation(f"{path}.enum[{i}]", "cannot be empty")
    for low, high in (("minItems", "maxItems"), ("minLength", "maxLength"), ("minimum", "maximum")):
        if low in schema and high in schema and schema[low] > schema[high]:
            yield Violation(f"{path}.{_SNAKE.get(low, low)}", f"must not be greater than {_SNAKE.get(high, high)}")
    if (pattern := schema.get("pattern")) is not None:
        try:
            re.compile(pattern)
        except re.error:
            yield Violation(f"{path}.pattern", "invalid regular expression")


def _children(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(how Google writes the way there, schema)."""
    for name, child in schema.get("properties", {}).items():
        yield f"properties[{name}]", child
    if isinstance(schema.get("items"), dict):
        yield "items", schema["items"]
    for i, child in enumerate(schema.get("anyOf", ())):
        yield f"any_of[{i}]", child


def check_size(schema: dict[str, Any], model: Model, what: str = "A schema in GenerationConfig") -> None:
    """Raises GoogleError for a schema that is too deep or has too many states. Takes the common shape."""
    if depth(schema) > MAX_DEPTH:
        raise GoogleError(400, f"{what} in the request exceeds the maximum allowed nesting depth.")
    if states(schema) > MAX_STATES:
        raise GoogleError(400, BARE if model.modern else TOO_MANY_STATES)


def depth(schema: dict[str, Any]) -> int:
    """Objects and arrays inside each other, at the deepest."""
    below = max((depth(child) for _, child in _children(schema)), default=0)
    return below + (schema.get("type") in ("OBJECT", "ARRAY"))


def states(schema: dict[str, Any]) -> float:
    """A rough size of the grammar a schema becomes: long names and enums, bounds and above all bounded arrays, which are written out."""
    inside = sum(states(child) for _, child in _children(schema))
    names = sum(len(name) for name in schema.get("properties", {})) / 8
    choices = sum(len(str(value)) for value in schema.get("enum", ())) / 8
    bounds = 2.0 * sum(key in schema for key in ("minimum", "maximum")) + 8.0 * (schema.get("format") == "date-time")
    own = 1 + names + choices + bounds
    return own + inside * (schema.get("maxItems", 1) if schema.get("type") == "ARRAY" else 1)


# JSON Schema -------------------------------------------------------------------------------------------------------------
def from_json_schema(schema: Any, path: str) -> dict[str, Any]:
    """A JSON Schema in the common shape: references followed, unions as anyOf, ignored keywords left out. Raises GoogleError."""
    if not isinstance(schema, dict):
        raise GoogleError(400, f"* GenerateContentRequest.{path}: must be a JSON object\n")
    return _Json(schema, path).read(schema, ())


class _Json:
    def __init__(self, root: dict[str, Any], path: str) -> None:
        self._root = root
        self._path = path

    def _refuse(self, why: str) -> GoogleError:
        return GoogleError(400, f"* GenerateContentRequest.{self._path}: {why}\n")

    def read(self, schema: Any, way: tuple[str, ...]) -> dict[str, Any]:
        """`way` are the references followed to come here."""
        if schema is True or schema == {}:
            return {"type": "STRING"}
        if not isinstance(schema, dict):
            raise self._refuse("a schema must be an object")
        if ref := schema.get("$ref"):
            return self._follow(schema, ref, way)
        read: dict[str, Any] = {key: schema[key] for key in ("format", "title", "description") if key in schema}
        read |= {key: schema[key] for key in ("minItems", "maxItems", "minimum", "maximum") if key in schema}
        if "enum" in schema:
            if not all(isinstance(value, str | int | float) and not isinstance(value, bool) for value in schema["enum"]):
                raise self._refuse("enum is supported for strings and numbers only")
            read["enum"] = schema["enum"]
        options = schema.get("anyOf") or schema.get("oneOf")
        if options:
            return read | self._union([self.read(option, way) for option in options])
        kind = schema.get("type") or _kind_of(schema)
        if isinstance(kind, list):
            rest = {key: value for key, value in schema.items() if key != "type"}
            return read | self._union([self.read(rest | {"type": each}, way) for each in kind])
        if not isinstance(kind, str) or kind.upper() not in ("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"):
            raise self._refuse(f"unknown type {kind!r}")
        return read | {"type": kind.upper()} | self._inside(kind, schema, way)

    def _inside(self, kind: str, schema: dict[str, Any], way: tuple[str, ...]) -> dict[str, Any]:
        if kind == "array":
            first = schema.get("prefixItems")
            if first:
                return {"prefixItems": [self.read(item, way) for item in first], "items": self.read(first[-1], way)}
            return {"items": self.read(schema.get("items", True), way)}
        if kind != "object":
            return {}
        required = schema.get("required", [])
        properties = schema.get("properties", {})
        read = {}
        for name, child in properties.items():
            if name not in required and self._circles(child, way):
                continue  # unrolled as far as it goes; the model may leave it out
            read[name] = self.read(child, way)
        for name in required:
            if name not in properties:
                raise self._refuse(f"required property '{name}' is not defined")
        if not properties and isinstance(more := schema.get("additionalProperties"), dict):
            read["key"] = self.read(more, way)
        return {"properties": read, "required": [name for name in required if name in read]}

    def _circles(self, child: Any, way: tuple[str, ...]) -> bool:
        """Whether a property leads back to where we are, often enough."""
        ref = child.get("$ref") or (child.get("items") or {}).get("$ref") if isinstance(child, dict) else None
        return way.count(ref) >= _UNROLLED if isinstance(ref, str) else False

    def _follow(self, schema: dict[str, Any], ref: Any, way: tuple[str, ...]) -> dict[str, Any]:
        beside = sorted(key for key in schema if not key.startswith("$") and key in JSON_KEYWORDS)
        if beside:
            raise self._refuse(f"'{beside[0]}' may not be set beside $ref")
        if way.count(ref) > _UNROLLED:
            raise self._refuse("cyclic references may only be used within non-required properties")
        target: Any = self._root
        for step in str(ref).removeprefix("#/").split("/") if str(ref) != "#" else ():
            target = target.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
        if not isinstance(target, dict) or not str(ref).startswith("#"):
            raise self._refuse(f"reference to undefined schema {ref}")
        return self.read(target, (*way, ref))

    def _union(self, options: list[dict[str, Any]]) -> dict[str, Any]:
        real = [option for option in options if option.get("type") != "NULL"]
        nullable = {"nullable": True} if len(real) < len(options) else {}
        if not real:
            return {"type": "NULL"}
        return (real[0] if len(real) == 1 else {"anyOf": real}) | nullable


def _kind_of(schema: dict[str, Any]) -> str:
    """The type of a schema that does not say it."""
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    numbers = [value for value in schema.get("enum", ()) if not isinstance(value, str)]
    return "number" if numbers or "minimum" in schema or "maximum" in schema else "string"
