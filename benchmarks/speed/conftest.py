"""The race: two programs in turns, so that a busy machine slows both alike."""

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
import pytest


@dataclass
class Lap:
    """One run: what it returned, how long it took, how much memory it took beyond what was there."""

    result: Any
    seconds: float
    mebibytes: float


def lap(run: Callable[[], Any]) -> Lap:
    """Run once, watching the resident memory of this process twenty times a second."""
    process, done = psutil.Process(), threading.Event()
    before = peak = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.05):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    try:
        result = run()
    finally:
        seconds = time.perf_counter() - started
        done.set()
        watcher.join()
    return Lap(result, seconds, (peak - before) / 2**20)


@pytest.fixture
def race(benchmark):
    """Return a function that runs ours and the peer's in turns and notes the ratios; it returns both results."""

    def run(ours: Callable[[], Any], peer: Callable[[], Any], *, against: str, target: float, rounds: int = 5):
        ours(), peer()  # warm both
        laps = [(lap(ours), lap(peer)) for _ in range(rounds)]
        ratios = sorted(theirs.seconds / mine.seconds for mine, theirs in laps)
        benchmark.extra_info.update(
            against=against,
            target=target,
            ratio=statistics.median(ratios),
            lowest=ratios[0],
            highest=ratios[-1],
            rounds=rounds,
            ours_seconds=statistics.median(mine.seconds for mine, _ in laps),
            peer_seconds=statistics.median(theirs.seconds for _, theirs in laps),
            ours_mebibytes=max(mine.mebibytes for mine, _ in laps),
            peer_mebibytes=max(theirs.mebibytes for _, theirs in laps),
        )
        benchmark.pedantic(ours, rounds=1)
        return laps[-1][0].result, laps[-1][1].result

    return run
