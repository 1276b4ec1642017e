"""Whether a new password will do: the rules of `domain.sign_in` over the list of the most used ones (R-002; ASVS 5).

The list is the most used of eight characters and more, from Django's (BSD), itself made of published leaks.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from ..domain.sign_in import password_problem
from ..errors import InvalidInput


@cache
def common() -> frozenset[str]:
    """The most used passwords, folded."""
    text = (files("bridge") / "data" / "common-passwords.txt").read_text(encoding="utf-8")
    return frozenset(text.split())


def check(password: str, email: str, name: str) -> None:
    """Raises InvalidInput naming what is wrong with it."""
    problem = password_problem(password, common(), own_words=(email, email.split("@", 1)[0], name, "prepkit"))
    if problem:
        raise InvalidInput(problem, details=[{"field": "password", "message": problem}])
