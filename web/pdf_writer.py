"""Makes PDFs of the HTML on standard input, in a process of its own that may hang, swell or crash: `python -I pdf_writer.py`.

A document is its length, 4 bytes, big end first, then itself: HTML in, PDF out, one after the other until the input ends. Exit code 3 when WeasyPrint or a library of
the system is missing. It limits its own memory first, and its time for each document, writes no file and fetches nothing: everything is in the HTML. Read next: `pdf`,
which starts it.
"""

from __future__ import annotations

import gc
import io
import logging
import resource
import sys
import warnings

MEMORY_BYTES = 3 << 29
CPU_SECONDS = 30
"""For one document, the start counted with the first."""
MISSING = 3
LENGTH_BYTES = 4


def limit() -> None:
    """Bound what this process may take."""
    allow()
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def allow() -> None:
    """Bound the time until the next document: beyond it the system ends this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + CPU_SECONDS, most))


def write(html: str) -> bytes:
    """The PDF, tagged for screen readers. Raises ImportError or OSError where something is not installed."""
    import weasyprint  # noqa: PLC0415 - after the limits are set

    # No protocol at all: a report refers to nothing, and whatever it holds may not make this server look anywhere.
    nothing = weasyprint.URLFetcher(allowed_protocols=())
    target = io.BytesIO()
    weasyprint.HTML(string=html, url_fetcher=nothing).write_pdf(target, pdf_variant="pdf/ua-1")
    return target.getvalue()


def main() -> int:
    """Read and write until there is no more, and leave."""
    limit()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    # Memory is tidied between documents, not again and again within one.
    gc.disable()
    while head := sys.stdin.buffer.read(LENGTH_BYTES):
        html = sys.stdin.buffer.read(int.from_bytes(head)).decode()
        try:
            pdf = write(html)
        except (ImportError, OSError):
            return MISSING
        sys.stdout.buffer.write(len(pdf).to_bytes(LENGTH_BYTES) + pdf)
        sys.stdout.buffer.flush()
        del pdf, html
        gc.collect()
        gc.freeze()
        allow()
    return 0


if __name__ == "__main__":
    sys.exit(main())
