"""The Dockerfile as data: its stages and instructions, and what `COPY` may take after .dockerignore. Enough of the syntax for the one we have."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from string import Template

ROOT = Path(__file__).parents[2]
INSTRUCTIONS = {
    "FROM", "ARG", "ENV", "WORKDIR", "RUN", "COPY", "LABEL", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD",
}  # fmt: skip


@dataclass
class Stage:
    """One FROM and what follows it: (instruction, its text) in order."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        """The texts of one instruction."""
        return [text for name, text in self.steps if name == instruction]

    def environment(self) -> dict[str, str]:
        """What ENV and ARG set, in order."""
        pairs: dict[str, str] = {}
        for name, text in self.steps:
            if name in ("ENV", "ARG"):
                pairs |= dict(pair.split("=", 1) for pair in shlex.split(text) if "=" in pair)
        return pairs


def read(path: Path = ROOT / "Dockerfile") -> tuple[dict[str, str], list[Stage]]:
    """Global arguments and stages. Raises ValueError for an instruction it does not know."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = [line.strip() for line in re.sub(r"\\\n\s*", " ", text).splitlines() if line.strip()]
    outer: dict[str, str] = {}
    stages: list[Stage] = []
    for line in lines:
        name, _, rest = line.partition(" ")
        if name not in INSTRUCTIONS:
            raise ValueError(f"unknown instruction {name}")
        if name == "FROM":
            base, _, alias = rest.partition(" AS ")
            stages.append(Stage(Template(base).substitute(outer), alias))
        elif stages:
            stages[-1].steps.append((name, rest))
        else:
            outer |= dict([rest.split("=", 1)])
    return outer, stages


def ignored(path: str, rules: list[str]) -> bool:
    """Whether .dockerignore leaves a path out: the last rule that matches it or a folder above it decides."""
    verdict = False
    parts = path.split("/")
    heads = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
    for rule in rules:
        pattern = rule.removeprefix("!")
        if any(fnmatch(head, pattern) or fnmatch(f"/{head}", pattern.replace("**", "*")) for head in heads):
            verdict = not rule.startswith("!")
    return verdict
