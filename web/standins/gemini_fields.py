"""JSON read by Google's tables: unknown names and wrong types are refused as the real parser refuses them, everything else comes out in camelCase.

Both spellings of a name are taken (`max_items`, `maxItems`), as by any protobuf parser; paths in messages are in snake_case, map entries as
`properties[1].value`. What a well-formed request may not say is decided in `gemini_checks` and `gemini_schemas`.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from .gemini_errors import Violation, bad_payload
from .gemini_messages import ENUMS, FIELDS, PACKAGE

_UPPER = re.compile(r"(?<!^)(?=[A-Z])")
_INTEGERS = {"int32": 31, "int64": 63}
_SCALARS = {"string", "float", "double", "bool", "bytes", "Struct", "Value", *_INTEGERS}
_MISSING: Any = object()


def snake(name: str) -> str:
    """`maxItems` → `max_items`."""
    return _UPPER.sub("_", name).lower()


_NAMES = {message: {spelt: f for f in fields for spelt in (f, snake(f))} for message, fields in FIELDS.items()}


def read(message: str, value: Any) -> dict[str, Any]:
    """`value` as a `message`, in camelCase, enums in upper case, bytes decoded. Raises GoogleError 400 with every violation."""
    reader = _Reader()
    found = reader.message(message, value, "")
    if reader.violations:
        raise bad_payload(reader.violations)
    return found if isinstance(found, dict) else {}


class _Reader:
    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def message(self, name: str, value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            return self._wrong(path, name, value)
        known, read = _NAMES[name], {}
        for key, item in value.items():
            field = known.get(key)
            if field is None:
                self._unknown(key, path)
            elif item is not None:
                read[field] = self.value(FIELDS[name][field], item, f"{path}.{snake(field)}" if path else snake(field))
        return read

    def value(self, kind: str, value: Any, path: str) -> Any:
        if kind.startswith("[]"):
            if not isinstance(value, list):  # the parser takes one value for a list of one
                return [self.value(kind[2:], value, f"{path}[0]")]
            return [self.value(kind[2:], item, f"{path}[{i}]") for i, item in enumerate(value)]
        if kind.startswith("{}"):
            if not isinstance(value, dict):
                return self._wrong(path, kind[2:], value)
            return {key: self.value(kind[2:], item, f"{path}[{i}].value") for i, (key, item) in enumerate(value.items())}
        if isinstance(value, list) and kind != "Value":
            return self._not_repeating(path)
        if kind.startswith("="):
            return self._enum(kind[1:], value, path)
        if kind in _SCALARS:
            read = _scalar(kind, value)
            return self._wrong(path, f"TYPE_{kind.upper()}", value) if read is _MISSING else read
        return self.message(kind, value, path)

    def _enum(self, name: str, value: Any, path: str) -> Any:
        if isinstance(value, str) and value.upper() in ENUMS[name]:
            return value.upper()
        return self._wrong(path, name, value)

    def _wrong(self, path: str, kind: str, value: Any) -> None:
        shown = f'"{value}"' if isinstance(value, str) else value
        kind = kind if kind.startswith("TYPE_") else PACKAGE + kind
        self.violations.append(Violation(path, f"Invalid value at '{path}' ({kind}), {shown}"))

    def _unknown(self, key: str, path: str) -> None:
        where = f" at '{path}'" if path else ""
        self.violations.append(Violation(path, f'Invalid JSON payload received. Unknown name "{key}"{where}: Cannot find field.'))

    def _not_repeating(self, path: str) -> None:
        parent, _, name = path.rpartition(".")
        message = f"Invalid JSON payload received. Unknown name \"{name}\" at '{parent}': "
        self.violations.append(Violation(parent, f"{message}Proto field is not repeating, cannot start list."))


def _scalar(kind: str, value: Any) -> Any:
    """The value as that type, or _MISSING."""
    if kind == "Value":
        return value
    wanted = {"string": str, "bool": bool, "Struct": dict, "bytes": str}.get(kind)
    if wanted is not None and not isinstance(value, wanted):
        return _MISSING
    if kind == "bytes":
        return _bytes(value)
    return _number(kind, value) if wanted is None else value


def _number(kind: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return _MISSING
    try:
        number = float(value)
    except ValueError:
        return _MISSING
    if kind not in _INTEGERS:
        return number
    return int(number) if number.is_integer() and abs(number) < 2 ** _INTEGERS[kind] else _MISSING


def _bytes(value: str) -> Any:
    """Base64 of either alphabet; the SDK writes the URL-safe one."""
    plain = value.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return _MISSING
