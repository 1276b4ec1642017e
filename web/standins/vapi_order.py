"""A call as it was asked for: overrides merged in, templates rendered, leaks noted. Read next: `vapi_record`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from .vapi_checks import Assistant, CreateCall, Refused, complaints
from .vapi_liquid import rendered

OWN = frozenset({"variableValues", "metadata", "tools:append"})
"""Fields of the overrides that override nothing."""


@dataclass(frozen=True)
class Order:
    """What a create asked for."""

    request: dict[str, Any]
    """The body as it came."""
    created: CreateCall
    assistant: Assistant
    """With overrides and variables in."""
    raw_assistant: dict[str, Any]
    """The same as JSON."""
    leaks: list[str]
    """Where a template tag was that is no variable of the call."""
    values: dict[str, Any]
    """The variables."""


def settle(created: CreateCall, request: dict[str, Any]) -> Order:
    """The order behind a checked body. Raises Refused when it is no assistant any more once rendered."""
    overrides = request.get("assistantOverrides") or {}
    values = overrides.get("variableValues") or {}
    merged = request["assistant"] | {name: value for name, value in overrides.items() if name not in OWN}
    raw, leaks = rendered(merged, values)
    try:
        return Order(request, created, Assistant.model_validate(raw), raw, leaks, values)
    except ValidationError as error:
        raise Refused(list(complaints(raw, error))) from None
