"""The relay's two directions against a clock the test owns: pace, silence, bounds, barge-in (R-042, R-046, vapi-protocol §2.2)."""

from itertools import pairwise

import pytest

from pipeline.downlink import LEAD_SECONDS, MAX_QUEUE
from pipeline.relay import Relay
from pipeline.sound import FRAME_BYTES
from pipeline.ticker import Ticker
from pipeline.uplink import EARLY_SECONDS, MAX_BACKLOG

FRAME = b"\x10\x20" * 320
ZEROS = bytes(FRAME_BYTES)


class Clock:
    """Milliseconds, set by the test; read as seconds."""

    def __init__(self):
        self.ms = 0

    def __call__(self):
        return 1000 + self.ms / 1000


class HandTicker(Ticker):
    """The ticker itself, without its timer: periods are the test's."""

    def add(self, tick):
        """No loop runs."""
        self._ticks[tick] = 0.0

    def period(self):
        """One has passed."""
        self._call()


class Line:
    """A relay between two ends that note when each message came."""

    def __init__(self, connect=True, attach=True):
        self.clock = Clock()
        self.ticker = HandTicker(monotonic=self.clock)
        self.up, self.down, self.played = [], [], []
        self.takes_up = self.takes_down = True
        self.relay = Relay(
            self.ticker,
            on_played=lambda pcm, in_ms: self.played.append((self.ms() + in_ms, pcm)),
            monotonic=self.clock,
        )
        if connect:
            self.relay.connect(self.send_up)
        if attach:
            self.relay.attach(self.send_down)

    def ms(self):
        """Milliseconds since the line was made."""
        return self.clock.ms

    def send_up(self, pcm):
        """The upstream's socket."""
        if self.takes_up:
            self.up.append((self.ms(), pcm))
        return self.takes_up

    def send_down(self, pcm):
        """The candidate's socket."""
        if self.takes_down:
            self.down.append((self.ms(), pcm))
        return self.takes_down

    def wait(self, ms, every=None, do=None, tick=10):
        """Let time pass, with a tick each 10 ms and `do` each `every` ms."""
        for _ in range(ms // tick):
            if do and self.ms() % every == 0:
                do()
            self.ticker.period()
            self.clock.ms += tick

    def stall(self, ms):
        """Time in which the loop did nothing."""
        self.clock.ms += ms

    def speak(self, ms):
        """A microphone on time."""
        self.wait(ms, 20, lambda: self.relay.up(FRAME))

    @property
    def sounds(self):
        """What went up and was no silence."""
        return [pcm for _, pcm in self.up if pcm != ZEROS]


def numbered(n):
    """Twenty milliseconds that can be told from others."""
    return (1000 + n % 250 * 100).to_bytes(2, "little") * 320


# At rest --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("after_ms", range(0, 40, 5))
def test_a_relay_that_rests_is_woken_by_what_has_to_wait(after_ms):
    """R-042: a relay asks to be looked at when it must fill in silence; a message that cannot go out at once goes in the first period in which it may all the same."""
    line = Line()
    line.speak(200)
    line.wait(after_ms, 20, lambda: line.relay.up(FRAME), tick=5)
    began = line.ms()
    line.relay.down(FRAME * 12)
    line.wait(100, tick=5)

    assert [(at - began, len(pcm) // FRAME_BYTES) for at, pcm in line.down] == [(0, 8), (20, 1), (40, 1), (60, 1), (80, 1)]

    line = Line()
    line.speak(200)
    line.wait(after_ms, 20, lambda: line.relay.up(FRAME), tick=5)
    line.up.clear()
    for _ in range(4):
        line.relay.up(FRAME)
    at_once = len(line.up)
    may_ms = round((line.relay._uplink._due - 1000 - EARLY_SECONDS) * 1000)
    line.wait(100, tick=5)

    assert at_once < 4
    sent_ms, sent = line.up[at_once]
    assert sent == FRAME
    assert 0 <= sent_ms - may_ms < 5


@pytest.mark.parametrize("verb", [lambda relay: relay.mute(True), lambda relay: relay.detach()])
@pytest.mark.parametrize("after_ms", range(0, 40, 5))
def test_silence_takes_over_at_once(verb, after_ms):
    """R-042: whenever a microphone that was on time is muted or its page goes, no place upstream stays empty."""
    line = Line()
    line.speak(200)
    line.wait(after_ms, 20, lambda: line.relay.up(FRAME), tick=5)
    verb(line.relay)
    line.wait(200, tick=5)
    times = [at for at, _ in line.up]

    assert {later - earlier for earlier, later in pairwise(times)} == {20}


# Up -------------------------------------------------------------------------------------------------------------------
def test_a_microphone_on_time_goes_up_at_once_and_whole():
    """R-042: every frame in the very call that brought it, none added."""
    line = Line()
    for n in range(500):
        line.relay.up(numbered(n))
        assert line.up[-1] == (line.ms(), numbered(n))
        line.wait(20)

    assert (500, 0) == (len(line.up), line.relay.counters.up_filled)


def test_jitter_below_a_frame_delays_nothing_and_fills_nothing():
    """Messages up to 18 ms early or late pass in the call that brought them."""
    line = Line()
    line.relay.up(numbered(0))
    for n in range(1, 200):
        due = n * 20 + (9 if n % 2 else -9)
        while line.ms() + 10 < due:
            line.wait(10)
        line.clock.ms = due
        line.relay.up(numbered(n))
        assert line.up[-1][1] == numbered(n)

    assert line.relay.counters.up_filled == 0


@pytest.mark.parametrize("size", [2, 256, 642, 1000, 2048, 3200, 6400])
def test_any_message_size_becomes_frames_of_twenty_milliseconds(size):
    """vapi-protocol §2.2: always 640 bytes, the same audio in the same order."""
    line = Line()
    audio = b"".join(numbered(n) for n in range(100))
    at = 0
    while at < len(audio):
        while at < len(audio) and at / 32 <= line.ms():
            line.relay.up(audio[at : at + size])
            at += size
        line.wait(2, tick=2)
    line.wait(300)

    assert {FRAME_BYTES} == {len(pcm) for _, pcm in line.up}
    assert audio == b"".join(line.sounds)


@pytest.mark.parametrize("why", ["nothing comes", "muted", "nobody there"])
def test_silence_goes_up_at_the_wall_clocks_pace_where_nothing_comes(why):
    """R-042: a stream with gaps ends in silence-timed-out; fifty frames a second whatever the candidate does."""
    line = Line()
    line.speak(1000)
    line.up.clear()
    if why == "muted":
        line.relay.mute(True)
    if why == "nobody there":
        line.relay.detach()
    line.wait(10_000, 20, (lambda: line.relay.up(FRAME)) if why != "nothing comes" else None)

    assert abs(len(line.up) - 500) <= 2
    assert {ZEROS} == {pcm for _, pcm in line.up}
    assert max(b - a for (a, _), (b, _) in zip(line.up, line.up[1:], strict=False)) <= 30


def test_the_microphone_is_heard_again_after_a_mute():
    """The first frame after it goes up at once."""
    line = Line()
    line.relay.mute(True)
    line.wait(500)
    line.relay.mute(False)
    line.relay.up(FRAME)

    assert line.up[-1] == (500, FRAME)


def test_no_burst_follows_a_stall():
    """vapi-protocol §2.2: after half a second in which the loop stood still at most three frames go out together, then the pace is kept."""
    line = Line()
    line.speak(1000)
    line.stall(500)
    before = len(line.up)
    for _ in range(25):
        line.relay.up(FRAME)
    assert len(line.up) - before <= 3
    line.speak(2000)
    times = [at for at, _ in line.up[before:]]

    assert all(sum(start <= at < start + 100 for at in times) <= 7 for start in times)
    assert len(times) <= 2000 / 20 + 3


def test_silence_is_not_made_up_for_after_a_stall():
    """The same without a microphone: at most two frames together."""
    line = Line()
    line.wait(1000)
    before = len(line.up)
    line.stall(500)
    line.wait(1000)

    assert len(line.up) - before <= 1000 / 20 + 2


def delay(line):
    """How long a frame of the microphone takes through the relay now, in ms."""
    line.relay.up(numbered(777))
    began = line.ms()
    line.wait(400, 20, lambda: line.relay.up(FRAME))
    return next(at for at, pcm in line.up if pcm == numbered(777)) - began


def after_a_gap():
    """A line on which 200 ms of speech came late, all at once."""
    line = Line()
    line.speak(1000)
    line.wait(200)
    for n in range(10):
        line.relay.up(numbered(n))
    return line


@pytest.mark.parametrize("begins", range(1, 20, 3))
@pytest.mark.parametrize("late", [0, 30, 50])
def test_a_microphone_that_begins_beside_the_silence_is_soon_on_time(begins, late):
    """R-042: whatever its place beside the frames filled in, and however late one message was, jitter has none wait two seconds later; the pace is kept."""
    line = Line()
    line.wait(1000)
    began = len(line.up)
    waited = 0
    for n in range(500):
        due = 1000 + begins + n * 20 + (9 if n % 2 else 0) + (late if n == 5 else 0)
        while line.ms() < due:
            line.wait(1, tick=1) if line.ms() % 10 == 0 else line.stall(1)
        line.relay.up(numbered(n))
        waited += n > 100 and line.up[-1] != (line.ms(), numbered(n))

    assert waited == 0
    assert len(line.up) - began <= 500 + 6, (
        "the frames, silence for what was late, and less than two frames by which the places came forward"
    )
    # Two frames of silence stand where a message was 50 ms late: one of the speech behind them may go.
    assert line.relay.counters.up_dropped_bytes <= (late == 50) * FRAME_BYTES


@pytest.mark.parametrize("size", [0, 2, 64, 256, 640])
@pytest.mark.parametrize("speed", [1.05, 1.5])
def test_nobody_speaks_faster_than_time(size, speed):
    """R-042: a microphone that is fast for good goes up at the wall clock's pace, whatever the size of its messages, and empty ones bring nothing forward."""
    line = Line()
    line.speak(1000)
    began, brought = len(line.up), 0
    for ms in range(0, 10_000, 10):
        while brought < ms * 32 * speed:
            line.relay.up(bytes(size or FRAME_BYTES))
            brought += size or FRAME_BYTES
        for _ in range(20 if size == 0 else 0):
            line.relay.up(b"")
        line.wait(10)

    assert len(line.up) - began <= 500 + 4


def test_a_gaps_delay_goes_away_in_the_next_pause():
    """Late speech is all sent, and what its lateness cost is made good by skipping a pause, not a word."""
    line = after_a_gap()
    line.wait(400, 20, lambda: line.relay.up(ZEROS))

    assert [numbered(n) for n in range(10)] == line.sounds[-10:]
    assert delay(line) <= 40


def test_a_gaps_delay_goes_away_without_a_pause_too():
    """Somebody who speaks on and on loses single frames, never two of a quarter of a second, and is on time again after three seconds."""
    line = after_a_gap()
    before = line.relay.counters.up_dropped_bytes
    line.up.clear()
    line.wait(3000, 20, lambda: line.relay.up(FRAME))
    skipped = (line.relay.counters.up_dropped_bytes - before) // FRAME_BYTES

    assert 5 <= skipped <= 10
    assert delay(line) <= 40


def test_the_backlog_is_bounded():
    """A flood keeps the newest 300 ms and counts the rest as dropped."""
    line = Line()
    for n in range(200):
        line.relay.up(numbered(n))
    line.wait(1000)
    sent = len(line.sounds)

    assert sent <= MAX_BACKLOG // FRAME_BYTES + 3
    assert line.sounds[-1] == numbered(199)
    assert line.relay.counters.up_dropped_bytes == (200 - sent) * FRAME_BYTES


def test_a_stuck_upstream_gathers_nothing():
    """Audio it does not take is dropped and counted; a new connection starts with what is said then."""
    line = Line()
    line.takes_up = False
    line.speak(1000)
    assert (0, 50 * FRAME_BYTES) == (line.relay.counters.up_frames, line.relay.counters.up_dropped_bytes)
    line.takes_up = True
    line.relay.connect(line.send_up)
    line.speak(1000)

    assert (50, 50 * FRAME_BYTES) == (line.relay.counters.up_frames, line.relay.counters.up_dropped_bytes)


# Down -----------------------------------------------------------------------------------------------------------------
def test_paced_audio_goes_down_at_once():
    """R-046: nothing is held back that is not ahead of its playing."""
    line = Line()
    for n in range(200):
        line.relay.down(numbered(n))
        assert line.down[-1] == (line.ms(), numbered(n))
        line.wait(20)


def test_a_burst_is_played_at_its_own_pace():
    """R-046: a whole sentence at once goes down no more than the lead ahead of its playing, complete and in order."""
    line = Line()
    audio = b"".join(numbered(n) for n in range(250))
    for start in range(0, len(audio), 50_000):
        line.relay.down(audio[start : start + 50_000])
    assert line.relay.queued_ms >= 5000 - LEAD_SECONDS * 1000
    line.wait(6000)
    played = 0
    for at, pcm in line.down:
        played += len(pcm) / 32
        assert played <= at + LEAD_SECONDS * 1000 + 1
        assert played >= min(5000, at)

    assert audio == b"".join(pcm for _, pcm in line.down)
    assert audio == b"".join(pcm for _, pcm in line.played)
    assert [at for at, _ in line.played][-1] == pytest.approx(5000, abs=160)
    assert not line.relay.playing


def test_no_burst_goes_down_after_a_stall():
    """What stood still goes on where it was, with the lead and no more."""
    line = Line()
    line.relay.down(FRAME * 250)
    line.wait(1000)
    line.stall(500)
    before = len(line.down)
    line.wait(10)

    assert sum(len(pcm) for _, pcm in line.down[before:]) / 32 <= LEAD_SECONDS * 1000


@pytest.mark.parametrize("size", [1, 3, 639, 641, 1277])
def test_a_sample_split_between_two_messages_is_whole_again(size):
    """Odd lengths: the candidate gets whole samples, the same audio."""
    line = Line()
    audio = b"".join(numbered(n) for n in range(5))
    for start in range(0, len(audio), size):
        line.relay.down(audio[start : start + size])
    line.wait(300)

    assert audio == b"".join(pcm for _, pcm in line.down)
    assert all(len(pcm) % 2 == 0 for _, pcm in line.down)


def test_half_a_sample_of_a_lost_upstream_is_forgotten():
    """A rejoin begins with a whole sample."""
    line = Line()
    line.relay.down(FRAME + b"\x01")
    line.relay.connect(line.send_up)
    line.relay.down(FRAME)

    assert FRAME * 2 == b"".join(pcm for _, pcm in line.down)


def test_a_barge_in_drops_what_is_queued_and_says_how_much():
    """R-046: silence at once; what comes afterwards is heard at once."""
    line = Line()
    line.relay.down(FRAME * 100)
    line.wait(500)
    unheard = line.relay.unheard_ms
    sent = sum(len(pcm) for _, pcm in line.down) // 32
    dropped = line.relay.flush()

    assert dropped == 2000 - sent
    assert 100 <= unheard <= LEAD_SECONDS * 1000
    assert (0, 0, False) == (line.relay.queued_ms, line.relay.unheard_ms, line.relay.playing)
    line.wait(200)
    assert sum(len(pcm) for _, pcm in line.down) // 32 == sent
    line.relay.down(numbered(9))
    assert line.down[-1] == (line.ms(), numbered(9))


def test_the_queue_is_bounded():
    """Thirty seconds are kept, the rest is counted."""
    line = Line()
    for _ in range(60):
        line.relay.down(FRAME * 50)

    assert line.relay.queued_ms <= 30_000
    assert line.relay.counters.down_dropped_bytes >= 60 * 50 * FRAME_BYTES - MAX_QUEUE - 6400


def test_silence_between_sentences_is_not_sent_and_keeps_its_time():
    """A pause of three seconds inside a burst: after the first second nothing is sent, and the next word is heard where it belongs."""
    line = Line()
    for n in range(50):
        line.relay.down(numbered(n))
    for _ in range(150):
        line.relay.down(ZEROS)
    line.relay.down(numbered(99) * 10)
    line.wait(6000)
    sent = sum(len(pcm) for _, pcm in line.down) // 32
    last = next(at for at, pcm in line.played if pcm.startswith(numbered(99)))

    assert sent == 1000 + 1000 + 200
    assert last == 4000


def test_silence_of_an_idle_upstream_is_not_sent():
    """The page's bandwidth: a minute of digital silence costs nothing, and the first word after it goes at once."""
    line = Line()
    line.wait(60_000, 20, lambda: line.relay.down(ZEROS))
    assert not line.down
    assert not line.relay.playing
    line.relay.down(FRAME)

    assert line.down == [(60_000, FRAME)]
    assert line.relay.counters.last_down_at == line.relay.counters.last_sound_at == 1060.0


def test_a_candidate_who_comes_back_hears_what_is_said_now():
    """While nobody is there audio is dropped, not kept; the recording gets none of it (M5)."""
    line = Line()
    line.relay.down(FRAME * 50)
    line.relay.detach()
    line.down.clear()
    line.played.clear()
    line.wait(2000, 20, lambda: line.relay.down(FRAME))
    assert not line.down
    line.relay.attach(line.send_down)
    line.relay.down(numbered(3))

    assert line.down == [(2000, numbered(3))]
    assert not line.played


def test_audio_a_slow_candidate_misses_is_neither_kept_nor_recorded():
    """The pace goes on: when the page reads again it hears what is said then."""
    line = Line()
    line.takes_down = False
    line.wait(1000, 20, lambda: line.relay.down(FRAME))
    line.takes_down = True
    line.relay.down(numbered(5))
    line.wait(200)

    assert [pcm for _, pcm in line.down] == [numbered(5)]
    assert [pcm for _, pcm in line.played] == [numbered(5)]


def test_a_closed_relay_is_silent():
    """No tick is left behind."""
    line = Line()
    line.relay.close()
    line.relay.close()
    line.wait(100)

    assert len(line.ticker) == 0
    assert not line.up
