"""The reference pages that are made from the code: `python -m tests.house.reference FOLDER` (`make docs`); a test keeps them true."""

from __future__ import annotations

import sys
from pathlib import Path

from bridge.config import Settings, variable_of
from bridge.domain.events import EVENTS
from bridge.domain.session import PHASES, TRANSITIONS
from web.openapi import OPERATIONS
from web.operator.metrics import Metrics


def settings() -> str:
    """Every setting."""
    rows = []
    own = [name for name in Settings.model_fields if name in Settings.__annotations__]
    for name in [*own, *(name for name in Settings.model_fields if name not in own)]:
        field = Settings.model_fields[name]
        default = "–" if field.default in (None, "") else f"`{getattr(field.default, 'value', field.default)}`"
        rows.append(f"| `{variable_of(name)}` | {default} | {field.description} |")
    head = "# Settings\n\nEnvironment variables, each also as `NAME_FILE`. Made from `bridge/config`.\n\n| name | default | meaning |\n|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def api() -> str:
    """Every operation of the API."""
    rows = [
        f"| `{method} {path}` | {summary} | {', '.join(map(str, answers))} |" for method, path, summary, _, answers in OPERATIONS
    ]
    head = (
        '# HTTP API\n\nErrors are `{"error": {"code", "message", "details"}}`. Fields: `/api/docs` and `/api/openapi.json` of your server. '
        "Made from `web/openapi.py`.\n\n| operation | what | answers |\n|---|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"


def states() -> str:
    """The statuses of a session, as a diagram drawn from the one transition table."""
    lines = [f"    {a.value} --> {b.value}" for a, following in TRANSITIONS.items() for b in sorted(following) if a is not b]
    phases = "\n".join(f"| `{status.value}` | {phase} |" for status, phase in PHASES.items())
    return (
        "# States of an interview session\n\nMade from `bridge/domain/session.py`.\n\n```mermaid\nstateDiagram-v2\n"
        + "\n".join(lines)
        + f"\n```\n\n| status | phase |\n|---|---|\n{phases}\n"
    )


def events() -> str:
    """The kinds of event in a call's log."""
    rows = [f"| `{kind}` | {(cls.__doc__ or '').splitlines()[0]} |" for kind, cls in EVENTS.items()]
    return (
        "# Events of a call\n\nThe append-only log. Made from `bridge/domain/events.py`.\n\n| kind | meaning |\n|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )


def metrics() -> str:
    """Every figure of `/metrics`."""
    rows = [
        f"| `{family.name}{'_total' if family.type == 'counter' else ''}` | {family.type} | {family.documentation}. |"
        for family in Metrics().registry.collect()
    ]
    return (
        "# Prometheus figures\n\n`GET /metrics`. A histogram is in seconds and has `_bucket`, `_sum` and `_count`; “by” names the labels. "
        "Made from `web/operator/metrics.py`.\n\n| name | kind | meaning |\n|---|---|---|\n" + "\n".join(sorted(rows)) + "\n"
    )


PAGES = {"metrics.md": metrics, "settings.md": settings, "api.md": api, "states.md": states, "events.md": events}


def main(folder: Path) -> None:
    """Write all pages."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        (folder / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
