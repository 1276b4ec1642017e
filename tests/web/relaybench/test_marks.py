"""The benchmark's own arithmetic: what it says of loss, order and latency is true, however a relay cuts the stream."""

import random
import time

import pytest

from web.relaybench.marks import FRAME_BYTES, Receiver, Sender, Tally, noise


def frames(count, counting=True):
    """Stamped frames of one stream."""
    sender = Sender(noise(), 3)
    return sender, [sender.next(counting=counting) for _ in range(count)]


@pytest.mark.parametrize("piece", [1, 15, 16, 17, 640, 641, 1280, 5000])
def test_every_frame_is_found_however_it_is_cut(piece):
    """Markers that are split between two messages count as well, and each once."""
    sender, sent = frames(200)
    tally = Tally()
    receiver, stream = Receiver(tally), b"".join(sent)
    for at in range(0, len(stream), piece):
        receiver.feed(stream[at : at + piece])

    assert {FRAME_BYTES} == set(map(len, sent))
    assert (200, 200, 0) == (sender.counted, tally.got, tally.disorder)


def test_lost_and_disordered_frames_are_seen():
    """Of a hundred frames three are lost, one comes late and one twice."""
    _, sent = frames(100)
    sent[50:50] = [sent[20]]
    del sent[10:13]
    sent[60], sent[61] = sent[61], sent[60]
    tally = Tally()
    receiver = Receiver(tally)
    for frame in sent:
        receiver.feed(frame)

    assert (96, 2) == (tally.got, tally.disorder)


def test_only_frames_sent_while_it_counts_are_counted():
    """Beginning and end of a run are not part of it."""
    sender = Sender(noise(), 0)
    tally = Tally()
    receiver = Receiver(tally)
    for n in range(30):
        receiver.feed(sender.next(counting=10 <= n < 20))

    assert (10, 10, 0) == (sender.counted, tally.got, tally.disorder)


def test_latency_is_the_time_since_sending():
    """In milliseconds, the slowest in the 99th percentile."""
    tally = Tally()
    receiver = Receiver(tally)
    _, quick = frames(10)
    for frame in quick:
        receiver.feed(frame)
    sender = Sender(noise(), 0)
    for _ in range(10):
        sender.next(counting=False)
    slow = sender.next(counting=True)
    time.sleep(0.05)
    receiver.feed(slow)
    found = tally.summary()

    assert 0 <= found["p50"] < 20
    assert 50 <= found["p99"] < 500


def test_noise_is_not_taken_for_a_marker():
    """A minute of random audio holds none."""
    tally = Tally()
    Receiver(tally).feed(random.Random(5).randbytes(60 * 32_000))

    assert (0, 0) == (tally.got, tally.disorder)
