"""Passwords as argon2id hashes (OWASP's 19 MiB, t=2, p=1), made in one thread at a time: eight at once on the loop would hold audio up for 1.6 s,
one at a time in a thread for 12 ms (reliability.md, fact 8).
"""

from __future__ import annotations

import asyncio
import secrets

from argon2 import PasswordHasher as Argon2
from argon2.exceptions import InvalidHashError, VerificationError

MEMORY_KIB, ROUNDS, LANES = 19 * 1024, 2, 1


class Argon2Hasher:
    """Implements `ports.PasswordHasher`."""

    def __init__(self) -> None:
        self._argon2 = Argon2(time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._turn = asyncio.Semaphore(1)
        # Verified against when there is no account, so that the answer takes as long.
        self._nobody = self._argon2.hash(secrets.token_urlsafe(16))

    async def hash(self, password: str) -> str:
        """What to store."""
        async with self._turn:
            return await asyncio.to_thread(self._argon2.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether it is the password; None takes as long and is never right."""
        async with self._turn:
            right = await asyncio.to_thread(self._verify, stored or self._nobody, password)
        return right and stored is not None

    def stale(self, stored: str) -> bool:
        """Whether it was made with other parameters than today's."""
        return self._argon2.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._argon2.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
