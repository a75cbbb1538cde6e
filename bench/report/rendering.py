"""Pictures drawn side by side: each process makes one figure at a time, and forgets it."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from bench.orphans import end_with_parent
from bench.report.blocks import Picture
from bench.report.style import theme
from bench.report.vector import draw

FEW = 8
"""Pictures that another process is not worth starting for."""

Drawing = tuple[str, bytes]
"""A figure as SVG and as PNG."""


def rendered(pictures: Sequence[Picture]) -> Iterator[tuple[Picture, Drawing]]:
    """Every picture in order with its drawing, by as many processes as there are cores."""
    done = 0
    workers = min(_cores(), len(pictures) // FEW)
    if workers > 1:
        # forked: what figures are made of is there already, and a script that has no guard is not run again
        context = multiprocessing.get_context("fork")
        pool = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(pictures, os.getpid()))
        try:
            for drawing in pool.map(_draw, range(len(pictures))):
                yield pictures[done], drawing
                done += 1
        except BrokenProcessPool:  # one was killed, for want of memory perhaps: what is left is drawn here
            pass
        finally:
            pool.shutdown(cancel_futures=True)
    for picture in pictures[done:]:
        yield picture, _drawing(picture)


def _cores() -> int:
    """Cores that this process may use; 1 where processes cannot be forked safely."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1


_shown: Sequence[Picture] = ()
"""In a worker, what is to be drawn."""


def _begin(pictures: Sequence[Picture], parent: int) -> None:
    global _shown
    _shown = pictures
    end_with_parent(parent)  # each holds both ends of the pipe to it, and would wait there for ever
    gc.freeze()  # what was there before is not looked through for garbage
    gc.disable()  # a figure is a hundred thousand objects that live as long as it does: looked through when it is done
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group: the parent answers it


def _draw(index: int) -> Drawing:
    try:
        return _drawing(_shown[index])
    finally:
        gc.collect()


def _drawing(picture: Picture) -> Drawing:
    with theme():
        return draw(picture.draw())
