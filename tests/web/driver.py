"""Drives a running server with Schemathesis from its OpenAPI document, in a process of its own: the plan comes as JSON on the standard input, what was
sent leaves as JSON on the standard output.

A process of its own, because Hypothesis keeps the global `random` to itself while it makes examples, and a server beside it uses that too.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
import schemathesis
from hypothesis import HealthCheck, given, settings

ANYTHING = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}


@dataclass(frozen=True)
class Plan:
    """What is to be sent where; routes are `METHOD /path`."""

    origin: str
    document: dict[str, Any]
    examples: int
    """Of each operation."""
    cookies: dict[str, str]
    strangers: list[str]
    """Routes to which somebody comes who is not signed in: who signs in by a request is somebody else."""
    skipped: list[str]
    ids: dict[str, dict[str, Any]]
    """Path parameters, by route."""
    body: dict[str, dict[str, Any]]
    """What is added to each body, by route."""
    taken: dict[str, dict[str, Any]]
    """Bodies that are taken, by route: the first of each, so that not only refusals are seen."""
    query: dict[str, str]


@dataclass
class Sent:
    """What came of it."""

    statuses: dict[str, list[int]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    """Answers with a 5xx, but for what this server has not installed."""
    scopes: list[str] = field(default_factory=list)
    """Which a token was asked for in the field that is for it."""


def drive(plan: Plan) -> Sent:
    """Send the examples of each operation."""
    for path in plan.document["paths"].values():
        for method, operation in path.items():
            if method != "get":
                operation.setdefault("requestBody", ANYTHING)
    schema = schemathesis.openapi.from_dict(plan.document)

    def route_of(operation: Any) -> str:
        return f"{operation.method.upper()} {operation.path}"

    @schema.hook
    def map_case(context: Any, case: Any) -> Any:
        """Beside whatever was made."""
        case.query = dict(case.query or {}) | plan.query
        if isinstance(case.body, dict):
            route = route_of(case.operation)
            first = route in plan.taken and route not in sent.statuses
            case.body = plan.body[route] | plan.taken[route] if first else case.body | plan.body[route]
        return case

    sent, mine = Sent(), requests.Session()
    for name, value in plan.cookies.items():
        # Of this very host, so that a new one takes the old one's place.
        mine.cookies.set(name, value, domain=urlsplit(plan.origin).hostname, path="/")

    def send(case: Any) -> None:
        route = route_of(case.operation)
        session = requests.Session() if route in plan.strangers else mine
        response = case.call(base_url=plan.origin, session=session, headers={"Origin": plan.origin}, timeout=60)
        sent.statuses.setdefault(route, []).append(response.status_code)
        if response.status_code >= 500 and response.json()["error"]["code"] != "not_installed":
            sent.failures.append(f"{route} {response.status_code}: {case.body!r:.300}")
        if route == "POST /api/me/tokens" and response.status_code == 201:
            sent.scopes.extend(case.body.get("scopes", []))

    for found in schema.get_all_operations():
        operation = found.ok()
        route = route_of(operation)
        if route in plan.skipped:
            continue
        strategy = operation.as_strategy(path_parameters=plan.ids.get(route))
        bounded = settings(
            max_examples=plan.examples, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
        )
        bounded(given(case=strategy)(send))()
    return sent


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(drive(Plan(**json.load(sys.stdin))))))
