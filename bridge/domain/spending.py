"""What an interview has cost so far, from the ledger's lines: what happened where it is known, what was foreseen where not (R-146).

A vendor's call is booked once as a whole (`…:call`) and again by its parts; only the whole counts where there is one. Read next:
`unit_costs`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from .upstream import CostEntry, CostKind

WHOLE = "call"


def so_far(entries: Iterable[CostEntry], *, share: float = 1.0) -> dict[str, int]:
    """Millionths by currency; empty when nothing costs anything. `share` of a whole call's estimate counts while it goes on, 0 to 1."""
    groups: dict[tuple[str, str], list[CostEntry]] = defaultdict(list)
    for entry in entries:
        groups[entry.currency, entry.ref.rpartition(":")[0]].append(entry)
    total: dict[str, int] = defaultdict(int)
    for (currency, _), lines in groups.items():
        actual = [line for line in lines if line.kind is CostKind.ACTUAL]
        whole = [line for line in actual if line.item == WHOLE]
        if actual:
            total[currency] += sum(line.amount_micros for line in whole or actual)
        else:
            total[currency] += round(sum(line.amount_micros * (share if line.item == WHOLE else 1) for line in lines))
    return dict(total)
