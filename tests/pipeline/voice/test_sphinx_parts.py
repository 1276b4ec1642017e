"""The recogniser's plain parts: which audio is whose, where speech is cut, what it is taught (R-041)."""

import struct
from collections import Counter
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.voice.sphinx_ears import KEEP_S, Ears
from pipeline.voice.sphinx_phrases import bank_texts, count, speakable
from pipeline.voice.sphinx_wire import RATE
from pipeline.voice.sphinx_worker import CUT_BY_S, CUT_FROM_S, Dictation, loudness, pronunciations, quiet_enough

OURS = resources.files("pipeline.voice").joinpath("pronunciations.txt").read_text(encoding="utf-8")


def numbered(start, samples):
    """Audio whose samples tell where they belong."""
    return struct.pack(f"<{samples}H", *((start + n) % 65536 for n in range(samples)))


@given(st.lists(st.tuples(st.sampled_from("hhhbc"), st.integers(1, 30_000)), max_size=40))
def test_no_sample_is_heard_twice_and_none_of_an_utterance_is_missing(steps):
    """R-041: utterances never overlap, reach back at most over the pre-roll, and hold exactly the samples of their span."""
    ears, utterances = Ears(0.6), []
    for step, samples in steps:
        if step == "h":
            ears.hear(numbered(ears.clock, samples))
        elif step == "b" and ears.open is None:
            began_at = ears.clock
            utterances.append(ears.begin())
            assert began_at - utterances[-1].start <= 0.6 * RATE
        elif step == "c":
            ears.close()

    ends = [utterance.start + utterance.fed for utterance in utterances]
    assert all(end <= after.start for end, after in zip(ends, utterances[1:], strict=False))
    assert [numbered(u.start, u.fed) for u in utterances] == [b"".join(u.chunks) for u in utterances]
    assert ears.waiting_secs == sum(u.fed for u in utterances) / RATE


def test_a_late_event_reaches_further_back():
    """R-041: voice detection that was held up by a busy machine still gets its pre-roll, as far as audio is kept."""
    ears = Ears(0.6)
    ears.hear(bytes(10 * RATE * 2))

    assert ears.clock - round(1.6 * RATE) == ears.begin(late_secs=1.0).start
    ears.close()
    ears.hear(bytes(10 * RATE * 2))
    assert ears.clock - KEEP_S * RATE == ears.begin(late_secs=60.0).start


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=8), st.floats(0, 1))
def test_finished_audio_is_forgotten_exactly(chunks, share):
    """R-041: a piece done to the sample leaves exactly the rest to be told again."""
    ears = Ears(0.0)
    utterance = ears.begin()
    for chunk in chunks:
        ears.hear(numbered(ears.clock, chunk))
    done = int(sum(chunks) * share)

    utterance.finish(done)

    assert numbered(done, sum(chunks) - done) == b"".join(utterance.chunks)
    assert done == utterance.done


def test_speech_is_cut_only_when_long_and_at_the_latest_in_time():
    """R-041: never before 12 s, at any loudness by 28 s, and in between the more readily the longer it lasts."""
    seconds = [CUT_FROM_S + n / 10 for n in range(int((CUT_BY_S - CUT_FROM_S) * 10))]
    loudest = [max(level for level in range(101) if quiet_enough(s, level, 100) or level == 0) for s in seconds]

    assert not quiet_enough(CUT_FROM_S - 0.1, 0, 100)
    assert quiet_enough(CUT_BY_S, 100, 100)
    assert sorted(loudest) == loudest
    assert loudest[0] < 20
    assert loudest[-1] > 80


def test_a_long_utterance_is_cut_at_its_pauses():
    """R-041: twenty seconds of noise with one short pause after 15: two pieces, cut inside the pause."""
    messages = []
    dictation = Dictation(_Decoder(), messages.append)
    loud, quiet = struct.pack("<h", 8000) * RATE, bytes(RATE // 5 * 2)

    dictation.begin(0, 0)
    for second in range(20):
        dictation.audio(loud, behind=False)
        if second == 14:
            dictation.audio(quiet, behind=False)
    dictation.end()
    ends = [struct.unpack("!cI", message[:5])[0] for message in messages]

    assert ends.count(b"P") == 2
    cut = next(message for message in messages if message[:1] == b"P")
    assert b'"at":241600' in cut or b'"at":243200' in cut


class _Decoder:
    """As much of a decoder as `Dictation` touches; hears nothing."""

    def start_utt(self): ...

    def end_utt(self): ...

    def process_raw(self, pcm): ...

    def hyp(self): ...


def test_loudness_tells_speech_from_silence():
    """The measure is the root mean square, and an empty block is silent."""
    assert (loudness(b""), loudness(bytes(3200)), loudness(struct.pack("<h", 3000) * 1600)) == (0.0, 0.0, 3000.0)


def test_pronunciations_are_words_the_bundled_dictionary_lacks_in_its_own_phones():
    """R-041: 150 words and more; each in the model's phones; none that it knows already, and no pronunciation twice."""
    pocketsphinx = pytest.importorskip("pocketsphinx")
    lines = resources.files(pocketsphinx).joinpath("model", "en-us", "cmudict-en-us.dict").read_text().splitlines()
    known = {line.split()[0] for line in lines}
    phones = {phone for line in lines for phone in line.split()[1:]}
    ours = list(pronunciations(OURS))
    plain = Counter((word.partition("(")[0], said) for word, said in ours)

    assert len({word for word, _ in plain}) >= 150
    assert set() == {word for word, _ in plain} & known
    assert set() == {phone for _, said in ours for phone in said.split()} - phones
    assert [entry for entry, times in plain.items() if times > 1] == []


def test_a_word_may_be_said_in_several_ways():
    """A repeated word gets the dictionary's own mark of an alternative; comments and blank lines are nothing."""
    assert list(pronunciations("# data\njson JH EY\n\njson JH AO  # rarer\napi EY\n")) == [
        ("json", "JH EY"),
        ("json(2)", "JH AO"),
        ("api", "EY"),
    ]


def test_phrases_stay_within_a_clause():
    """R-041: pairs and triples as they are said, and how many words there were."""
    found, total = count(["The `event loop`; then stop. Event loop!"])

    assert total == 7
    assert found["event", "loop"] == 2
    assert found["the", "event", "loop"] == 1
    assert ("loop", "then") not in found


def test_phrases_are_taken_apart_again():
    """What the page shows has no mark of ours in it."""
    assert speakable("the event_loop takes_a callback_") == "the event loop takes a callback"


def test_the_bank_is_what_phrases_come_from():
    """R-041: the bundled questions are found and long enough to learn from."""
    _, total = count(bank_texts())

    assert total >= 20_000
