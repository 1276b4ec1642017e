"""The candidate's leg polices speed, size and patience (contract §5, §6, F6)."""

import asyncio
import json

from bridge.wire.candidate import CLOSE_POLICY, PcmWire
from pipeline.leg import BURST_MS, MAX_BAD_MESSAGES, Leg


class Wire:
    """A socket in memory: `feed` is what the client sends, `sent` what it got. Implements `pipeline.leg.Socket`."""

    def __init__(self, *feed):
        self.feed, self.sent, self.closed_with, self.take = list(feed), [], None, None

    @property
    def closed(self):
        """Whether it was closed."""
        return self.closed_with is not None

    def take_binary(self, take):
        """Offer it binary messages first."""
        self.take = take

    async def receive(self):
        """The next message nobody took at once."""
        while self.take and self.feed and isinstance(self.feed[0], bytes) and not self.closed and self.take(self.feed[0]):
            self.feed.pop(0)
        return self.feed.pop(0) if self.feed and not self.closed else None

    async def send(self, data):
        """Keep."""
        self.sent.append(data)

    async def close(self, code, reason):
        """Close."""
        self.closed_with = (code, reason)


async def read(socket, clock=lambda: 0.0):
    """Read all; returns (audio bytes, verbs)."""
    audio, verbs = bytearray(), []

    def on_audio(pcm):
        audio.extend(pcm)

    async def on_verb(verb):
        verbs.append(verb.t)

    async def on_rtvi(message):
        verbs.append(message["type"])

    await Leg(socket, PcmWire(), clock).read(on_audio, on_rtvi, on_verb)
    return bytes(audio), verbs


async def test_one_bad_message_is_answered_and_the_rest_is_taken():
    """Contract §6: a clear error, nothing lost."""
    done = json.dumps({"label": "rtvi-ai", "type": "client-message", "id": "1", "data": {"t": "done"}})
    socket = Wire(bytes(641), "{", done, *[bytes(640)] * 3)

    assert (bytes(3 * 640), ["done"]) == await read(socket)
    assert ["error-response", "error-response"] == [json.loads(text)["type"] for text in socket.sent]
    assert not socket.closed


async def test_a_flood_of_bad_messages_is_closed_with_policy():
    """1008 after a bounded number of answers."""
    socket = Wire(*["nonsense"] * (MAX_BAD_MESSAGES + 5))
    await read(socket)

    assert socket.closed_with[0] == CLOSE_POLICY
    assert len(socket.sent) == MAX_BAD_MESSAGES


async def test_audio_faster_than_real_time_is_closed_with_policy():
    """F6: a backlog after a stalled network passes, ten times real time does not."""
    backlog, flood = Wire(*[bytes(640)] * (BURST_MS // 20)), Wire(*[bytes(640)] * (BURST_MS // 20 + 1))

    assert (BURST_MS // 60 * 60 * 32, None) == (len((await read(backlog))[0]), backlog.closed_with)
    await read(flood)
    assert flood.closed_with[0] == CLOSE_POLICY


async def test_real_time_audio_never_trips_the_limit():
    """An hour of 20 ms messages at wall-clock pace."""
    ticks = iter(range(10**9))
    socket = Wire(*[bytes(640)] * 20_000)
    audio, _ = await asyncio.wait_for(read(socket, lambda: next(ticks) * 0.02), 30)

    assert (20_000 // 3 * 3 * 640, None) == (len(audio), socket.closed_with)


async def test_every_message_in_time_is_heard_at_once_and_a_muted_one_never():
    """R-042: the relay gets each message as it comes, before any is gathered; what is muted or too fast it does not get."""
    socket = Wire(*[bytes([n]) * 640 for n in range(4)])
    leg, heard, gathered = Leg(socket, PcmWire(), lambda: 0.0), [], []

    def on_microphone(pcm):
        heard.append((pcm[0], len(gathered)))
        leg.muted = pcm[0] == 2

    def on_audio(pcm):
        gathered.append(pcm)

    leg.on_microphone = on_microphone
    await leg.read(on_audio, None, None)

    assert heard == [(0, 0), (1, 0), (2, 0)]
