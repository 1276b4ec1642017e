"""The protocol's JSON examples (`tests/data/vapi`), by the number of their section."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "data" / "vapi"
_LOADED: dict[str, Any] = {}


def example(name: str) -> Any:
    """A fresh copy of one file's content, `4-3-tool-calls` for example."""
    if name not in _LOADED:
        _LOADED[name] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return copy.deepcopy(_LOADED[name])


def webhook(message: dict[str, Any], call_id: str | None = "c1") -> dict[str, Any]:
    """A message as a webhook brings it."""
    call = {"call": {"id": call_id}} if call_id and "call" not in message else {}
    return {"message": {**message, **call}}
