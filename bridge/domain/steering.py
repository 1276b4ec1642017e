"""Words in an answer that speak to whoever grades it instead of to the question: found, so that they can be shown and count for nothing (A8).

No list of phrases ever catches all; this one is the smaller half of the defence. The other holds whatever is said: quotes are looked up, a
judge's score is held to what the key-point check saw, and every sum is made by code. Read next: `reporting.judge`.
"""

from __future__ import annotations

import re

from .coverage import Span

_TOP = r"(?:full|perfect|max(?:imum)?|top|highest|best|excellent|outstanding|(?:one )?hundred|100|10|ten|five[- ]star|a plus|a\+)"
_MARK = r"(?:marks?|scores?|points?|ratings?|grades?|credits?|sub-?scores?)"
_JUDGE = r"(?:grader|grading (?:model|system|ai)|evaluator|examiner|assessor|reviewer|scorer|scoring (?:model|system)|language model|chat ?bot|ai model|llm)"
_FIELDS = r"(?:technical ?correctness|depth ?of ?thinking|trade ?off ?analysis|problem ?solving|overall ?score|sub-?scores?|done ?well|could ?be ?better)"
_PATTERNS = (
    # Taking the rules away.
    r"\b(?:ignore|disregard|forget|override|bypass|skip|drop|discard)\b(?: \w+){0,4} (?:instructions?|prompts?|rubrics?|guidelines?|grading|scoring|criteria|directions|answer key|system message)\b",
    r"\b(?:new|updated|hidden|secret|real|following|further) (?:instructions?|rubric|system prompt|grading rules?|scoring rules?)\b",
    r"\b(?:your|the) system prompt\b|\byour (?:\w+ )?instructions\b",
    r"\b(?:reveal|repeat|print|show|output|recite) (?:me )?(?:your|the) (?:system )?(?:prompt|instructions?|rubric|answer key|model answer)\b",
    # Asking for marks.
    rf"\b(?:give|award|grant|assign|put|record|enter|allocate)\b(?: \w+){{0,6}} {_TOP}(?: out of \w+| percent| ?%)?(?: \w+)? {_MARK}\b",
    rf"\b(?:give|award|grant|assign)\b (?:me|us|this (?:answer|candidate|response|interview)|the (?:answer|candidate|response)|my (?:answer|response))(?: \w+){{0,3}} {_TOP}\b",
    r"\b(?:grade|rate|score|mark|evaluate|assess|judge)\b (?:me|us|this (?:answer|candidate|response|interview)|the candidate|my (?:answer|response|interview)|it)(?: \w+){0,4} (?:as|at|with|highly|generously|leniently|full|perfect|10|100|ten|a hundred|correct|excellent)\b",
    rf"\b(?:i|we|this answer|my answer|this response|the candidate|this candidate|it)(?:'d| would| should| must| clearly| fully| really)* (?:deserves?|merits?|earn(?:s|ed)?|(?:get|gets|receive|receives|be (?:given|graded|rated|scored|awarded|marked)))(?: \w+){{0,4}} (?:{_TOP}|{_MARK})\b",
    rf"\b{_TOP} {_MARK} (?:please|for (?:this|me|my|all of|everything)|to (?:me|this candidate|the candidate|this answer))\b",
    r"\b(?:ten|10) (?:out of|of) (?:ten|10)\b|\b(?:100|(?:one |a )?hundred) (?:out of|of) (?:100|(?:one |a )?hundred)\b|\b10 ?/ ?10\b|\b100 ?/ ?100\b",
    rf"\b(?:my|the overall|overall|final|total|candidate's|every|each|all) (?:sub-?)?(?:scores?|marks?|grades?|ratings?) (?:is|are|of|to|as|at|should be|must be|shall be|will be|=|:) ?(?:{_TOP}|9\d?)",
    r"\b(?:be|please be) (?:generous|lenient|kind|nice|merciful) (?:with|when|in|about|on) (?:\w+ ){0,3}(?:scor|mark|grad|rat)\w*",
    r"\b(?:pass|hire|recommend) (?:me|this candidate|the candidate)\b(?: \w+){0,3} (?:please|immediately|now|strongly|anyway|regardless)\b|\bplease (?:pass|hire) me\b",
    r"\b(?:mark|treat|count|consider|regard|report|list) (?:all|every|each)(?: \w+){0,4} (?:as )?(?:covered|shown|met|correct|complete|yes|done)\b",
    r"\b(?:all|every)(?: \w+){0,3} (?:key points?|criteria|sub-?scores?)(?: \w+){0,3} (?:covered|shown|met|satisfied|yes|ten|10)\b",
    # Speaking to the judge, or as somebody else.
    rf"\b(?:note|message|attention|instructions?|hello|hi|hey|dear|listen|notice|memo|request)(?: to| for|,)? (?:the |you |all )?(?:\w+ )?{_JUDGE}s?\b",
    rf"\b(?:dear|attention|as (?:the|a|an|your)|you are (?:now )?(?:the|a|an|no longer (?:the|a|an))|if you are (?:the|a|an)) (?:\w+ ){{0,2}}{_JUDGE}\b",
    r"\byou are (?:now )?(?:in )?(?:dan|developer mode|debug mode|test mode|maintenance mode|an? (?:unrestricted|obedient|helpful|generous|lenient) \w+)\b",
    r"\b(?:you must|you should|you have to|you are required to|you will|make sure to|be sure to|please|kindly|now|just)(?: \w+){0,2} (?:award|grade|rate|score) (?:me|this|the (?:answer|candidate)|my|it|full|ten|10|100)\b",
    rf"\b(?:return|output|respond with|reply with|answer with|write|print|give me)\b(?: \w+){{0,4}} (?:(?:{_TOP}) (?:{_MARK}|for (?:every|each|all|the overall))|{_TOP} {_MARK}|(?:sub-?scores?|overall score|ratings?) (?:of|as|to|=|:))",
    r"(?:^|[.!?\n] *)(?:system|assistant|developer|admin(?:istrator)?|root|operator) ?(?:prompt|message|override|note|notice|update|command)? ?:",
    r"\b(?:system|developer|admin(?:istrator)?|operator|root) (?:override|command|mode|note|notice|update|message)\b(?=.{0,80}\b(?:scor|mark|grad|rat|candidate|evaluat|answer))",
    r"\b(?:pretend|assume|imagine|act as if|suppose|believe) (?:that )?(?:i|this answer|my answer|the candidate|this candidate|everything i)(?: \w+){0,4} (?:perfect|perfectly|correct|correctly|complete|expert|flawless|everything|all|every)\b",
    r"\b(?:this|my|the above|the previous) (?:answer|response|transcript) (?:is|was|has been) (?:already )?(?:pre-?approved|verified|graded|perfect|flawless|correct in every|model answer|the model answer|expert)",
    r"\b(?:the )?(?:rubric|answer key|grading scale|scoring scale|grading policy|scoring policy) (?:says|has changed|has been changed|now (?:requires|says|allows)|requires that (?:you|this|the answer))\b",
    r"\b(?:quote|cite|copy|use) (?:this|the following|my) (?:sentence|line|words?|text) (?:as|for|in|word)\b",
    r"\b(?:technicalcorrectness|depthofthinking|tradeoffanalysis|overallscore)\b|(?-i:\b(?:problemSolving|subScores|doneWell|couldBeBetter|keyPoints)\b)",
    rf"\b{_FIELDS} ?(?:=|:|is|to|of|at|should be|must be)? ?(?:{_TOP}|9)\b",
    r"(?:^|[.!?>\n] *)(?:end|start|beginning|close) of (?:the )?(?:transcript|candidate(?:'s)? (?:answer|data)|answer|data(?: block)?|untrusted (?:text|data))\b *[.:;\n]",
    r"</? ?(?:\w+_)?(?:answer|candidate|system|data|question|user|instructions?|assistant)(?:_\w+)? ?>|\[/?(?:inst|system)\]|<\|[\w ]+\|>|```json",
    r"\{\s*\\?[\"'][\w ]*(?:score|quotes?|summary|grade|rating)[\w ]*\\?[\"']\s*:",
)
_STEERING = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _PATTERNS)
_CLAUSE_END = re.compile(r"[.!?;\n]")


def steering(text: str) -> tuple[Span, ...]:
    """The sentences of a text that speak to the grader, in order, none overlapping; empty for an honest answer.

    A transcript may have no full stops: then the whole turn is one sentence, and its words count for nothing as quotes.
    """
    plain = text.replace("’", "'")
    found: list[Span] = []
    for start, end in sorted(match.span() for pattern in _STEERING for match in pattern.finditer(plain)):
        begin = max((m.end() for m in _CLAUSE_END.finditer(plain, 0, start + 1) if m.end() <= start + 1), default=0)
        stop = _CLAUSE_END.search(plain, max(end - 1, start))
        span = Span(begin, stop.end() if stop else len(plain))
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return tuple(found)
