"""A server with a model's key: its reports are judged, told step by step, graded again and listed (R-085, R-086, C-33, M3, F7)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from web.standins.gemini import GeminiStandin
from web.standins.gemini_faults import Kind

from .house import JOB_SECONDS, House, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATIENCE = 3 * JOB_SECONDS


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gemini() -> AsyncIterator[GeminiStandin]:
    """Judges honestly."""
    async with GeminiStandin() as up:
        yield up


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, gemini: GeminiStandin, no_rate_limit: None) -> AsyncIterator[House]:
    """A server with a key."""
    changes = {"gemini_api_key": "test-key", "gemini_base_url": gemini.url, "gradings": 2}
    async with running(tmp_path_factory.mktemp("graded"), **changes) as up:
        yield up


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def fresh(gemini: GeminiStandin) -> None:
    """No faults, no delay."""
    gemini.faults.clear()
    gemini.latency = 0.0


async def ready(house: House, address: str) -> dict[str, Any]:
    """The report, once it is there."""
    async with asyncio.timeout(PATIENCE):
        while True:
            status, body = await house.call("GET", address)
            if status == 200:
                return dict(body)
            assert status == 202, body
            await asyncio.sleep(0.05)


async def test_steps_and_first_strengths_are_told(house: House, gemini: GeminiStandin) -> None:
    """R-086: 202 names the step and how many answers are judged, the stream tells each step and strength, then 200."""
    gemini.latency = 0.4
    made = await house.finished(report=False)
    address = f"/api/interviews/{made.id}/report"
    async with asyncio.timeout(PATIENCE), house.client.get(f"{house.origin}{address}/events") as response:
        seen: list[dict[str, Any]] = []
        while not seen or seen[-1].get("stepName") not in ("judging", "assembling"):
            status, body = await house.call("GET", address)
            assert status == 202, body
            seen.append(body)
            await asyncio.sleep(0.02)
        text = await response.text()
    assert set(seen[-1]) >= {"reportStatus", "step", "stepName", "done", "of", "strengths"}
    blocks = [block.split("\n") for block in text.strip().split("\n\n")]
    told = [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]
    names = list(dict.fromkeys(data["stepName"] for name, data in told if name == "step" and "stepName" in data))
    assert names == ["judging", "assembling"]
    assert ("end", {"reportStatus": "ready"}) == told[-1]
    strengths = [data for name, data in told if name == "strength"]
    body = await ready(house, address)
    said = " ".join(line["text"] for line in body["transcript"] if line["speaker"] == "candidate")
    assert strengths
    assert all(strength["quote"] in said for strength in strengths)
    assert body["generatedBy"]["engine"] == "judge"


async def test_a_report_is_graded_again_beside_the_old_one(house: House) -> None:
    """M3, C-33: 202, a second version with its own id; the first one stays to be read; five at most."""
    made = await house.finished(report=False)
    address = f"/api/interviews/{made.id}/report"
    first = await ready(house, address)
    for version in range(2, 6):
        status, body = await house.call("POST", address)
        assert (202, "queued") == (status, body["reportStatus"])
        async with asyncio.timeout(PATIENCE):
            while len((await house.call("GET", f"{address}/versions"))[1]["versions"]) < version:
                await asyncio.sleep(0.05)
    versions = (await house.call("GET", f"{address}/versions"))[1]["versions"]
    assert [row["version"] for row in versions] == [1, 2, 3, 4, 5]
    assert len({row["reportId"] for row in versions}) == 5
    assert versions[-1]["generatedBy"]["model"] == "gemini-3.8-flash"
    assert (await house.call("GET", f"{address}?version=1"))[1]["reportId"] == first["reportId"]
    assert (await house.call("GET", address))[1]["reportId"] == versions[-1]["reportId"]
    status, body = await house.call("POST", address)
    assert (409, "conflict") == (status, body["error"]["code"])


@pytest.mark.parametrize(("version", "status"), [("9", 404), ("0", 404), ("x", 400), ("-1", 400), ("9999999999", 400)])
async def test_a_version_that_is_not_there(house: House, version: str, status: int) -> None:
    """Said plainly."""
    made = await house.finished()
    assert status == (await house.call("GET", f"/api/interviews/{made.id}/report?version={version}"))[0]


@pytest.mark.parametrize(
    "kind", [Kind.INTERNAL, Kind.CUT, Kind.WRONG_SCHEMA, Kind.NOT_JSON, Kind.EMPTY, Kind.SAFETY, Kind.MAX_TOKENS]
)
async def test_a_report_is_made_whatever_the_model_does(house: House, gemini: GeminiStandin, kind: Kind) -> None:
    """F7: one report, by coverage, that says why; never 0/100; graded later, when the model is back."""
    gemini.faults.add(kind, count=None)
    made = await house.finished(report=False)
    address = f"/api/interviews/{made.id}/report"
    body = await ready(house, address)
    assert body["generatedBy"]["engine"] == "coverage"
    assert body["grading"]["note"]
    assert body["overallScore"] != 0
    assert len((await house.call("GET", f"{address}/versions"))[1]["versions"]) == 1
