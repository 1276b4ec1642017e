"""Consent, archive and erasure as a person meets them: in the page (R-115…R-117, P5, M9)."""

from __future__ import annotations

import asyncio
import zipfile
from pathlib import Path

import aiohttp
import pytest

from web.rehearsal.house import House

from .rig import browser, candidate, needs_browser

pytestmark = [needs_browser, pytest.mark.timeout(300)]


async def test_from_consent_to_the_last_receipt(tmp_path: Path):
    """P5, M9, R-115…R-117: no start without the tick; taken back in the call it ends; an archive can be had; everything goes after the word was typed."""
    house = House(tmp_path / "data", command="serve")
    await house.start()
    try:
        async with browser() as chromium, aiohttp.ClientSession(house.url) as http:
            context = await chromium.new_context(accept_downloads=True, reduced_motion="reduce")
            person = await candidate(context, rig=False)
            page = person.page
            async with http.post("/api/interviews/setup", json={"type": "dsa", "difficulty": "easy"}) as response:
                session = (await response.json())["sessionId"]

            await page.goto(f"{house.url}/interviews/{session}")
            await page.click("#start-typed")
            assert await page.is_visible("#consent-error")
            async with http.get(f"/api/interviews/{session}/consent") as response:
                assert (await response.json())["given"] is None
            await page.check("#consent")
            await page.click("#start-typed")
            await page.wait_for_selector("#interview[data-state=live]")
            async with http.get(f"/api/interviews/{session}/consent") as response:
                assert (await response.json())["given"]["withdrawnAt"] is None

            await page.click(".options summary")
            await page.click("#withdraw")
            await page.click("#withdraw-confirm")
            await page.wait_for_selector("#ending", state="visible")
            assert "consent back" in await page.inner_text("#ending-reason")
            # The receipt's job destroys it a moment later.
            async with asyncio.timeout(60):
                while (await http.get(f"/api/interviews/{session}/recording")).status != 404:
                    await asyncio.sleep(0.25)

            await page.goto(f"{house.url}/account#your-data")
            await page.click("#export-order")
            link = page.locator("[data-export] a")
            await link.wait_for(timeout=60_000)
            async with page.expect_download() as download:
                await link.click()
            archive = zipfile.ZipFile(await (await download.value).path())
            assert any(name.endswith("interview.json") and session[:8] in name for name in archive.namelist())

            await page.check("#training")
            await page.wait_for_function("() => document.querySelector('#training-status').textContent.includes('allowed from')")
            await page.click("#erase-open")
            await page.click("#erase-confirm")
            assert await page.is_visible("#erase-problem")
            await page.fill("#erase-word", "Delete")
            await page.click("#erase-confirm")
            await page.wait_for_url("**/erasures/*")
            await page.wait_for_function(
                "() => { if (document.querySelector('h1').textContent === 'Erased') return true; location.reload(); }",
                polling=1_000,
            )
            assert await page.locator("tr", has_text="In progress").count() == 0
            async with http.get("/api/interviews/history") as response:
                assert (await response.json())["total"] == 0
            assert person.foreign == []
    finally:
        await house.stop()
