"""OpenTelemetry: a span for each request and tool call, nothing of a person in any, and nothing imported unless it is configured (M7)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bridge.config import Settings
from bridge.domain.events import ToolAnswered
from bridge.errors import SettingsError
from web.keys import SUPERVISOR
from web.operator import tracing

from .house import UNKNOWN, running

LOOK = """
import asyncio, os, sys
from pathlib import Path
sys.modules["opentelemetry"] = None
from bridge.config import Settings
from bridge.errors import SettingsError
from web.app import create_app

async def look(folder):
    await create_app(Settings(data_dir=folder / "one", recogniser="none"))
    try:
        await create_app(Settings(data_dir=folder / "two", recogniser="none", otel_endpoint="http://127.0.0.1:9"))
    except SettingsError as error:
        return 0 if "[otel]" in error.message else 3
    return 4

os._exit(asyncio.run(look(Path(sys.argv[1]))))
"""
"""A program in which OpenTelemetry cannot be imported."""


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Where they go instead of to a collector."""
    memory = InMemorySpanExporter()
    monkeypatch.setattr(tracing, "exporter_of", lambda _settings: memory)
    return memory


async def test_requests_and_tool_calls_are_spans_without_a_person(tmp_path: Path, spans: InMemorySpanExporter) -> None:
    """One span each, with pattern and status, also of a failure; no id, query, address, argument or words; all are sent at the end."""
    async with running(tmp_path, otel_endpoint="http://127.0.0.1:9", recogniser="none") as up:
        await up.call("GET", "/healthz?who=zoe")
        await up.call("GET", f"/api/interviews/{UNKNOWN}")
        await up.fetch("GET", "/no/such/zoe")
        counted = up.app[SUPERVISOR].feed.on_event
        assert counted is not None
        counted(
            ToolAnswered(
                at_ms=5, tool_call_id="call-zoe", tool="get_next_question", question_id="q-zoe", arguments={"userResponse": "zoe"},
                result={"text": "zoe"}, source="memory", took_ms=40,
            )
        )  # fmt: skip
        _, metrics = await up.fetch("GET", "/metrics")
    found = {span.name: span for span in spans.get_finished_spans()}
    shown: list[Any] = [(span.name, dict(span.attributes or {}), span.events) for span in found.values()]

    assert {"GET /healthz", "GET /api/interviews/{session_id}", "GET", "tool get_next_question", "GET /metrics"} == set(found)
    assert len(found) == len(spans.get_finished_spans())
    assert {"http.request.method": "GET", "http.response.status_code": 404, "http.route": "/api/interviews/{session_id}"} == (
        found["GET /api/interviews/{session_id}"].attributes
    )
    tool = found["tool get_next_question"]
    assert {"prepkit.tool": "get_next_question", "prepkit.tool.source": "memory"} == tool.attributes
    assert tool.start_time
    assert tool.end_time
    assert 40_000_000 == tool.end_time - tool.start_time
    assert "zoe" not in str(shown)
    assert UNKNOWN not in str(shown)
    assert 'prepkit_call_events_total{kind="tool-answered"} 1' in metrics


async def test_spans_reach_a_collector(tmp_path: Path) -> None:
    """The real exporter over HTTP: to `/v1/traces`, with the headers that were set."""
    got: list[tuple[str, str, bytes]] = []

    async def collect(request: web.Request) -> web.Response:
        got.append((request.path, request.headers.get("x-key", ""), await request.read()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/{any:.*}", collect)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        settings = {"otel_endpoint": f"http://127.0.0.1:{port}/", "otel_headers": "x-key=abc", "recogniser": "none"}
        async with running(tmp_path, **settings) as up:
            await up.call("GET", "/healthz")
    finally:
        await runner.cleanup()

    assert ("/v1/traces", "abc") == got[0][:2]


def test_nothing_is_imported_unless_it_is_configured(tmp_path: Path) -> None:
    """Where OpenTelemetry cannot be imported the application is made all the same; with the setting it says what to install."""
    assert 0 == subprocess.run([sys.executable, "-c", LOOK, str(tmp_path)], check=False, timeout=90).returncode


def test_headers_that_are_none_are_refused_in_words() -> None:
    """At the start, by the setting's name."""
    with pytest.raises(SettingsError, match="PREPKIT_OTEL_HEADERS"):
        tracing.exporter_of(Settings(otel_endpoint="http://c", otel_headers="nonsense"))
