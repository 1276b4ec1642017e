"""Reads the text of one PDF from standard input, in a process of its own that may hang, swell or crash: `python -I pdf_reader.py CHARACTERS PAGES`.

Answers one JSON object: {text, pages, truncated}, or {problem: encrypted | unreadable | empty}. The process limits its own memory and time first;
it writes no file and needs none of our packages. Read next: `documents`, which starts it.
"""

from __future__ import annotations

import io
import json
import logging
import re
import resource
import sys
import warnings

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 8
_INVISIBLE = re.compile(r"[^\S\n]+|[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff\ufffd]")


def limit() -> None:
    """Bound what this process may take."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def tidy(text: str) -> str:
    """Plain lines: no control characters, single spaces, at most one empty line in a row."""
    lines = [_INVISIBLE.sub(" ", line).strip() for line in text.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(re.sub(r" {2,}", " ", line) for line in lines)).strip()


def read(data: bytes, characters: int, pages: int) -> dict[str, object]:
    """The text of the first pages, cut at so many characters."""
    from pypdf import PdfReader  # noqa: PLC0415 - after the limits are set

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        return {"problem": "encrypted"}
    there = len(reader.pages)
    parts: list[str] = []
    for page in reader.pages[:pages]:
        parts.append(tidy(page.extract_text()))
        if sum(map(len, parts)) > characters:
            break
    text = "\n\n".join(part for part in parts if part)
    if not text:
        return {"problem": "empty"}
    return {"text": text[:characters].rstrip(), "pages": there, "truncated": len(text) > characters or len(parts) < there}


def main() -> None:
    """Read, answer, and leave."""
    limit()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    try:
        answer = read(sys.stdin.buffer.read(), int(sys.argv[1]), int(sys.argv[2]))
    except Exception:  # noqa: BLE001 - A stranger's file: whatever the parser stumbles over, the file is unreadable.
        answer = {"problem": "unreadable"}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
