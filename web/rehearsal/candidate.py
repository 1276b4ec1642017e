"""What is said to which question: prepared answers from the question bank, paragraphs of a file, or recordings.

An answer is a tuple of pieces (sentences), so that after a lost connection it can go on with the sentence that was not heard. No clock and no socket here.
Read next: `client` (when it is said).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Protocol

from bridge import bank
from bridge.domain.questions import Question
from bridge.domain.wer import words
from bridge.errors import InvalidInput
from bridge.wire.candidate import BYTES_PER_MS
from pipeline.voice.synthesis import Synthesiser

from . import sound

FIRST_SHARE = 0.6
"""Share of the model answer said to the question itself; the rest is kept for the follow-up."""
WORDS_PER_MINUTE = 150
TIME_SHARE = 0.75
"""Share of a question's minutes the prepared candidate talks at most, follow-up included."""
NOTHING_MORE = "I have nothing to add to what I said before."
NO_ANSWER = "I would start with the requirements, build the simplest thing that works, and then measure it."
"""For a question that is not in the bank."""
PAUSE = bytes(60 * BYTES_PER_MS)
"""Between two sentences of one answer."""
HEARD_SLACK = 2
"""Words a sentence may be short of before it counts as not heard."""


@dataclass(frozen=True)
class Asked:
    """A question or follow-up as it was asked."""

    question_id: str
    n: int
    of: int
    text: str
    follow_up: int = 0
    minutes: float = 0.0

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same question when it is asked again."""
        return self.question_id, self.text


@dataclass(frozen=True)
class Piece:
    """A sentence of an answer."""

    text: str
    """Empty for a recording of which nobody knows the words."""
    pcm: bytes = b""


@dataclass
class Answer:
    """An answer and how far it has got."""

    asked: Asked
    pieces: tuple[Piece, ...]
    said: str = ""
    """What has been said of it, once, however often the connection was lost."""
    cut_off: bool = False
    acked: bool = False
    """A typed answer that the server says it has stored."""
    heard_before: int = 0
    """Words that had been heard of this question's earlier answers when this one began."""
    first: int = 0
    """The piece the part now being said begins with."""

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(piece.text for piece in self.pieces if piece.text)

    def pcm(self) -> bytes:
        """The audio from `first` on."""
        return PAUSE.join(piece.pcm for piece in self.pieces[self.first :])

    def sent(self, sent_bytes: int) -> None:
        """Note how much of `pcm()` was sent: whole sentences, and of the last one its share in words."""
        texts = [piece.text for piece in self.pieces[: self.first]]
        left = sent_bytes
        for piece in self.pieces[self.first :]:
            if left <= 0:
                break
            own = piece.text.split()
            share = min(1.0, left / max(1, len(piece.pcm)))
            texts.append(" ".join(own[: round(share * len(own))]))
            left -= len(piece.pcm) + len(PAUSE)
        said = " ".join(text for text in texts if text)
        self.said = max(self.said, said, key=len)

    def go_on_from(self, heard_words: int) -> bool:
        """Set `first` to the first sentence that `heard_words` do not reach; False when none is left."""
        ends = accumulate(len(words(piece.text)) for piece in self.pieces)
        heard = heard_words - self.heard_before
        following = next((n for n, end in enumerate(ends) if end - HEARD_SLACK > heard), None)
        if following is None or not self.pieces[following].text:
            return False
        self.first = following
        return True


class Candidate(Protocol):
    """Has something to say to every question."""

    async def answer(self, asked: Asked) -> tuple[Piece, ...]:
        """The sentences of an answer, spoken or to be typed."""


@dataclass
class Prepared:
    """Knows the bank: about 60 % of the model answer at first, the rest at the follow-up, within the question's minutes."""

    voice: Synthesiser | None
    """None when the answers are typed."""
    _spent: dict[str, int] = field(default_factory=dict)

    async def answer(self, asked: Asked) -> tuple[Piece, ...]:
        """See `Candidate`."""
        return await voiced(self._sentences(asked), self.voice)

    def _sentences(self, asked: Asked) -> list[str]:
        question = _by_text().get(asked.text)
        if question is None:
            return sound.sentences(NO_ANSWER)
        model = sound.sentences(question.model_answer)
        spent = self._spent.get(question.id, 0)
        share = 1 - FIRST_SHARE if spent else FIRST_SHARE
        wanted = share * sum(len(s.split()) for s in model)
        room = share * asked.minutes * TIME_SHARE * WORDS_PER_MINUTE if asked.minutes else wanted
        end = spent + fitting([len(s.split()) for s in model[spent:]], min(wanted, room))
        self._spent[question.id] = end
        return model[spent:end] or sound.sentences(NOTHING_MORE)


def fitting(lengths: Sequence[int], room: float) -> int:
    """How many of the first items come nearest to `room` in all, at least one while there are any."""
    if not lengths:
        return 0
    sums = list(accumulate(lengths))
    return 1 + min(range(len(sums)), key=lambda n: (abs(sums[n] - room), n))


@cache
def _by_text() -> dict[str, Question]:
    """The bank by everything that may be asked, follow-ups included."""
    known = {follow_up.text: question for question in bank.questions() for follow_up in question.follow_ups}
    return known | {question.text: question for question in bank.questions()}


@dataclass
class Written:
    """Says paragraphs in order, the last one again and again."""

    paragraphs: Sequence[str]
    voice: Synthesiser | None
    _next: int = 0

    async def answer(self, asked: Asked) -> tuple[Piece, ...]:
        """See `Candidate`."""
        paragraph = self.paragraphs[min(self._next, len(self.paragraphs) - 1)]
        self._next += 1
        return await voiced(sound.sentences(paragraph), self.voice)


@dataclass
class Recorded:
    """Plays recordings in order, the last one again and again; a `.txt` beside a WAV holds its words."""

    recordings: Sequence[Piece]
    _next: int = 0

    async def answer(self, asked: Asked) -> tuple[Piece, ...]:
        """See `Candidate`."""
        piece = self.recordings[min(self._next, len(self.recordings) - 1)]
        self._next += 1
        return (piece,)


async def voiced(texts: Sequence[str], voice: Synthesiser | None) -> tuple[Piece, ...]:
    """The sentences with their audio; in one piece when typed."""
    if voice is None:
        return (Piece(" ".join(texts)),)
    return tuple([Piece(text, await sound.speak(voice, text)) for text in texts])


def read_paragraphs(path: Path) -> list[str]:
    """The paragraphs of a UTF-8 file, separated by blank lines. Raises InvalidInput with a sentence."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path.name} is not a readable UTF-8 text file ({type(error).__name__}).") from None
    paragraphs = [" ".join(part.split()) for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]
    if not paragraphs:
        raise InvalidInput(f"{path.name} holds no words.")
    return paragraphs


def read_recordings(paths: Sequence[Path]) -> list[Piece]:
    """The recordings, each with the words of the `.txt` beside it if there is one."""
    pieces = []
    for path in paths:
        beside = path.with_suffix(".txt")
        known = " ".join(read_paragraphs(beside)) if beside.is_file() else ""
        pieces.append(Piece(known, sound.read_wav(path)))
    return pieces
