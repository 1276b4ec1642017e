"""The peer from the framework: pipecat's own single-client websocket transport, its smallest pipeline, raw audio frames, a port a call."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import aiohttp
from pipecat.frames.frames import Frame, InputAudioRawFrame, OutputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.transports.websocket.server import SingleClientWebsocketServerParams, SingleClientWebsocketServerTransport
from pipecat.workers.runner import WorkerRunner

RATE = 16_000


class Raw(FrameSerializer):
    """Audio as it is."""

    async def serialize(self, frame: Frame) -> str | bytes | None:
        """Audio alone."""
        return frame.audio if isinstance(frame, OutputAudioRawFrame) else None

    async def deserialize(self, data: str | bytes) -> Frame | None:
        """Audio alone."""
        return InputAudioRawFrame(audio=data, sample_rate=RATE, num_channels=1) if isinstance(data, bytes) else None


class Upstream(FrameProcessor):
    """The other socket."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._bench_port = port
        self._bench_http: aiohttp.ClientSession | None = None
        self._bench_ws: aiohttp.ClientWebSocketResponse | None = None
        self._bench_reader: asyncio.Task[None] | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Microphone out; everything else on."""
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            if self._bench_ws is None:
                self._bench_http = aiohttp.ClientSession()
                self._bench_ws = await self._bench_http.ws_connect(f"http://127.0.0.1:{self._bench_port}/calls/0", compress=0)
                self._bench_reader = asyncio.create_task(self._bench_read(self._bench_ws))
            await self._bench_ws.send_bytes(frame.audio)
            return
        await self.push_frame(frame, direction)

    async def _bench_read(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for message in ws:
            await self.push_frame(OutputAudioRawFrame(audio=message.data, sample_rate=RATE, num_channels=1))


async def stock(upstream: int, calls: int) -> None:
    """One pipeline and one port a call."""
    from .relays import say

    runner = WorkerRunner(handle_sigint=False)
    ports: list[int] = []
    ready: asyncio.Queue[int] = asyncio.Queue()
    for port in _free_ports(calls):
        params = SingleClientWebsocketServerParams(
            serializer=Raw(), audio_in_enabled=True, audio_out_enabled=True, audio_in_sample_rate=RATE, audio_out_sample_rate=RATE
        )
        transport = SingleClientWebsocketServerTransport(params, host="127.0.0.1", port=port)
        transport.add_event_handler("on_websocket_ready", _teller(ready, port))
        worker = PipelineWorker(
            Pipeline([transport.input(), Upstream(upstream), transport.output()]),
            params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
            cancel_on_idle_timeout=False,
            idle_timeout_secs=None,
            enable_rtvi=False,
        )
        await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    while len(ports) < calls:
        ports.append(await ready.get())
    say([(port, "/") for port in ports])
    await running


def _teller(ready: asyncio.Queue[int], port: int) -> Any:
    async def tell(*_: Any) -> None:
        ready.put_nowait(port)

    return tell


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
