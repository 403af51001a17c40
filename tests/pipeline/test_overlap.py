"""Reading ahead and writing behind change when things happen, never what comes out."""

from __future__ import annotations

import threading

import pytest

from pipeline.errors import PlateError, StoreError
from pipeline.overlap import overlapped

FRAMES = range(1001, 1009)


class Kitchen:
    """Steps that note what they did, and in which thread; `broken` names steps that fail: ("write", 1003)."""

    def __init__(self, *broken: tuple[str, int]) -> None:
        self.broken = broken
        self.done: list[tuple[str, int]] = []
        self.told: list[int] = []
        self.threads: dict[str, set[int]] = {"read": set(), "make": set(), "write": set()}
        self.open = self.most_open = 0
        self.lock = threading.Lock()

    def note(self, step: str, frame: int) -> None:
        if (step, frame) in self.broken:
            raise (StoreError if step == "write" else PlateError)(f"{step} {frame}")
        with self.lock:
            self.done.append((step, frame))
            self.threads[step].add(threading.get_ident())
            self.open += {"read": 1, "make": 0, "write": -1}[step]
            self.most_open = max(self.most_open, self.open)

    def read(self, frame: int) -> int:
        self.note("read", frame)
        return frame

    def make(self, frame: int, given: int) -> int:
        self.note("make", frame)
        return given * 10

    def write(self, frame: int, made: int) -> None:
        assert made == frame * 10
        self.note("write", frame)

    def run(self) -> list[int]:
        for frame in overlapped(FRAMES, self.read, self.make, self.write):
            assert ("write", frame) in self.done, "a frame is told before it is written"
            self.told.append(frame)
        return self.told


def test_every_frame_is_read_made_and_written_in_order() -> None:
    kitchen = Kitchen()

    assert kitchen.run() == list(FRAMES)
    for step in ("read", "make", "write"):
        assert [f for s, f in kitchen.done if s == step] == list(FRAMES)
    assert kitchen.threads["make"] == {threading.get_ident()}
    assert not kitchen.threads["make"] & (kitchen.threads["read"] | kitchen.threads["write"])


def test_at_most_three_frames_are_in_memory() -> None:
    kitchen = Kitchen()

    kitchen.run()

    assert kitchen.most_open <= 3


def test_the_next_frame_is_read_and_the_last_one_written_while_one_is_made() -> None:
    """Each step waits for the other two to have begun: one after the other it would never end."""
    read, written = threading.Event(), threading.Event()

    def reads(frame: int) -> int:
        if frame == 1003:
            read.set()
        return frame

    def makes(frame: int, given: int) -> int:
        if frame == 1002:
            assert read.wait(20)
            assert written.wait(20)
        return given

    def writes(frame: int, made: int) -> None:
        if frame == 1001:
            written.set()

    assert list(overlapped(FRAMES, reads, makes, writes)) == list(FRAMES)


@pytest.mark.parametrize("step", ["read", "make", "write"])
def test_an_error_comes_after_all_frames_before_it(step: str) -> None:
    kitchen = Kitchen((step, 1004))

    with pytest.raises((PlateError, StoreError), match=f"{step} 1004"):
        kitchen.run()

    assert kitchen.told == [1001, 1002, 1003]
    assert [f for s, f in kitchen.done if s == "write"] == [1001, 1002, 1003]


def test_of_two_errors_the_earlier_frames_is_told() -> None:
    kitchen = Kitchen(("write", 1003), ("make", 1004))

    with pytest.raises(StoreError, match="write 1003"):
        kitchen.run()


def test_no_frames_are_no_work() -> None:
    assert list(overlapped([], pytest.fail, pytest.fail, pytest.fail)) == []
