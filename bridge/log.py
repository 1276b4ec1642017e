"""Logging for the whole process: one loguru sink, standard-library loggers bridged into it, no personal text.

Pipecat logs every spoken sentence at DEBUG; its records and the vendors' are kept at WARNING and above whatever the level (pipecat.md §5).
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from loguru import logger

if TYPE_CHECKING:
    from loguru import Record

QUIET = ("pipecat", "dbos", "aiohttp", "asyncio", "sqlalchemy", "alembic", "websockets", "google_genai", "httpx")
"""Loggers whose INFO and DEBUG would tell of speech, tokens or nothing useful."""
TEXT = "{time:YYYY-MM-DDTHH:mm:ss.SSS!UTC}Z {level: <7} {message}"
"""Of a line; one that was logged in a call has the call's id behind it, and in JSON as `record.extra.call`."""


class _Bridge(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING and record.name.split(".")[0] in QUIET:
            return
        level = record.levelname if record.levelname in logger._core.levels else record.levelno  # type: ignore[attr-defined]
        logger.patch(lambda r: r.__setitem__("name", record.name)).opt(exception=record.exc_info).log(level, record.getMessage())


def _line(record: Record) -> str:
    return f"{TEXT}{' [{extra[call]}]' if 'call' in record['extra'] else ''}\n{{exception}}"


def configure(level: str = "INFO", fmt: str = "text") -> None:
    """Set logging up; call once at the start of a command, before pipecat is imported."""
    logger.remove()
    logger.add(
        sys.stderr,
        level=level,
        format=_line,
        serialize=fmt == "json",
        # Variable values would put transcripts and tokens into tracebacks.
        diagnose=False,
        backtrace=False,
        filter=lambda r: r["level"].no >= logging.WARNING or (r["name"] or "").split(".")[0] not in QUIET,
    )
    logging.basicConfig(handlers=[_Bridge()], level=logging.INFO, force=True)
