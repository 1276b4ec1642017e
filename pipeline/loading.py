"""What only a call needs (pipecat, onnx and its runtime, the models): more than half of what there is to load, and the server is ready without it.

A server begins with it once it is ready; the first call begins with it where nobody has, and waits for it. It is imported in a thread, so that pages are answered
meanwhile. What is imported before must not import it: `tests/web/test_cold_start.py` holds that. Read next: `supervisor`.
"""

from __future__ import annotations

import asyncio

from loguru import logger

from bridge.errors import VoiceUnavailable

FAILED = "What calls need could not be loaded; the log says why."


class Loading:
    """Loads once; a load that failed is tried again by the next call."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> asyncio.Task[None]:
        """Begin in the background, unless that was done; the task ends with it."""
        if self._task is None or self.failed:
            self._task = asyncio.create_task(asyncio.to_thread(_load), name="loading")
            self._task.add_done_callback(_told)
        return self._task

    async def done(self) -> None:
        """Returns once everything is there. Raises VoiceUnavailable when it cannot be loaded."""
        try:
            # Shielded: a candidate who leaves meanwhile takes it from nobody else.
            await asyncio.shield(self.begin())
        except (ImportError, OSError, RuntimeError) as error:
            raise VoiceUnavailable(FAILED) from error

    @property
    def failed(self) -> bool:
        """Whether calls cannot be held for want of it."""
        task = self._task
        return task is not None and task.done() and (task.cancelled() or task.exception() is not None)


def _told(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        logger.opt(exception=error).error("What calls need could not be loaded")


def _load() -> None:
    # Imported here, in a thread and late: that is what this module is for.
    from . import call, protobuf_wire  # noqa: F401, PLC0415
    from .engines import local  # noqa: F401, PLC0415
    from .voice import choose, detectors  # noqa: F401, PLC0415

    detectors.warm_up()
