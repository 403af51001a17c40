"""What models of this machine painted is there for the next shot, to the byte; damaged or gone, it is painted again."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

from assets.providers.asking.desk import open_desk
from assets.providers.asking.shelf import clear, folder_of, size_of
from assets.providers.base import UNWATCHED, Capabilities, Watch
from assets.providers.request import Identity, Result
from pipeline.provider_sections import BUILTIN, BuiltinModel, Conduct, ProviderEntry
from tests.assets.providers.contract_service import QuickClock, ask

ABLE = Capabilities(guides=frozenset({"coverage", "depth"}), needed=frozenset({"depth"}))


class Painter:
    """Paints figures that no half float holds exactly. asked: seeds of what it painted."""

    name, licence, capabilities = "builtin", "CC0-1.0", ABLE

    def __init__(self, model_digest="5" * 64, bright=1.0):
        self.model_digest, self.bright, self.asked = model_digest, bright, []

    def generate(self, requests, watch=UNWATCHED):
        self.asked += [request.seed for request in requests]
        return [Result(self.paint(r), r.digest(), self.model_digest, self.licence) for r in requests]

    def paint(self, request):
        width, height = request.size_px
        takes = np.zeros((request.count, request.frames, height, width, 4), np.float32)
        drawn = np.random.default_rng(request.seed).random((*takes.shape[:2], 20, 9, 4), np.float32)
        takes[:, :, 30:50, 7:16] = drawn * np.float32([self.bright, self.bright, self.bright, 1])
        return takes


def desk_of(folder, painter, entry=BUILTIN, **settings):
    return open_desk((entry,), folder, opening=lambda _: painter, clock=QuickClock(), **settings)


def request_of(seed=1, **changes):
    return ask(ABLE, (48, 64), seed=seed, identity=Identity("walker", ()), **changes)


def painted(folder, painter, *seeds, watch=UNWATCHED, **settings):
    return desk_of(folder, painter, **settings).generate([request_of(seed) for seed in seeds], watch)


def same(one, other):
    """Whether answers are the same, to the byte."""
    told = [
        [(r.takes.tobytes(), r.request_digest, r.model_digest, r.licence, r.metadata) for r in results]
        for results in (one, other)
    ]
    return told[0] == told[1]


def files_in(folder):
    return sorted(folder_of(folder, "builtin").glob("*/*.npz"))


def test_what_was_painted_is_not_painted_again_and_the_bytes_are_those_of_painting(tmp_path):
    first, second, alone = Painter(), Painter(), Painter()

    before = painted(tmp_path, first, 1, 2)
    after = painted(tmp_path, second, 2, 3, 1)
    without = painted(tmp_path, alone, 2, 3, 1, share=False)

    assert (first.asked, second.asked, alone.asked) == ([1, 2], [3], [2, 3, 1])
    assert same(after, [before[1], after[1], before[0]])
    assert same(after, without)


def test_what_half_floats_cannot_hold_is_kept_whole(tmp_path):
    glaring = Painter(bright=1e6)

    before, after = painted(tmp_path, glaring, 1), painted(tmp_path, Painter(), 1)

    assert before[0].takes.max() > 65504
    assert same(before, after)


def test_another_model_or_name_paints_its_own(tmp_path):
    other, dressed = Painter("6" * 64), Painter()
    painted(tmp_path, Painter(), 1)

    painted(tmp_path, other, 1)
    painted(tmp_path, dressed, 1, entry=ProviderEntry("dressed", BuiltinModel()))

    assert (other.asked, dressed.asked) == ([1], [1])


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "moved"])
def test_a_damaged_picture_is_painted_again_and_said(tmp_path, damage):
    before = painted(tmp_path, Painter(), 1, 2)
    victim, other = files_in(tmp_path)
    whole = victim.read_bytes()
    if damage == "moved":
        victim.write_bytes(other.read_bytes())
    else:
        middle = len(whole) // 2
        flipped = whole[:middle] + bytes([whole[middle] ^ 0x10]) + whole[middle + 1 :]
        victim.write_bytes({"flipped": flipped, "cut": whole[:middle], "empty": b""}[damage])
    painter, notes = Painter(), []

    after = painted(tmp_path, painter, 1, 2, watch=Watch(progress=lambda done, total, note: notes.append(note)))

    assert len(painter.asked) == 1
    assert same(before, after)
    assert [note for note in notes if str(victim) in note and "painted again" in note]
    assert victim.read_bytes() == whole


def test_a_folder_that_cannot_be_written_to_stops_nobody(tmp_path):
    (tmp_path / "painted").write_text("a file where the folder should be")
    notes = []

    [result] = painted(tmp_path, Painter(), 1, watch=Watch(progress=lambda done, total, note: notes.append(note)))

    assert result.takes.any()
    assert any(note.startswith("not kept for other shots") for note in notes)


def test_what_was_not_asked_for_longest_makes_room(tmp_path):
    painted(tmp_path, Painter(), 1, 2, 3, 4)
    files, size = files_in(tmp_path), size_of(folder_of(tmp_path, "builtin"))
    for age, file in enumerate(files):
        os.utime(file, ns=(10**9 * age, 10**9 * age))
    kept = Conduct(share_gb=size / 2**30)  # no room for a fifth

    painted(tmp_path, Painter(), 5, entry=replace(BUILTIN, conduct=kept))

    left = files_in(tmp_path)
    assert files[0] not in left
    assert files[1] not in left
    assert files[3] in left
    assert size_of(folder_of(tmp_path, "builtin")) <= 0.75 * size


def test_where_nothing_may_be_kept_nothing_is(tmp_path):
    painter = Painter()
    entry = replace(BUILTIN, conduct=Conduct(share_gb=0))

    for _ in range(2):
        painted(tmp_path, painter, 1, entry=entry)

    assert painter.asked == [1, 1]
    assert not files_in(tmp_path)


def test_clearing_says_what_it_removed(tmp_path):
    painted(tmp_path, Painter(), 1, 2)
    folder = folder_of(tmp_path, "builtin")
    size = size_of(folder)

    assert clear(folder) == (2, size)
    assert clear(folder) == (0, 0)
