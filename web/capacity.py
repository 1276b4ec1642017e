"""How many calls this process takes, and how many of them by its own voice (docs/explanation/capacity.md)."""

from __future__ import annotations

PER_CORE = {"vapi": 60, "gemini": 20, "local": 4}
"""Calls one core carries by the first engine, with room to spare. Gemini's sound comes in JSON over TLS; the local engine recognises and speaks."""


def calls_at_once(max_calls: int | None, first_engine: str, cores: int) -> tuple[int, int]:
    """Live calls of this process, and of these how many the local engine hears; `max_calls` as it is set.

    A lost vendor may send all its calls to the local engine at once. What is set for a vendor's calls says nothing of how many of those this machine can hear.
    """
    most = max_calls or PER_CORE[first_engine] * cores
    return most, most if first_engine == "local" else min(most, PER_CORE["local"] * cores)
