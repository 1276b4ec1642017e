"""`/metrics` for Prometheus: names that stay, documented in `docs/reference/metrics.md`; numbers only, nothing of a person (R-152…R-155).

Without `PREPKIT_METRICS_TOKEN` only a request straight from this machine is answered. Read next: `figures`.
"""

from __future__ import annotations

import hmac
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from bridge.config import is_loopback
from bridge.domain.call_view import percentile
from bridge.domain.events import EngineChanged, Event, ToolAnswered
from bridge.errors import Refused
from pipeline.supervisor import Supervisor

from ..auth import public
from ..keys import SETTINGS, STORE, SUPERVISOR

SAMPLES = 5_000
"""Database statements the p95 is of."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Metrics:
    """What this process counts."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._calls = Gauge("prepkit_calls", "Live calls in this process", registry=registry)
        self._max = Gauge("prepkit_calls_max", "Calls this process takes", registry=registry)
        self._open = Gauge("prepkit_open", "1 while new interviews are let in", registry=registry)
        self._readers = Gauge("prepkit_live_readers", "Streams of live calls being read", registry=registry)
        self._published = Counter("prepkit_live_items", "Items published to readers", registry=registry)
        self.events = Counter("prepkit_call_events", "Stored events of calls, by kind", ["kind"], registry=registry)
        self.tools = Histogram(
            "prepkit_tool_seconds",
            "Live tool calls, by tool and source",
            ["tool", "source"],
            buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5),
            registry=registry,
        )
        self.handovers = Counter(
            "prepkit_engine_handovers",
            "Engines lost in a call, by from_engine and to_engine",
            ["from_engine", "to_engine"],
            registry=registry,
        )
        self.requests = Histogram(
            "prepkit_http_seconds",
            "HTTP requests but streams and sockets, by method and status",
            ["method", "status"],
            registry=registry,
        )
        self.database = Histogram(
            "prepkit_database_seconds",
            "Database statements",
            buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
            registry=registry,
        )
        self._reviews = Gauge("prepkit_reviews_waiting", "Reviews by a person that are not handed in", registry=registry)
        self._late = Gauge("prepkit_reviews_late", "Those whose deadline has passed", registry=registry)
        self._took: deque[int] = deque(maxlen=SAMPLES)
        self._last_published = 0

    def event(self, event: Event) -> None:
        """An event of a call was stored."""
        self.events.labels(event.kind).inc()
        match event:
            case ToolAnswered():
                self.tools.labels(event.tool, event.source).observe(event.took_ms / 1000)
            case EngineChanged():
                self.handovers.labels(event.from_engine, event.to_engine).inc()

    def statement(self, seconds: float) -> None:
        """A database statement took so long."""
        self.database.observe(seconds)
        self._took.append(round(seconds * 1000))

    def database_p95_ms(self) -> float | None:
        """Of the newest statements."""
        return percentile(list(self._took), 0.95)

    def text(self, supervisor: Supervisor, reviews: tuple[int, int]) -> bytes:
        """The exposition format; `reviews`: not handed in, and late."""
        self._reviews.set(reviews[0])
        self._late.set(reviews[1])
        self._calls.set(supervisor.count)
        self._max.set(supervisor.max_calls)
        self._open.set(0 if supervisor.draining or supervisor.paused else 1)
        self._readers.set(supervisor.feed.readers)
        self._published.inc(supervisor.feed.published - self._last_published)
        self._last_published = supervisor.feed.published
        return generate_latest(self.registry)


METRICS: web.AppKey[Metrics] = web.AppKey("metrics", Metrics)


@public
async def show(request: web.Request) -> web.Response:
    """`GET /metrics`."""
    token = request.app[SETTINGS].metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    straight = is_loopback(request.remote or "") and not {"Forwarded", "X-Forwarded-For"} & request.headers.keys()
    if not (hmac.compare_digest(given.encode(), token.encode()) if token else straight):
        raise Refused("The figures need their bearer token.")
    async with request.app[STORE].read() as tx:
        reviews = await tx.review_counts(datetime.now(UTC))
    body = request.app[METRICS].text(request.app[SUPERVISOR], reviews)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


@web.middleware
async def timed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """How long answers take, streams and sockets left out: they are meant to last."""
    began = time.perf_counter()
    response = await handler(request)
    if isinstance(response, web.Response):
        request.app[METRICS].requests.labels(request.method, f"{response.status // 100}xx").observe(time.perf_counter() - began)
    return response
