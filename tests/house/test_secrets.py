"""A7: no secret is compared with `==`, whose time tells how much of it was right."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECRET = re.compile(r"(^|_)(secret|signature|mac|hmac|token|password|api_key)s?$")
ALLOWED = {"bridge/usecases/sign_in.py": "password"}
"""Whether a stored hash of a password is still the one that was read before: both come from the database."""


def name_of(node: ast.AST) -> str:
    """The last word of what is compared."""
    while isinstance(node, ast.Await | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def compared(source: str) -> list[str]:
    """Names of secrets in comparisons for equality; with a literal (empty, a protocol's word) it is no secret that is found out."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare) or not any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            continue
        sides = [node.left, *node.comparators]
        if any(isinstance(side, ast.Constant) for side in sides):
            continue
        found += [f"line {node.lineno}: {name_of(side)}" for side in sides if SECRET.search(name_of(side))]
    return found


@pytest.mark.parametrize("package", ["bridge", "pipeline", "reporting", "storage", "web"])
def test_secrets_are_compared_in_constant_time(package: str) -> None:
    """Stand-ins and benchmarks play others' parts and guard nothing."""
    skipped = ("web/standins/", "web/relaybench/", "web/rehearsal/")
    wrong = {
        name: found
        for path in (ROOT / package).rglob("*.py")
        if not (name := str(path.relative_to(ROOT))).startswith(skipped)
        and (found := [each for each in compared(path.read_text(encoding="utf-8")) if each.split(": ")[1] != ALLOWED.get(name)])
    }
    assert wrong == {}


def test_the_rule_bites() -> None:
    """What it is for is found."""
    assert compared("if request.headers['x'] == settings.webhook_secret: pass") == ["line 1: webhook_secret"]
    assert compared("ok = hmac.new(k, b).hexdigest() == signature") == ["line 1: signature"]
    assert compared("if token == '': pass") == []
