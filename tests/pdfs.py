"""Small PDFs for tests, written by hand: nothing here needs a PDF library."""

from __future__ import annotations

import zlib
from collections.abc import Sequence


def pdf(pages: Sequence[str], *, stream: bytes | None = None) -> bytes:
    """A PDF with one page of Helvetica for each text (Latin-1, lines split); `stream` is a compressed content for all pages instead."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for n, text in enumerate(pages):
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * n} 0 R >>"
        objects += [page.encode(), _content(text) if stream is None else _stream(stream, "/Filter /FlateDecode ")]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    out += f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF".encode()
    return bytes(out)


def bomb(megabytes: int) -> bytes:
    """A page whose content unpacks to so many megabytes of moves."""
    return pdf(["x"], stream=zlib.compress(b"0 0 m " * (megabytes * 1_000_000 // 6), 9))


def _content(text: str) -> bytes:
    lines = [line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") for line in text.splitlines()]
    shown = "\n".join(f"({line}) Tj T*" for line in lines)
    return _stream(f"BT /F1 11 Tf 14 TL 50 800 Td\n{shown}\nET".encode("latin-1"))


def _stream(data: bytes, filters: str = "") -> bytes:
    return f"<< {filters}/Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"
