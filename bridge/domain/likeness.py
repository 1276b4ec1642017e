"""Whether a heard word may be the wanted one: inflections, spellings, and what a recogniser makes of a technical term.

Pure and small: a stem, a root with its endings off, a sound key, a bounded edit distance, and two tables. Strictness grows with shortness:
a short word has many neighbours. Read next: `coverage`.
"""

from __future__ import annotations

import re
from functools import lru_cache

import snowballstemmer

_STEMMER = snowballstemmer.stemmer("english")

FORMS = """
two 2
three 3
four 4
five 5
ten 10
hundred 100
thousand 1000
index indices
vertex vertices
matrix matrices
async asynchronous asynchronously
sync synchronous synchronously
config configuration
"""
"""Words that count as one: numbers in figures, learned plurals, everyday short forms."""

HEARD_AS = """
cache cash catch
caching cashing catching
cached cashed
caches cashes catches
queue cue
queues cues
json jason
sql sequel
mutex mutual
heap heep
trie try tree
array ray
arrays rays
byte bite
bytes bites
shard chart
shards charts
sharding charting
thread threat
threads threats
debounce bounce
"""
"""Technical words, each with everyday words that sound nearly the same and that recognisers write instead."""

_ENDINGS = re.compile(r"(?:ation|ition|ion|ment|able|ible|abl|ibl|ance|ence|anc|enc|ant|ent|ness|ity|iti|ure|ur|al|i|e|y)$")
MIN_ROOT = 5
MIN_SOUND = 4
"""Consonants a word needs before it may be taken for another by sound alone."""
LONG = 8
"""Letters from which one wrong letter is taken for a slip."""
_VOWELS = "aeiouy"


def _table(text: str) -> dict[str, str]:
    return {word: line.split()[0] for line in text.strip().splitlines() for word in line.split()}


_FORM = _table(FORMS)
_TABLED = _table(HEARD_AS)
_HEARD = {(heard, line.split()[0]) for line in HEARD_AS.strip().splitlines() for heard in line.split()[1:]}


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The stem of one lower-case word."""
    return str(_STEMMER.stemWord(word))


@lru_cache(maxsize=65536)
def root(word: str) -> str:
    """The word with spelling variants, irregular forms and endings taken off: what inflections and derivations share."""
    plain = _FORM.get(word, word)
    plain = re.sub(r"(?<=[a-z]{3})is(e|ed|es|ing|ation|er)$", r"iz\1", plain)
    plain = re.sub(r"(?<=[a-z]{2})our(s|ed|ing)?$", r"or\1", plain)
    plain = re.sub(r"(?<=[a-z]{2})([a-z])\1(ed|ing|er)$", r"\1\2", plain)
    cut = stem(plain)
    shorter = _ENDINGS.sub("", cut)
    return shorter if len(shorter) >= MIN_ROOT else cut


@lru_cache(maxsize=65536)
def sound(word: str) -> str:
    """The consonants one hears, voiced and unvoiced alike; a leading vowel is kept as `A`."""
    text = re.sub(r"[^a-z]", "", word)
    for pattern, heard in _SOUNDS:
        text = pattern.sub(heard, text)
    head = "A" if text[:1] and text[0] in _VOWELS else ""
    return head + re.sub(r"(.)\1+", r"\1", re.sub(r"[aeiouyhw]", "", text).upper())


_SOUNDS = tuple(
    (re.compile(pattern), heard)
    for pattern, heard in (
        (r"^(kn|gn|pn)", "n"),
        (r"^wr", "r"),
        (r"^ps", "s"),
        (r"^x", "s"),
        (r"tch", "j"),
        (r"(sch|sh|[st]ion|[ct]i(?=[ao])|su(?=re))", "j"),
        (r"ch(?=[aeiouy]|$)", "j"),
        (r"dge?", "t"),
        (r"ph", "f"),
        (r"gh(?=t|$)", ""),
        (r"mb$", "m"),
        (r"c(?=[eiy])", "s"),
        (r"g(?=[eiy])", "j"),
        (r"x", "ks"),
        (r"(qu?|ck|c|g)", "k"),
        (r"th", "t"),
        (r"d", "t"),
        (r"b", "p"),
        (r"v", "f"),
        (r"z", "s"),
    )
)


def distance(a: str, b: str, limit: int) -> int:
    """Edits between two strings, adjacent swaps counted once; anything over `limit` is `limit + 1`."""
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if older and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)


@lru_cache(maxsize=262144)
def alike(heard: str, wanted: str) -> bool:
    """Whether `heard` may be `wanted`: the same word in another form, or a recogniser's near miss of it."""
    if stem(heard) == stem(wanted) or root(heard) == root(wanted) or (heard, wanted) in _HEARD:
        return True
    if len(wanted) < 5 or len(heard) < 5 or heard in COMMON or heard[0] != wanted[0]:
        return False
    if sound(heard) == sound(wanted) and len(sound(wanted)) >= MIN_SOUND:
        return distance(heard, wanted, 2) <= 2
    return len(wanted) >= LONG and distance(heard, wanted, 1) <= 1


@lru_cache(maxsize=65536)
def initials(word: str) -> str:
    """First letters under which a word and all that is `alike` to it can be found: its own and its table's."""
    return "".join(dict.fromkeys([word[:1], _FORM.get(word, word)[:1], _TABLED.get(word, word)[:1]]))


COMMON = frozenset(
    """
    about above across after again against almost along already always another answer answers anything around available because become
    before being below better between beyond both bring called cannot change changed check clear clearly close coming common could course
    create created different does doing done during each early either enough even every everything exactly example expect fact fast
    faster field final finally find first following found front function further getting give given going great group hand happen having
    here high higher into just keep kind know large last later latter layer least leave less letter level light like likely line list
    little long longer look lower made main make makes making many matter maybe mean means might more most moved much must need needs
    never next nothing number object often once only open order other others over part parts people perhaps place plan point power
    present problem quick quickly quite rather reach read ready real really reason right running same second seen send sense server
    serve service service several should show side simple simply since single size slow small some something sometimes soon sort
    space stage stand start state stay step still stop store story strong such sure system table take takes taken talk team tell than
    that their them then there these they thing things think this those though thought three through time times today together total
    toward trace track trade true under until upon used user users uses using usually value values very wait want wants watch well were
    what when where whether which while white whole will with within without word words work works world would write year your
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
"""Everyday words: never taken for another word by sound or spelling."""
