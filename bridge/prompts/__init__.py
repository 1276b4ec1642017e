"""What language models are told: texts in `.md` files beside this one, filled by pure functions; each prompt has a name and a version.

A system text is ours alone. Whatever a candidate, a document or a model wrote stands in the user text, inside `data_block`: JSON between tags,
in which no tag can be written, so that nothing in it can end the block. Read next: `questions`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_PLACE = re.compile(r"\{\{(\w+)\}\}")
_SAFE = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


@dataclass(frozen=True)
class Prompt:
    """One prompt, ready to send."""

    name: str
    """With its version: `questions.1`."""
    system: str
    user: str


@cache
def text_of(name: str) -> str:
    """The text of a file beside this one."""
    return (files(__package__) / f"{name}.md").read_text(encoding="utf-8").strip()


def fill(name: str, **values: object) -> str:
    """The text with its places filled, once: what is filled in is not looked at again. Raises KeyError for a place without a value."""
    return _PLACE.sub(lambda match: str(values[match.group(1)]), text_of(name))


def data_block(tag: str, value: Any) -> str:
    """Somebody else's words as data: JSON between tags, unable to hold a tag."""
    body = json.dumps(value, ensure_ascii=False).translate(_SAFE)
    return f"<{tag}>\n{body}\n</{tag}>"
