"""A candidate inside a real browser: a mouth that says WAV files at the right moment, and ears that record what the page plays.

Chromium's own fake microphone plays one file from the moment it opens, so it cannot wait for the interviewer. This rig replaces
`getUserMedia` by a stream the test speaks into and records whatever reaches a context's loudspeaker. It knows nothing of the page. The
recorder is a worklet made from a blob, hence `bypass_csp`; that the pages obey their content policy is another test's matter.
"""

from __future__ import annotations

import asyncio
import base64
import io
import shutil
import time
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGS = ["--autoplay-policy=no-user-gesture-required"]
"""Sound without a click, so that a reload keeps its sound in a test as it does for a person who has clicked before."""
FAKE_MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
"""For tests of the real `getUserMedia` path, without the rig."""
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt-get install chromium)")

INIT_SCRIPT = r"""
(() => {
  const rig = { mouth: null, out: null, rate: 0, chunks: [], samples: 0, lastLoud: -Infinity, opened: 0, refuse: null };
  window.__rig = rig;
  const recorder = URL.createObjectURL(new Blob([`
    registerProcessor("rig-recorder", class extends AudioWorkletProcessor {
      process(inputs) {
        const channel = inputs[0][0];
        this.port.postMessage(channel ? channel.slice() : new Float32Array(128));
        return true;
      }
    });`], { type: "text/javascript" }));
  const connect = AudioNode.prototype.connect;
  const taps = new WeakMap();
  const tap = (context) => {
    if (taps.has(context)) return taps.get(context);
    const gain = context.createGain();
    taps.set(context, gain);
    rig.rate = context.sampleRate;
    context.audioWorklet.addModule(recorder).then(() => {
      const node = new AudioWorkletNode(context, "rig-recorder", { channelCount: 1, channelCountMode: "explicit" });
      node.port.onmessage = ({ data }) => {
        rig.chunks.push(data);
        rig.samples += data.length;
        if (data.some((value) => Math.abs(value) > 0.01)) rig.lastLoud = performance.now();
      };
      connect.call(gain, node);
      connect.call(node, context.destination);
    });
    return gain;
  };
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode && this.context !== rig.mouth) connect.call(this, tap(this.context));
    return connect.call(this, target, ...rest);
  };
  rig.open = () => {
    if (rig.mouth) return;
    rig.mouth = new AudioContext();
    rig.out = rig.mouth.createMediaStreamDestination();
  };
  navigator.mediaDevices.getUserMedia = async () => {
    if (rig.refuse) throw new DOMException("refused by the test", rig.refuse);
    rig.open();
    await rig.mouth.resume();
    rig.opened++;
    return rig.out.stream.clone();
  };
  rig.say = async (wav) => {
    rig.open();
    await rig.mouth.resume();
    const bytes = Uint8Array.from(atob(wav), (letter) => letter.charCodeAt(0));
    const source = rig.mouth.createBufferSource();
    source.buffer = await rig.mouth.decodeAudioData(bytes.buffer);
    connect.call(source, rig.out);
    source.start();
    await new Promise((done) => (source.onended = done));
  };
  rig.take = (from) => {
    const all = new Int16Array(Math.max(0, rig.samples - from));
    let at = -from;
    for (const chunk of rig.chunks) {
      for (let i = 0; i < chunk.length; i++, at++) if (at >= 0) all[at] = Math.max(-1, Math.min(1, chunk[i])) * 32767;
    }
    const bytes = new Uint8Array(all.buffer);
    let text = "";
    for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    return { rate: rig.rate, pcm: btoa(text) };
  };
})();
"""


