"""Pipecat's RTVI processor as calls use it: what it tells the page, and by which way. Read next: `transport`."""

from __future__ import annotations

from loguru import logger
from pipecat.frames.frames import ErrorFrame
from pipecat.processors.frameworks.rtvi import RTVIProcessor
from pydantic import BaseModel

from .leg import Leg


class QuietRTVI(RTVIProcessor):
    """Inner errors are told in our own words and never verbatim."""

    async def _send_error_frame(self, frame: ErrorFrame) -> None:
        logger.warning("Pipeline error in {}: {}", frame.processor, type(frame.exception).__name__)


class StraightRTVI(QuietRTVI):
    """For pipelines that no audio passes: messages have nothing to wait for there, and go to the leg at once instead of through every processor and its tasks."""

    def __init__(self, leg: Leg) -> None:
        super().__init__()
        self._prepkit_leg = leg

    async def push_transport_message(self, model: BaseModel, exclude_none: bool = True) -> None:
        """Send one message, in the order in which they come."""
        await self._prepkit_leg.send_message(model.model_dump(exclude_none=exclude_none))
