"""What the stand-in asks about any topic: ten angles with key points, follow-ups and a model answer, and the scenes they are set in.

Made to be good questions by the product's own measure: the words of a key point are in the model answer and in no question. Read next:
`gemini_writing`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Angle:
    """One way to ask about `{topic}`. A point is (what it is, the words that show it); a follow-up (text, number of its point)."""

    ask: str
    points: tuple[tuple[str, tuple[str, ...]], ...]
    follow_ups: tuple[tuple[str, int], ...]
    answer: str


SCENES = (
    "You run a ticket shop that sells out in minutes.",
    "A hospital books its appointments through your service.",
    "Your team looks after a chat for two million players.",
    "A newspaper publishes its front page with your software.",
    "You keep the parcels of a courier company on a map.",
    "A bank shows its customers their balance through you.",
    "Your product lets pupils hand in their homework.",
    "A weather station sends you a reading every second.",
    "You build the checkout of a flower shop.",
    "A city lends out bicycles with your app.",
    "Your service turns recipes into shopping lists.",
    "A museum guides its visitors with your headset.",
)

ANGLES = (
    Angle(
        "What goes wrong first with {topic} there, and how would you notice?",
        (
            ("Names a concrete failure", ("stale data", "times out", "runs out of memory", "race condition")),
            ("Watches a number that shows it", ("alert", "dashboard", "error rate", "on call")),
            ("Has a way back", ("roll back", "retry", "restart", "failover")),
        ),
        (("What do you do in the first ten minutes after it has happened?", 3), ("Who is woken up, and by what?", 2)),
        "I would expect stale data before anything else, because writes and reads drift apart when it gets busy. I would put an alert on the "
        "error rate, so that somebody hears of it before our users do. When it fires I first roll back the last change, since most trouble "
        "comes from a release, and only then look for the cause in peace. Afterwards I write down what we learned.",
    ),
    Angle(
        "How would you explain {topic} to a colleague who joined this week?",
        (
            ("Begins with the purpose", ("the point of it", "problem it solves", "what it is for")),
            ("Uses an everyday comparison", ("imagine", "like a library", "kitchen", "analogy")),
            ("Says what it is not for", ("not meant for", "limits", "misunderstanding", "do not use it")),
        ),
        (("Which picture from daily life would you reach for?", 2), ("Where would you warn them?", 3)),
        "I would start with the problem it solves, because without that nobody remembers the details. Then I say: imagine a small shop with one "
        "clerk and a growing queue, and we go through what changes when a second clerk arrives. At the end I name its limits, so that they do "
        "not carry it into places where it only makes things slower. Then they try it themselves and I watch.",
    ),
    Angle(
        "Which trade-off decides how you would use {topic} here?",
        (
            ("Weighs speed against correctness", ("consistency", "accuracy", "out of date")),
            ("Counts what it costs", ("money", "expensive", "memory footprint", "bill")),
            ("Decides by numbers", ("measure", "benchmark", "percentile", "data from production")),
        ),
        (("What would the finance department say?", 2), ("How do you find out that you were right?", 3)),
        "For me it is latency against consistency: people forgive a page that is a second behind, but not a wrong total. The second thing is "
        "money, because keeping everything warm is expensive in quiet hours. I would not argue about it for long; I would measure both ways "
        "for a week with a share of the real traffic, look at the slowest one percent, and then decide with the team.",
    ),
    Angle(
        "How would you test {topic} before it goes live?",
        (
            ("Begins with small fast checks", ("unit test", "isolated", "pure function")),
            ("Tries it under pressure", ("load test", "simulate", "ten times", "stress")),
            ("Lets few people have it first", ("canary", "feature flag", "percent of users", "beta")),
        ),
        (
            ("What happens between your machine and everybody having it?", 3),
            ("How do you know that it holds on the busiest day?", 2),
        ),
        "I begin with a unit test for every rule, because those run in seconds and tell me exactly what broke. Then comes a load test with "
        "traffic copied from a busy day, turned up until something gives way, so that I know the ceiling. Finally I put it behind a feature "
        "flag and give it to one percent of users for a few days, with somebody watching, before the rest gets it.",
    ),
    Angle(
        "How would you make {topic} ten times faster in this place?",
        (
            ("Looks before changing", ("profile", "bottleneck", "flame graph", "trace")),
            ("Avoids work", ("precompute", "batch", "skip", "fewer calls")),
            ("Spreads the work out", ("parallel", "more machines", "partition", "concurrently")),
        ),
        (("What is the very first thing you do, before you touch any code?", 1), ("And if one computer is simply too small?", 3)),
        "Before anything else I profile it, because my guess about the bottleneck is usually wrong. The biggest win is mostly to do less: "
        "precompute what rarely changes and batch the small requests that we send one by one today. Only when that is done do I go "
        "parallel, with the keys split so that two workers never touch the same one. After each step I look at the numbers again.",
    ),
    Angle(
        "When would you rather do without {topic} altogether?",
        (
            ("Knows a simpler way", ("plain", "simpler", "boring", "straightforward")),
            (
                "Thinks of the people who keep it running",
                ("maintain", "operational burden", "nobody understands", "on their own"),
            ),
            ("Names a size from which it pays", ("threshold", "small scale", "thousand", "grows beyond")),
        ),
        (("What would you do in its stead?", 1), ("At which point would you change your mind?", 3)),
        "As long as we are at a small scale I leave it out. Something plain, which one person can hold in their head, beats it every day, and "
        "every extra part is one more thing that we must maintain at night. I would write down a threshold now, say a certain number of "
        "orders a minute, and when we come near it we talk about it again. Until then the time is better spent on our customers.",
    ),
    Angle(
        "How would you bring {topic} into the running product without an outage?",
        (
            ("Runs old and new side by side", ("both versions", "shadow", "dual write", "alongside")),
            ("Goes in small steps", ("gradually", "one region", "step by step", "incremental")),
            ("Can return at any time", ("undo", "reversible", "switch back", "kill switch")),
        ),
        (("What do your customers see in the first week?", 2), ("What if it looks bad on the third day?", 3)),
        "I would let both versions do the work for a while and compare what they say, without showing the new one to anybody. When they agree I "
        "move over gradually, first one quiet region, then the next, with a day between. At every step there is a kill switch, so that "
        "anybody on duty can go back without asking me. Only after two calm weeks do I take the old one away.",
    ),
    Angle(
        "What would you keep safe from attackers about {topic} in this case?",
        (
            ("Gives as few rights as possible", ("least privilege", "permission", "role", "allow list")),
            ("Trusts no input", ("validate", "sanitise", "untrusted", "escape")),
            ("Leaves a trail", ("audit", "log every", "record who", "trail")),
        ),
        (("What do you assume about what comes in from outside?", 2), ("How would you find out months later what was done?", 3)),
        "I start from least privilege: every part gets just the rights it needs for its own job and nothing beyond. Whatever comes from outside "
        "is untrusted, so I validate it at the edge and treat it as mere text from then on. And I log every change with a name and a time, "
        "because sooner or later somebody will ask, and then guessing is not good enough. Secrets never stand in the code.",
    ),
    Angle(
        "How would you decide with your team whether {topic} was worth it?",
        (
            ("Agrees on a goal beforehand", ("success criteria", "goal", "agreed", "target")),
            ("Asks the people who use it", ("interview users", "feedback", "survey", "support tickets")),
            ("Is ready to drop it", ("sunk cost", "remove it", "admit", "throw away")),
        ),
        (("What do you do when the numbers look good and nobody likes it?", 2), ("And when it turns out to be a mistake?", 3)),
        "Before we begin we write down success criteria, one line that everybody can read, so that we cannot move them later. After a month I "
        "look at them together with the support tickets, because numbers alone hide the annoyance of a few. If it did not help, I say so "
        "and we remove it, even though we worked hard on it; time already spent is no reason to spend more of it.",
    ),
    Angle(
        "Walk me through a hard bug you could meet with {topic} and how you would find it.",
        (
            ("Makes it happen again at will", ("reproduce", "smallest example", "replay")),
            ("Narrows it down by halves", ("bisect", "divide", "rule out", "hypothesis")),
            ("Keeps it from coming back", ("regression", "guard", "post mortem", "never again")),
        ),
        (("What if it only shows up once a day?", 1), ("What is left to do when it works once more?", 3)),
        "First I try to reproduce it, with the traffic of that minute played against a copy, because what I cannot repeat I cannot trust. Then "
        "I form a hypothesis and rule out half of the system with each experiment, writing down what I saw. When it is clear I add a "
        "regression check that fails without the fix, and tell the others what fooled me, so that we all learn from it.",
    ),
)
