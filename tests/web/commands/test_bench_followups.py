"""Follow-ups are ready before they are asked for: the benchmark itself, in little and four times as fast (R-045, issue 4.2)."""

from __future__ import annotations

from bridge.usecases.conducting import FOLLOW_UP, MOVE_ON
from web.commands.bench_followups import Plan, measure


async def test_tool_calls_are_answered_from_memory_without_wasting_tokens() -> None:
    """Issue 4: of the calls that needed a judgement nine in ten were ready at 1.5 s a model call; nobody waited beyond 2.6 s; speculation cost at most 1.5 times
    what was used. The same plan in full is `prepkit bench followups`; server-side medians are measured there, not on a busy test machine."""
    result = await measure(Plan(interviews=16, questions=2, speed=4))

    assert result.judged.total() >= 16
    assert result.from_memory >= 0.9, result.judged
    assert result.spent_to_used <= 1.5, (result.tokens, result.waited, result.used)
    assert 0 < result.percentile(50) < result.percentile(99) <= 2.6
    assert len(result.took[FOLLOW_UP]) == result.judged.total() + result.settled.total()
    assert len(result.took[MOVE_ON]) == 16 * 2
