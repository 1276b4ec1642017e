"""The templates in an assistant: Vapi renders every text with LiquidJS, so a stray `{{` in a candidate's text is code.

Known variables are put in; every other tag is a leak: rendered as LiquidJS would (to nothing) and reported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

PLAIN = frozenset({"metadata", "server", "variableValues", "credentials"})
"""Fields that are not rendered."""
_TAG = re.compile(r"\{\{-?(.*?)-?\}\}|\{%.*?%\}|\{\{|\{%", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def render(text: str, values: Mapping[str, Any]) -> tuple[str, int]:
    """The text with its variables in, and how many tags were none of them. A value is not rendered again."""
    leaks = 0

    def fill(match: re.Match[str]) -> str:
        nonlocal leaks
        name = (match[1] or "").strip()
        if _NAME.fullmatch(name) and name in values:
            return str(values[name])
        leaks += 1
        return ""

    return _TAG.sub(fill, text), leaks


def rendered(value: Any, values: Mapping[str, Any], at: str = "assistant") -> tuple[Any, list[str]]:
    """A whole JSON value rendered, and the paths of the texts with a leak."""
    if isinstance(value, str):
        text, leaks = render(value, values)
        return text, [at] if leaks else []
    if isinstance(value, dict):
        parts = {k: (v, []) if k in PLAIN else rendered(v, values, f"{at}.{k}") for k, v in value.items()}
        return {k: part for k, (part, _) in parts.items()}, [path for _, found in parts.values() for path in found]
    if isinstance(value, list):
        items = [rendered(item, values, f"{at}.{n}") for n, item in enumerate(value)]
        return [item for item, _ in items], [path for _, found in items for path in found]
    return value, []
