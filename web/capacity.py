"""How many calls this process takes, and how many of them by its own voice (docs/explanation/capacity.md)."""

from __future__ import annotations

LOCAL_CALLS_PER_CORE = 4
"""Local-engine calls one core carries with recogniser and voice."""
PER_CORE = {"vapi": 60, "gemini": 20, "local": LOCAL_CALLS_PER_CORE}
"""Calls one core carries by the first engine, with room to spare: Gemini's sound comes in JSON over TLS."""


def calls_at_once(max_calls: int | None, first_engine: str, cores: int) -> tuple[int, int]:
    """Live calls of this process, and of these how many the local engine hears; `max_calls` as it is set.

    A lost vendor may send all its calls to the local engine at once. What is set for a vendor's calls says nothing of how many of those this machine can hear.
    """
    local = LOCAL_CALLS_PER_CORE * cores
    most = max_calls or max(local, PER_CORE[first_engine] * cores)
    return most, most if first_engine == "local" else min(local, most)