@dataclass
class Candidate:
    """A page with the rig in it, and everything it should not have done."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    """Console errors and warnings, and uncaught exceptions."""
    foreign: list[str] = field(default_factory=list)
    """Requests to anywhere but this machine."""

    async def say(self, sound: Path | bytes | np.ndarray, rate: int = 16_000) -> None:
        """Speak a WAV file, a WAV's bytes, or samples from -1 to 1; returns when the last sample has been spoken."""
        await self.page.evaluate("(wav) => window.__rig.say(wav)", base64.b64encode(as_wav(sound, rate)).decode())

    async def refuse_microphone(self, error: str | None = "NotAllowedError") -> None:
        """From now on the microphone cannot be opened, for this reason; None allows it again."""
        await self.page.evaluate("(name) => { window.__rig.refuse = name; }", error)

    async def heard(self, since_samples: int = 0) -> tuple[np.ndarray, int]:
        """All that the page has played (from a position of `heard_samples`), from -1 to 1, and its rate."""
        taken = await self.page.evaluate("(from) => window.__rig.take(from)", since_samples)
        pcm = np.frombuffer(base64.b64decode(taken["pcm"]), dtype="<i2")
        return pcm.astype(np.float32) / 32768, int(taken["rate"])

    async def heard_samples(self) -> int:
        """How many samples have been recorded from the page so far."""
        return int(await self.page.evaluate("() => window.__rig.samples"))

    async def quiet_for(self) -> float:
        """Seconds since the page last played a sound; infinite before the first one."""
        return float(await self.page.evaluate("() => (performance.now() - window.__rig.lastLoud) / 1000"))

    async def wait_for_sound(self, timeout: float = 15) -> None:
        """Until the page plays something."""
        await self._until(lambda quiet: quiet < 0.3, timeout, "the page stayed silent")

    async def wait_for_quiet(self, seconds: float = 1.0, timeout: float = 60) -> None:
        """Until the page has been silent for so long after having spoken."""
        await self._until(lambda quiet: seconds <= quiet < float("inf"), timeout, "the page went on speaking")

    async def _until(self, wanted: Any, timeout: float, problem: str) -> None:
        end = time.monotonic() + timeout
        while not wanted(await self.quiet_for()):
            if time.monotonic() > end:
                raise TimeoutError(f"{problem} for {timeout} s")
            await asyncio.sleep(0.05)

    # The live page's own controls, by the ids it promises --------------------------------------------------------------
    async def begin(self, *, typed: bool = False) -> None:
        """Consent and start, by voice or by typing, and wait until connected."""
        await self.page.check("#consent")
        await self.page.click("#start-typed" if typed else "#start")
        await self.page.wait_for_selector("#interview[data-state=live]")

    async def type_answer(self, text: str) -> None:
        """Send a typed answer and wait until it is stored."""
        await self.page.fill("#typed-text", text)
        await self.page.press("#typed-text", "Enter")
        await self.page.wait_for_selector("#pending", state="hidden")

    async def captions(self) -> list[tuple[str, str]]:
        """Finished caption lines as (speaker, text)."""
        rows = await self.page.eval_on_selector_all(
            "#captions .line", "lines => lines.map(line => [line.dataset.speaker, line.lastElementChild.textContent])"
        )
        return [(speaker, text) for speaker, text in rows]

    async def end(self) -> None:
        """End the interview by the button and its question."""
        await self.page.click("#end")
        await self.page.click("#end-confirm")


def as_wav(sound: Path | bytes | np.ndarray, rate: int = 16_000) -> bytes:
    """The bytes of a WAV file."""
    if isinstance(sound, Path):
        return sound.read_bytes()
    if isinstance(sound, bytes):
        return sound
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return target.getvalue()


def correlation(heard: np.ndarray, said: np.ndarray) -> float:
    """Best normalised cross-correlation of `said` anywhere in `heard`; both at one rate. 1 is a perfect copy."""
    if len(heard) < len(said):
        return 0.0
    size = 1 << (len(heard) + len(said) - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)), size)[: len(heard) - len(said) + 1]
    energy = np.concatenate([[0.0], np.cumsum(heard.astype(np.float64) ** 2)])
    windows = energy[len(said) :] - energy[: len(energy) - len(said)]
    scale = np.sqrt(np.maximum(windows, 1e-9) * float(np.sum(said.astype(np.float64) ** 2)))
    return float(np.max(product / np.maximum(scale, 1e-6)))


@asynccontextmanager
async def browser(*args: str) -> AsyncIterator[Browser]:
    """Chromium, as installed on this machine."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGS, *args])
        try:
            yield chromium
        finally:
            await chromium.close()


async def candidate(context: BrowserContext, *, rig: bool = True) -> Candidate:
    """A new page in the context, watched; `rig=False` leaves the page's sound alone."""
    page = await context.new_page()
    if rig:
        await page.add_init_script(INIT_SCRIPT)
    watched = Candidate(page)

    def console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            watched.complaints.append(message.text)

    def request(sent: Request) -> None:
        if not sent.url.startswith(
            ("http://127.0.0.1", "ws://127.0.0.1", "http://localhost", "ws://localhost", "data:", "blob:")
        ):
            watched.foreign.append(sent.url)

    page.on("console", console)
    page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    page.on("request", request)
    return watched


async def axe_violations(page: Page) -> list[str]:
    """What axe-core, best practices included, has against the page as it is now; one line each."""
    from axe_playwright_python.async_playwright import Axe

    found = (await Axe().run(page)).response["violations"]
    return [f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]
