"""How many calls a process takes, and how many of them its own voice."""

import pytest

from web.capacity import calls_at_once


@pytest.mark.parametrize(
    ("max_calls", "first", "cores", "most", "local"),
    [
        (None, "local", 2, 8, 8),
        (None, "vapi", 2, 120, 8),
        (None, "gemini", 1, 20, 4),
        (30, "local", 1, 30, 30),
        (200, "vapi", 2, 200, 8),
        (3, "vapi", 2, 3, 3),
    ],
)
def test_a_vendors_calls_are_not_all_heard_here(max_calls, first, cores, most, local):
    """M2: what is set for a vendor's calls does not have its loss bring more recognisers than there is CPU for; without a vendor the setting is the word."""
    assert calls_at_once(max_calls, first, cores) == (most, local)
