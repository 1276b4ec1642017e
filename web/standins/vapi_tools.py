"""A tool call on the wire: four layouts of the request, and the judgement of the answer, as strict as Vapi's.

Vapi ignores an answer that is not 200, and what is in it unless it is a list of single-line strings with the ids it asked for. Read next: `vapi_assistant`.
"""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import dataclass, field
from typing import Any

from .vapi_faults import ToolLayout
from .vapi_webhooks import Webhook


@dataclass
class ToolResult:
    """One tool call, its answer and what was wrong with it."""

    id: str
    name: str
    arguments: dict[str, Any]
    result: str | None = None
    error: str | None = None
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)

    @property
    def value(self) -> dict[str, Any]:
        """The result's JSON object; empty when there is none: the model then reads "ok, no result returned"."""
        try:
            value = json.loads(self.result or "{}")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


def new_id() -> str:
    """An id as a model makes it up."""
    letters = string.ascii_letters + string.digits
    return "call_" + "".join(secrets.choice(letters) for _ in range(24))


def tool_call(call: ToolResult, arguments: str) -> dict[str, Any]:
    """The call as it lies in `toolCallList`; `arguments` is `object` or `string`."""
    given: Any = json.dumps(call.arguments) if arguments == "string" else call.arguments
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": given}}


def lists(calls: list[dict[str, Any]], tools: dict[str, Any], layout: ToolLayout) -> dict[str, Any]:
    """The part of the message that names the calls. `tools`: the definitions by name, repeated in one layout."""
    names = [call["function"]["name"] for call in calls]
    both = [tools.get(name, {"type": "function"}) | {"toolCall": call} for name, call in zip(names, calls, strict=True)]
    parts: dict[str, Any] = {"toolCallList": calls, "toolCalls": calls, "toolWithToolCallList": both}
    if layout == "all":
        return parts
    if layout == "functionCall":
        function = calls[0]["function"]
        return {"functionCall": {"name": function["name"], "parameters": function["arguments"]}}
    return {layout: parts[layout]}


def judge(call: ToolResult, webhook: Webhook, layout: ToolLayout) -> None:
    """Take the answer in, or say why Vapi would not."""
    call.seconds = webhook.seconds
    if webhook.status != 200:
        call.violations.append(f"answered {webhook.status or webhook.error} to a tool call; anything but 200 is ignored")
        return
    try:
        body = json.loads(webhook.answer)
    except ValueError:
        call.violations.append("the answer to a tool call is not JSON")
        return
    legacy = layout == "functionCall"
    if legacy and isinstance(body, dict) and "results" not in body:
        _take(call, body)
        return
    results = body.get("results") if isinstance(body, dict) else None
    if not isinstance(results, list):
        call.violations.append("the answer to a tool call has no list `results`")
        return
    mine = [item for item in results if isinstance(item, dict) and (legacy or item.get("toolCallId") == call.id)]
    if len(mine) != 1:
        call.violations.append(f"{len(mine)} results for the tool call, 1 is needed")
    for item in mine[:1]:
        _take(call, item)


def _take(call: ToolResult, item: dict[str, Any]) -> None:
    given = [name for name in ("result", "error") if item.get(name) is not None]
    if len(given) != 1:
        call.violations.append("a tool result has not exactly one of `result` and `error`")
    for name in given[:1]:
        text = item[name]
        if not isinstance(text, str):
            call.violations.append(f"a tool's {name} is not a string")
        elif "\n" in text or "\r" in text:
            call.violations.append(f"a tool's {name} has a line break")
        else:
            setattr(call, name, text)
