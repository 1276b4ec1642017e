"""A foreign page in a real browser beside a signed-in one: it can neither read what is here nor do anything (A2, A3)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bridge.domain.privacy import CONSENT_VERSION
from web.rehearsal.house import House

from .rig import browser, needs_browser

pytestmark = [needs_browser, pytest.mark.timeout(300)]

TRY = """async ({ home, session, token }) => {
  const told = async (path, options) => {
    try {
      const answer = await fetch(home + path, { credentials: "include", ...options });
      return [answer.type, answer.status, await answer.text()];
    } catch (error) {
      return ["failed", 0, ""];
    }
  };
  const socket = (path) => new Promise((done) => {
    const line = new WebSocket(home.replace("http", "ws") + path, path.includes("operator") ? [] : ["prepkit.pcm.v1"]);
    let opened = false;
    line.onopen = () => { opened = true; line.close(); };
    line.onclose = () => done(opened);
  });
  const stream = (path) => new Promise((done) => {
    const source = new EventSource(home + path, { withCredentials: true });
    source.onopen = () => { source.close(); done(true); };
    source.onerror = () => { source.close(); done(false); };
  });
  const framed = (path) => new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.onload = () => {
      let text = "";
      try { text = frame.contentDocument.body.innerText; } catch (error) { text = ""; }
      frame.remove();
      done(text);
    };
    frame.src = home + path;
    document.body.append(frame);
  });
  const posted = (path) => new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.name = "answer" + Math.random();
    const form = document.createElement("form");
    form.method = "post"; form.action = home + path; form.target = frame.name;
    document.body.append(frame, form);
    frame.onload = () => done(true);
    form.submit();
  });
  const json = { "Content-Type": "application/json" };
  const setup = JSON.stringify({ type: "dsa" });
  const result = {
    read: await told("/api/interviews/history"),
    page: await told(`/interviews/${session}`),
    report: await told(`/api/interviews/${session}`, { mode: "no-cors" }),
    openapi: await told("/api/openapi.json"),
    made: await told("/api/interviews/setup", { method: "POST", headers: json, body: setup }),
    plain: await told("/api/interviews/setup", { method: "POST", mode: "no-cors", body: setup }),
    stream: await stream(`/api/operator/calls/${session}/events`),
    ear: await socket(`/ws/operator/calls/${session}/listen`),
    framed: await framed("/history"),
  };
  if (token) result.call = await socket(`/ws/interviews/${session}?token=${token}`);
  if (location.origin !== home) {
    const simple = { method: "POST", mode: "no-cors", body: "{}" };
    result.ended = await told(`/api/interviews/${session}/complete`, simple);
    result.paused = await told("/api/operator/pause", simple);
    navigator.sendBeacon(home + "/api/operator/drain", new Blob(["{}"], { type: "text/plain" }));
    result.form = await posted("/api/interviews/setup");
    result.deleted = await told(`/api/interviews/${session}`, { method: "DELETE" });
  }
  return result;
}"""


@asynccontextmanager
async def foreign_site() -> AsyncIterator[int]:
    """A page of somebody else's on this machine: the port."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>Not us</title><body>Hello", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def started(http: aiohttp.ClientSession) -> dict[str, str]:
    """A new interview that may be joined: where and how."""
    async with http.post("/api/interviews/setup", json={"type": "dsa", "difficulty": "easy"}) as made:
        session = (await made.json())["sessionId"]
    async with http.post(f"/api/interviews/{session}/start", json={"consent": {"version": CONSENT_VERSION}}) as begun:
        return {"session": session, "token": (await begun.json())["token"]}


async def standing(http: aiohttp.ClientSession, session: str) -> tuple[Any, ...]:
    """What a foreign page could have changed."""
    async with http.get("/api/interviews/history?limit=50") as history:
        interviews = await history.json()
    async with http.get(f"/api/interviews/{session}") as shown:
        status = (await shown.json())["status"]
    async with http.get("/readyz") as ready:
        return interviews["total"], status, json.dumps((await ready.json())["checks"]["calls"])


async def test_a_page_of_another_origin_reads_and_does_nothing(tmp_path: Path) -> None:
    """A2, A3: from another port (the same site, so that cookies would go along) and from another name: no answer can be read, no socket and no stream
    opens, no frame shows us, and nothing is made, ended, paused or deleted; the same script on our own page does all of it."""
    house = House(tmp_path / "data", command="serve", environ={"PREPKIT_RECOGNISER": "none"})
    await house.start()
    try:
        async with browser() as chromium, aiohttp.ClientSession(house.url) as http, foreign_site() as port:
            context = await chromium.new_context()
            page = await context.new_page()
            for foreign in (f"http://127.0.0.1:{port}/", f"http://localhost:{port}/"):
                target = await started(http)
                before = await standing(http, target["session"])
                await page.goto(foreign)
                got = await page.evaluate(TRY, {"home": house.url, **target})
                assert [
                    got[name][2] for name in ("read", "page", "report", "openapi", "made", "plain", "ended", "paused", "deleted")
                ] == [""] * 9
                assert (got["call"], got["ear"], got["stream"], got["framed"]) == (False, False, False, "")
                assert before == await standing(http, target["session"])
            page = await context.new_page()
            await page.goto(f"{house.url}/history")
            target = await started(http)
            got = await page.evaluate(TRY, {"home": house.url, **target})
            assert got["call"], "our own page joins"
            assert [got[name][1] for name in ("read", "page", "openapi", "made")] == [200, 200, 200, 201]
            assert before[0] + 1 < (await standing(http, target["session"]))[0]
    finally:
        await house.stop()
