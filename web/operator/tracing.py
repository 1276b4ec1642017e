"""Traces for OpenTelemetry, where `PREPKIT_OTEL_ENDPOINT` is set: a span for each HTTP request and each live tool call (M7).

A span has a route's pattern, a method, a status, a tool's name and times: no path, address, id, argument or text, so nothing of a person.
Without the setting nothing here imports OpenTelemetry (pipecat looks whether it is there). Read next: `metrics`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from bridge import __version__
from bridge.config import Settings
from bridge.domain.events import Event, ToolAnswered
from bridge.errors import SettingsError

from ..keys import SETTINGS, SUPERVISOR

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

EXPORT_SECONDS = 5
"""A collector that takes longer loses the spans; nothing here waits for it."""
NOT_THERE = "PREPKIT_OTEL_ENDPOINT is set, but OpenTelemetry is not installed: install prepkit-voice-bridge[otel]."
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def attach(app: web.Application) -> None:
    """Trace the application where that is configured. Raises SettingsError where the extra is missing."""
    settings = app[SETTINGS]
    if not settings.otel_endpoint:
        return
    try:
        provider = _provider(exporter_of(settings))
    except ImportError as error:
        raise SettingsError(NOT_THERE) from error
    traces = Traces(provider)
    # The outermost, so that it sees the status an error is turned into.
    app.middlewares.insert(0, traces.request)
    count = app[SUPERVISOR].feed.on_event

    def on_event(event: Event) -> None:
        if count is not None:
            count(event)
        if isinstance(event, ToolAnswered):
            traces.tool(event)

    app[SUPERVISOR].feed.on_event = on_event

    async def close(_: web.Application) -> None:
        await asyncio.to_thread(provider.shutdown)

    app.on_cleanup.append(close)


def exporter_of(settings: Settings) -> SpanExporter:
    """To the collector, as OTLP over HTTP. Raises ImportError without the extra, SettingsError for headers that are none."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - Only where it is configured.

    pairs = [pair.partition("=") for pair in settings.otel_headers.split(",") if pair.strip()]
    if not all(name.strip() and equals for name, equals, _ in pairs):
        raise SettingsError("PREPKIT_OTEL_HEADERS is a list of name=value, with commas between.")
    headers = {name.strip(): value.strip() for name, _, value in pairs}
    return OTLPSpanExporter(endpoint=f"{settings.otel_endpoint.rstrip('/')}/v1/traces", headers=headers, timeout=EXPORT_SECONDS)


def _provider(exporter: SpanExporter) -> TracerProvider:
    """Of our own, never the process's: libraries that trace by themselves would send what was said."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - Only where it is configured.
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - Only where it is configured.
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - Only where it is configured.

    provider = TracerProvider(resource=Resource({"service.name": "prepkit", "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


class Traces:
    """Makes the spans."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415 - Only where it is configured.

        self._tracer = provider.get_tracer("prepkit", __version__)
        self._server, self._internal, self._failed = SpanKind.SERVER, SpanKind.INTERNAL, Status(StatusCode.ERROR)

    @web.middleware
    async def request(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """One span, whatever comes of it."""
        began, status = time.time_ns(), 500
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as leads_away:
            status = leads_away.status
            raise
        finally:
            self._told(request, began, status)
        return response

    def _told(self, request: web.Request, began: int, status: int) -> None:
        resource = request.match_info.route.resource
        method = request.method if request.method in hdrs.METH_ALL else "_OTHER"
        seen: dict[str, str | int] = {"http.request.method": method, "http.response.status_code": status}
        if resource is not None:
            seen["http.route"] = resource.canonical
        name = f"{method} {resource.canonical}" if resource is not None else method
        span = self._tracer.start_span(name, kind=self._server, attributes=seen, start_time=began)
        if status >= 500:
            span.set_status(self._failed)
        span.end()

    def tool(self, event: ToolAnswered) -> None:
        """A live tool call, which has just been answered."""
        now = time.time_ns()
        seen = {"prepkit.tool": event.tool, "prepkit.tool.source": event.source}
        span = self._tracer.start_span(
            f"tool {event.tool}", kind=self._internal, attributes=seen, start_time=now - event.took_ms * 1_000_000
        )
        span.end(now)
