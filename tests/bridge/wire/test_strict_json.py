"""Bad JSON gets a sentence, never a crash (contract §6, B4)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidInput
from bridge.wire import strict_json

BAD = {
    "not json": "{",
    "nan": '{"a": NaN}',
    "infinity": "[1e999]",
    "depth bomb": "[" * 100_000,
    "deep object": '{"a":' * 40 + "1" + "}" * 40,
    "giant number": '{"a": ' + "9" * 5_000 + "}",
    "nul": '"\\u0000"',
    "lone surrogate": '{"\\ud800": 1}',
    "not utf-8": b'"\xff"',
    "a list": "[]",
    "empty": "",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_bad_json_is_refused_in_words(text):
    """Each bad text raises InvalidInput with a sentence."""
    with pytest.raises(InvalidInput, match=r"\.$"):
        strict_json.loads_object(text)


@given(
    st.dictionaries(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), st.integers(-(10**15), 10**15))
)
def test_plain_objects_pass(value):
    """What we would write ourselves is read as it was."""
    assert value == strict_json.loads_object(json.dumps(value))


@given(st.text())
def test_any_text_is_a_value_or_a_sentence(text):
    """No other exception ever leaves it."""
    message = "a value"
    try:
        strict_json.loads(text)
    except InvalidInput as error:
        message = error.message

    assert message
