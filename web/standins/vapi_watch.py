"""Clocks of a call: its longest duration, silence, and the hooks of time. Read next: `vapi_call`."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING

from . import vapi_frames as frames
from .vapi_checks import Hook, SayAction

if TYPE_CHECKING:
    from .vapi_assistant import ScriptedAssistant
    from .vapi_call import Call

LOOK_SECONDS = 0.1


async def watch(call: Call, assistant: ScriptedAssistant) -> None:
    """End the call when its time is up or nobody speaks; say what hooks say. Until cancelled."""
    began = time.monotonic()
    plan = call.assistant
    fired: Counter[int] = Counter()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now = time.monotonic()
        if assistant.speaking or assistant.listener.speaking or not call.live:
            assistant.active_at = now
        silent = now - assistant.active_at
        if now - began >= plan.max_duration_seconds:
            call.end("exceeded-max-duration")
        elif silent >= plan.silence_timeout_seconds:
            call.end("silence-timed-out")
        for n, hook in enumerate(plan.hooks):
            if assistant.listener.speaking and hook.options and hook.options.trigger_reset_mode == "onUserSpeech":
                fired[n] = 0
            if _due(hook, silent, now - began, fired[n]):
                fired[n] += 1
                assistant.active_at = now
                for line in _lines(hook):
                    await assistant.obey(frames.Say(type="say", content=line))


def _due(hook: Hook, silent: float, elapsed: float, fired: int) -> bool:
    options = hook.options
    if options is None:
        return False
    if hook.on.startswith("customer.speech.timeout"):
        patience = 7.5 if options.timeout_seconds is None else options.timeout_seconds
        return fired < options.trigger_max_count and silent >= patience
    return hook.on == "call.timeElapsed" and not fired and options.seconds is not None and elapsed >= options.seconds


def _lines(hook: Hook) -> list[str]:
    exact = [action.exact for action in hook.do if isinstance(action, SayAction) and action.exact]
    return [line if isinstance(line, str) else line[0] for line in exact]
