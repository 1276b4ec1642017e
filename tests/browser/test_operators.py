"""An operator's browser beside real calls: five followed through restarts without a gap or a repeat, acts by mouse, axe (M7)."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack

import aiohttp
import pytest

from web.rehearsal.house import House

from ..acceptance.live import ANSWER, Caller, Server
from .rig import axe_violations, browser, needs_browser

pytestmark = [needs_browser, pytest.mark.asyncio(loop_scope="module")]
CALLS = 5
NOTE_IDS = """
  window.__ids = [];
  const Real = window.EventSource;
  window.EventSource = class extends Real {
    constructor(...options) {
      super(...options);
      this.addEventListener("message", (event) => {
        const { seq } = JSON.parse(event.data);
        if (seq !== null) window.__ids.push([Number(event.lastEventId), seq]);
      });
    }
  };
"""


async def last_seq(server: Server, session_id: str) -> int:
    """The newest event of a call's stored log."""
    async with server.http.get(f"{server.url}/api/operator/calls/{session_id}/log") as response:
        return json.loads((await response.text()).splitlines()[-1])["seq"]


async def answer(server: Server, stack: AsyncExitStack, session_id: str) -> Caller:
    """A candidate who connects (again) and types an answer."""
    caller = await stack.enter_async_context(server.caller(*await server.start(session_id)))
    await caller.told("question")
    await caller.verb("text", text=ANSWER)
    return caller


async def test_five_calls_are_followed_through_restarts_without_gap_or_repeat(tmp_path):
    """Five typed calls, five pages; the server is stopped once and killed once; every page saw 1…n, each id once, in order."""
    house = House(
        tmp_path / "house", environ={"PREPKIT_DRAIN_SECONDS": "0", "PREPKIT_RECOGNISER": "none", "PREPKIT_MAX_CALLS": "8"}
    )
    await house.start()
    try:
        async with aiohttp.ClientSession() as http, browser() as chromium:
            server = Server(house.url, house.data_dir, http)
            context = await chromium.new_context()
            await context.add_init_script(NOTE_IDS)
            sessions = [(await server.set_up())["sessionId"] for _ in range(CALLS)]
            pages = []
            for how in ("begin", "stop", "kill"):
                if how != "begin":
                    await (house.stop() if how == "stop" else house.kill())
                    await house.start()
                async with AsyncExitStack() as stack:
                    callers = await asyncio.gather(*(answer(server, stack, session_id) for session_id in sessions))
                    if how == "begin":
                        for session_id in sessions:
                            pages.append(await context.new_page())
                            await pages[-1].goto(f"{house.url}/operator/calls/{session_id}")
                    await asyncio.gather(*(caller.verb("text", text=f"{ANSWER} {how}") for caller in callers))
                    # What was acknowledged to the candidate must be on the page, whatever the server went through.
                    newest = [await last_seq(server, session_id) for session_id in sessions]
                    for page, seq in zip(pages, newest, strict=True):
                        await page.wait_for_function(
                            "seq => Number(document.querySelector('#timeline').dataset.lastSeq) >= seq", arg=seq, timeout=60_000
                        )
            seen = [await page.evaluate("window.__ids") for page in pages]
            shown = [await page.inner_text("#timeline") for page in pages]
            hidden = [await page.is_hidden("#call-problem") for page in pages]
    finally:
        await house.stop()

    for ids, seq in zip(seen, newest, strict=True):
        assert [[n, n] for n in range(1, len(ids) + 1)] == ids
        assert len(ids) >= seq
    assert all(f"{ANSWER} {how}" in text for text in shown for how in ("begin", "stop", "kill"))
    assert all(hidden), "a page said that an event was missing or came twice"


async def test_an_operator_steps_in_by_the_page(house):
    """Extend, whisper and end from the page; the candidate is told; the call leaves the list; both pages have no axe violation."""
    async with aiohttp.ClientSession() as http, browser() as chromium:
        server = Server(house.url, house.data_dir, http)
        page = await (await chromium.new_context()).new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        session_id = (await server.set_up())["sessionId"]
        async with AsyncExitStack() as stack:
            caller = await answer(server, stack, session_id)
            await page.goto(f"{house.url}/operator")
            await page.wait_for_selector(f"tr[data-session='{session_id}']")
            found = await axe_violations(page)
            await page.click(f"tr[data-session='{session_id}'] a")
            await page.wait_for_selector("li[data-kind='turn-recorded'][data-speaker='candidate']")
            await page.fill("#extend-minutes", "5")
            await page.click("form[data-act=extend] button")
            await caller.told("notice", code="operator")
            await page.fill("#whisper-text", "next question")
            await page.click("form[data-act=whisper] button")
            await caller.told("question", n=2)
            await page.wait_for_selector("li[data-kind='operator-acted']:has-text('next question')")
            clock = await page.inner_text("#fact-clock")
            found += await axe_violations(page)
            await page.click("#end")
            await page.click("#end-dialog button[value=now]")
            ended = await caller.told("ended")
            await page.wait_for_selector("#acts", state="hidden")
            await page.click("#replay-toggle")
            await page.wait_for_selector("li[data-kind='interview-ended']")
        await page.goto(f"{house.url}/operator")
        await page.wait_for_selector("#live-empty", state="visible")

    assert [] == found
    assert [] == complaints
    assert clock.endswith("15:00")
    assert "ended_by_operator" == ended["reason"]
