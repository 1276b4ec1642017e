"""JSON as we accept it from anyone: no NaN, no depth bombs, no giant numbers, no NUL, no lone surrogates (contract §6).

Raises InvalidInput with a sentence; never RecursionError, ValueError or a traceback. Used by the HTTP API, the webhooks and the socket.
"""

from __future__ import annotations

import json
import math
from typing import Any

from ..errors import InvalidInput

MAX_DEPTH = 32
MAX_NUMBER_CHARS = 40


def _number(text: str) -> int | float:
    if len(text) > MAX_NUMBER_CHARS:
        raise InvalidInput("A number in the JSON is too long.")
    return float(text) if any(c in text for c in ".eE") else int(text)


def _constant(text: str) -> Any:
    raise InvalidInput(f"{text} is not allowed in JSON.")


def _check(value: Any, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise InvalidInput(f"The JSON is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value):
            raise InvalidInput("The JSON holds a character that cannot be stored.")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidInput("A number in the JSON is out of range.")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth + 1)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)


def loads(data: str | bytes) -> Any:
    """The value of a JSON text. Raises InvalidInput for anything but plain, shallow, storable JSON."""
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        # A scan first: the C parser recurses before any hook of ours runs.
        if _bracket_depth(text) > MAX_DEPTH:
            raise InvalidInput(f"The JSON is nested deeper than {MAX_DEPTH} levels.")
        value = json.loads(text, parse_float=_number, parse_int=_number, parse_constant=_constant)
    except UnicodeDecodeError:
        raise InvalidInput("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise InvalidInput(f"The body is not JSON (line {error.lineno}, column {error.colno}).") from None
    _check(value)
    return value


def loads_object(data: str | bytes) -> dict[str, Any]:
    """Like `loads`, and the value must be an object."""
    value = loads(data)
    if not isinstance(value, dict):
        raise InvalidInput("The body must be a JSON object.")
    return value


def _bracket_depth(text: str) -> int:
    depth = deepest = 0
    in_string = escaped = False
    for char in text:
        if in_string:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_DEPTH:
                return deepest
        elif char in "]}":
            depth -= 1
    return deepest
