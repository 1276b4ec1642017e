"""Every page in every state worth seeing, for the accessibility test and for the screenshots in the docs.

`visit` opens one by name on a running demo server. Read next: `test_pages`, `screenshots`.
"""

from __future__ import annotations

import re
from typing import Any

import aiohttp
from playwright.async_api import Page

from bridge import bank

STATES = (
    "setup",
    "setup-review",
    "preflight",
    "live",
    "study",
    "ending",
    "report",
    "report-none",
    "history",
    "progress",
    "privacy",
    "your-data",
    "erasure",
    "operator",
    "operator-call",
    "operator-sessions",
    "operator-figures",
    "operator-deliveries",
    "operator-jobs",
    "api",
    "error",
)
PLAIN = {
    "setup": "/",
    "history": "/history",
    "progress": "/progress",
    "privacy": "/privacy",
    "operator-sessions": "/operator/sessions",
    "operator-figures": "/operator/figures",
    "operator-deliveries": "/operator/deliveries",
    "operator-jobs": "/operator/jobs",
    "api": "/api/docs",
}
"""Pages that are seen by opening them."""
BY_TEXT = {question.text: question for question in bank.questions()}


async def _api(url: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    async with aiohttp.ClientSession() as http, http.request(method, url + path, json=body) as response:
        return await response.json()


async def _session(url: str, **more: Any) -> str:
    made = await _api(url, "POST", "/api/interviews/setup", {"type": "system-design", "difficulty": "easy", **more})
    return str(made["sessionId"])


async def _type_once(page: Page) -> None:
    await page.check("#consent")
    await page.click("#start-typed")
    await page.wait_for_selector("#interview[data-state=live]")
    await page.wait_for_function("() => document.querySelector('#progress').textContent.includes('1 of')")


async def _answer(page: Page) -> None:
    answer = BY_TEXT[(await page.inner_text("#question")).strip()].model_answer
    await page.fill("#typed-text", answer)
    await page.press("#typed-text", "Enter")
    await page.wait_for_selector("#pending", state="hidden")


async def _watched(page: Page, url: str, state: str) -> None:
    """A typed call in a tab of its own, and an operator beside it who has whispered."""
    candidate = await page.context.new_page()
    await candidate.goto(f"{url}/interviews/{await _session(url, duration=6, questionCount=3)}")
    await _type_once(candidate)
    await _answer(candidate)
    session = candidate.url.split("/")[-1]
    await page.bring_to_front()
    if state == "operator":
        await page.goto(f"{url}/operator")
        await page.wait_for_selector(f"tr[data-session='{session}']")
        return
    await page.goto(f"{url}/operator/calls/{session}")
    await page.fill("#whisper-text", "next question")
    await page.click("form[data-act=whisper] button")
    await page.wait_for_selector("li[data-kind='operator-acted']")
    await page.wait_for_function("() => document.querySelector('#call-done').textContent !== ''")


async def visit(page: Page, url: str, state: str) -> None:
    """Bring the page into the state. Raises playwright's TimeoutError when it cannot be reached."""
    match state:
        case _ if state in PLAIN:
            await page.goto(url + PLAIN[state])
        case "setup-review":
            await page.goto(f"{url}/#review")
            await page.wait_for_function("() => !document.querySelector('#type')?.checkVisibility()")
        case "preflight":
            await page.goto(f"{url}/interviews/{await _session(url)}")
            await page.wait_for_selector("#preflight", state="visible")
        case "live":
            await page.goto(f"{url}/interviews/{await _session(url, duration=6, questionCount=3)}")
            await _type_once(page)
            await _answer(page)
            await page.wait_for_function("() => document.querySelector('#progress').textContent.includes('2 of')")
        case "study":
            await page.goto(f"{url}/interviews/{await _session(url, duration=6, questionCount=3, mode='study')}")
            await _type_once(page)
            await page.click("#hint")
            await page.wait_for_selector("#hints", state="visible")
        case "operator" | "operator-call":
            await _watched(page, url, state)
        case "ending" | "report-none":
            await page.goto(f"{url}/interviews/{await _session(url, duration=5)}")
            await _type_once(page)
            if state == "ending":
                await _answer(page)
            await page.click("#end")
            await page.click("#end-confirm")
            if state == "ending":
                await page.wait_for_selector("#ending", state="visible", timeout=60_000)
            else:
                session = page.url.split("/")[-1]
                await page.wait_for_selector("#ending", state="visible", timeout=60_000)
                await page.goto(f"{url}/interviews/{session}/report")
        case "report":
            history = await _api(url, "GET", "/api/interviews/history?limit=50")
            finished = [item for item in history["interviews"] if item["score"]]
            await page.goto(f"{url}/interviews/{finished[len(finished) // 2]['sessionId']}/report")
        case "your-data":
            await page.goto(f"{url}/account#your-data")
            await page.click("#erase-open")
        case "erasure":
            deleted = await _api(url, "DELETE", f"/api/interviews/{await _session(url)}")
            await page.goto(url + deleted["receipt"]["url"])
        case "error":
            await page.goto(f"{url}/interviews/{re.sub('.', '0', 'x' * 8)}-0000-4000-8000-000000000000")
    await page.wait_for_load_state("load")
