"""The Vapi stand-in fails on command: on the socket, in its webhooks, in what it sends; and it carries hundreds of plain sockets (F2, F8)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from .test_vapi_call import NEXT, NOTHING, answering, first_line, hang_up, type_an_answer
from .vapi_client import Bridge, Candidate, body, bridge, call, create, faults, joined, vapi


async def closing(candidate: Candidate) -> int | None:
    """How the socket was closed."""
    await candidate.until(lambda: candidate.ws.closed)
    return candidate.ws.close_code


async def test_a_socket_is_refused() -> None:
    """403 instead of a websocket, until the fault is taken away."""
    async with vapi(faults=faults(refuse=True)) as standin:
        url = (await create(standin, body()))["transport"]["websocketCallUrl"]
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            async with joined(url):
                pass
        standin.faults = faults()
        async with joined(url) as candidate:
            await candidate.got("status-update")


@pytest.mark.parametrize(
    ("fault", "code"),
    [({"reset_after": 0.2}, 1006), ({"close_after": 0.2, "close_code": 1011}, 1011), ({"close_after": 0.2}, 1000)],
)
async def test_a_lost_socket_may_be_joined_again(fault: dict[str, Any], code: int) -> None:
    """RST or a close of any code; the same call goes on, says so again, and ends when nobody comes back."""
    async with vapi(faults=faults(**fault)) as standin:
        url = (await create(standin, body(firstMessage="word " * 15)))["transport"]["websocketCallUrl"]
        async with joined(url) as candidate:
            assert code == await closing(candidate)
        standin.faults = faults()
        await standin.wait_for(lambda s: not s.calls[0].live)
        async with joined(url) as candidate:
            await candidate.got("status-update", status="in-progress")
            await first_line(candidate)
            assert (2, None) == (standin.calls[0].joins, standin.calls[0].ended_reason)
            await standin.inject(reset_after=0)
            await closing(candidate)
        await standin.wait_for(lambda s: s.calls[0].ended_reason is not None)
        assert "worker-shutdown" == standin.calls[0].ended_reason


async def test_a_lost_socket_may_stay_lost() -> None:
    """`rejoin: false`: the call is over at once and refuses everybody."""
    async with vapi(faults=faults(reset_after=0.1, rejoin=False)) as standin:
        url = (await create(standin, body()))["transport"]["websocketCallUrl"]
        async with joined(url) as candidate:
            await closing(candidate)
        await standin.wait_for(lambda s: s.calls[0].ended_reason is not None)
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            async with joined(url):
                pass


@pytest.mark.parametrize(("clean", "seconds"), [(True, 0.3), (False, 2)])
async def test_a_client_that_leaves_ends_the_call(clean: bool, seconds: float) -> None:
    """A clean close at once, a lost one after the time to join again."""
    async with vapi() as standin:
        url = (await create(standin, body()))["transport"]["websocketCallUrl"]
        async with joined(url) as candidate:
            await candidate.got("status-update")
            if not clean and (connection := candidate.ws.get_extra_info("socket")):
                candidate.ws._response.connection.transport.abort()
                assert connection is not None
        await standin.wait_for(lambda s: s.calls[0].ended_reason == "customer-ended-call", seconds)


@pytest.mark.parametrize("fault", [{"no_first_frame": True}, {"silent_after": 0.0}])
async def test_a_silent_socket_takes_audio_and_says_nothing(fault: dict[str, Any]) -> None:
    """From the start, or from a moment on."""
    async with vapi(faults=faults(**fault)) as standin, call(standin, "http://127.0.0.1:9/") as candidate:
        await standin.wait_for(lambda s: s.calls[0].uplink.frames > 20)

        assert ([], []) == (candidate.frames, candidate.pieces)
        assert not candidate.ws.closed


async def test_a_live_call_falls_silent() -> None:
    """On command, in the middle."""
    async with vapi() as standin, call(standin, "http://127.0.0.1:9/") as candidate:
        await first_line(candidate)
        await standin.inject(silent_after=0)
        await asyncio.sleep(0.1)
        frames, pieces = len(candidate.frames), len(candidate.pieces)
        await asyncio.sleep(0.3)

        assert (frames, pieces) == (len(candidate.frames), len(candidate.pieces))


async def test_garbage_is_sent() -> None:
    """Bad JSON, no object, an unknown type, two megabytes; the call goes on behind it."""
    kinds = ("bad_json", "not_an_object", "unknown_type", "huge")
    async with vapi(faults=faults(garbage=kinds)) as standin, call(standin, "http://127.0.0.1:9/") as candidate:
        await first_line(candidate)

        with pytest.raises(ValueError, match="Expecting"):
            json.loads(candidate.raw[2])
        assert "mood-update" in candidate.raw[4]
        assert max(map(len, candidate.raw)) > 2_000_000
        assert [{"garbage": kind} for kind in kinds] == standin.calls[0].frames_sent[2:6]


async def test_audio_is_spoilt() -> None:
    """Messages that end within a sample, and half a second at once."""
    async with vapi(faults=faults(odd_audio=True)) as standin, call(standin, "http://127.0.0.1:9/") as candidate:
        await candidate.until(lambda: len(candidate.pieces) > 4)
        assert {639, 641} == {len(piece) for piece in candidate.pieces}
        await standin.inject(bursty_audio=True)
        await candidate.ws.send_str('{"type": "say", "content": "word word word word word word word"}')
        await candidate.until(lambda: max(map(len, candidate.pieces)) >= 15_999)


async def told(server: Bridge, standin: Any, count: int) -> list[str]:
    """Types of the webhooks of one short call, once `count` are there and no more come."""
    async with call(standin, server.url) as candidate:
        await first_line(candidate)
        await hang_up(candidate, standin)
    await standin.wait_for(lambda _: len(server.bodies) >= count)
    await asyncio.sleep(0.1)
    return server.types()


FINAL = 'transcript[transcriptType="final"]'
IN_ORDER = ["status-update", FINAL, "status-update", "end-of-call-report"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({}, IN_ORDER),
        ({"no_webhooks": True}, []),
        ({"drop_report": True}, IN_ORDER[:-1]),
        ({"duplicate_webhooks": True}, [type_ for type_ in IN_ORDER for _ in range(2)]),
        ({"late_webhooks": 0.3}, IN_ORDER),
    ],
)
async def test_webhooks_are_dropped_and_doubled(fault: dict[str, Any], expected: list[str]) -> None:
    """Repeats are the same to the byte."""
    async with vapi(faults=faults(**fault)) as standin, bridge() as server:
        assert expected == await told(server, standin, len(expected))
        if "duplicate_webhooks" in fault:
            assert len({raw for _, raw in server.requests}) == len(IN_ORDER)


async def test_webhooks_are_shuffled_by_a_seed() -> None:
    """All of them, at the end, in an order that can be had again."""
    orders = set()
    for seed in (1, 1, 2):
        async with vapi(faults=faults(shuffle_webhooks=seed)) as standin, bridge() as server:
            order = await told(server, standin, len(IN_ORDER))
            assert sorted(IN_ORDER) == sorted(order)
            orders.add((seed, *(body_of["message"].get("status", body_of["message"]["type"]) for body_of in server.bodies)))

    assert 2 == len(orders)
    assert 2 == len({order[1:] for order in orders})


async def test_late_webhooks_are_late() -> None:
    """Seconds after what they tell of."""
    async with vapi(faults=faults(late_webhooks=0.5)) as standin, bridge() as server, call(standin, server.url) as candidate:
        await candidate.got("status-update")
        await asyncio.sleep(0.2)
        assert [] == server.bodies
        await standin.wait_for(lambda _: bool(server.bodies), 2)


async def test_tool_calls_are_doubled() -> None:
    """The same call twice at the same time, and on the socket as well; two different answers are a violation."""
    async with vapi(faults=faults(duplicate_tools=True)) as standin, bridge() as server:
        answers = iter([NOTHING, NOTHING, NEXT, {**NEXT, "nextQuestion": "Another?"}])
        answering(server, follow=lambda _: next(answers), move=lambda _: next(answers))
        async with call(standin, server.url, firstMessageMode="assistant-waits-for-user") as candidate:
            await type_an_answer(candidate)
            await candidate.got("speech-update", role="assistant", status="started")
        posted = [message["toolCallList"][0]["id"] for message in server.messages("tool-calls")]
        on_socket = [frame["toolCallList"][0]["id"] for frame in candidate.of("tool-calls")]

        assert (4, 2) == (len(posted), len(set(posted)))
        assert [posted[0], posted[2]] == on_socket
        assert ["the same tool call got two different answers"] == standin.calls[0].violations


@pytest.mark.parametrize("kind", ["uplink", "paced"])
async def test_sockets_without_a_conversation(kind: str) -> None:
    """For benchmarks: audio straight back, or a paced tone for all; nothing is recorded and nobody speaks."""
    async with vapi(echo=kind) as standin:
        urls = [(await create(standin, body()))["transport"]["websocketCallUrl"] for _ in range(20)]
        async with aiohttp.ClientSession() as http:
            sockets = [await http.ws_connect(url) for url in urls]
            for n, ws in enumerate(sockets):
                assert "in-progress" == (await ws.receive_json())["status"]
                assert "assistant.started" == (await ws.receive_json())["type"]
                await ws.send_bytes(bytes([n]) * 640)
            got = [await ws.receive_bytes() for ws in sockets]
            for ws in sockets:
                await ws.close()
        await standin.wait_for(lambda s: all(seen.ended_reason for seen in s.calls))

        assert {640} == {len(piece) for piece in got}
        assert (kind == "uplink") == ([bytes([n]) * 640 for n in range(20)] == got)
        assert {1} == {seen.uplink.frames for seen in standin.calls}
        assert all(seen.tape is None for seen in standin.calls)
