"""What was painted or picked before is used again: a piece's paintings, kept sets, takes."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from assets.providers.asking.desk import Desk
from assets.sets import kept
from assets.sets.kept import keep
from assets.sets.paintings import load_paintings
from assets.sets.projection import read_pieces
from assets.takes.record import read_sheet
from calibration.cameras import load_poses, look_at
from pipeline.errors import AssetError, ConfigError, FormatError
from pipeline.provider_sections import BUILTIN
from pipeline.sections import LightFacts, SetPicks, SetPiece
from stages.generate_set import Params
from stages.set_takes import LaidOut, propose_pieces
from tests.stages.setpainting import FRAMES, WALL, LambertPainter, at_every_desk, laid, painted, world_of


@pytest.fixture
def painter(monkeypatch):
    return at_every_desk(LambertPainter(), monkeypatch)


@pytest.fixture
def world(tmp_path):
    return world_of(tmp_path)


def test_a_piece_is_not_painted_again_when_another_is_changed(world, monkeypatch):
    """A model of this machine: what it painted of this surface from this keyframe lies on the show's shelf."""
    painter = LambertPainter()
    desks = [Desk((BUILTIN,), world["folder"] / "_show", opening=lambda entry: painter) for _ in range(3)]
    monkeypatch.setattr(sys.modules[Params.__module__], "open_desk", lambda *a, **k: desks.pop())
    gate = replace(WALL, name="gate", base_m=(-14.0, 0.0, -44.0), width_m=6.0)
    painted(world, WALL, gate, out="once", keyframes=1)
    first = [request.digest() for request in painter.asked]
    painted(world, WALL, replace(gate, width_m=7.0), out="wider", keyframes=1)
    painted(world, replace(WALL, material="sandstone"), gate, out="another stone", keyframes=1)

    asked = [request.digest() for request in painter.asked]
    assert len(first) == 2
    assert len(asked) == 4
    assert not {asked[2], asked[3]} & set(first)
    keyframe = json.loads((world["folder"] / "once/index.json").read_text())[0]["file"]
    once, wider = ((world["folder"] / run / "paintings" / keyframe).read_bytes() for run in ("once", "wider"))
    assert once == wider


def test_a_kept_set_stands_in_another_place_with_its_own_paintings(world, painter):
    """Saved, placed elsewhere and turned: the same colours on the same stones, and nobody is asked where it shows enough."""
    layout, paintings = painted(world, WALL)
    [piece] = read_pieces(layout)
    folder = world["folder"] / "sets/wall"
    assert keep(folder, piece, paintings, LightFacts()) == 1
    moved = SetPiece("rampart", asset=folder, base_m=(-3.0, 1.0, -44.0), yaw_deg=50.0)
    turn = np.radians(30)
    spin = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    poses = load_poses(world["track"])
    there = np.stack([p @ np.linalg.inv(np.vstack([np.column_stack([spin, np.array(moved.base_m) - spin @ WALL.base_m]),
                                                   [0, 0, 0, 1]])) for p in poses])  # fmt: skip
    np.save(world["folder"] / "there.npy", there)
    elsewhere = {**world, "track": replace(world["track"], poses=world["folder"] / "there.npy")}
    asked = len(painter.asked)

    again, worn = painted(elsewhere, moved, out="again")

    [rampart], [old], [new] = read_pieces(again), load_paintings(paintings), load_paintings(worn)
    assert len(painter.asked) == asked
    assert worn.provider.startswith("lambert")
    np.testing.assert_allclose(rampart.vertices, (piece.vertices - WALL.base_m) @ spin.T + moved.base_m, atol=2e-3)
    np.testing.assert_allclose(new.thrown.projector.pose, old.thrown.projector.pose @ np.linalg.inv(
        np.vstack([np.column_stack([spin, np.array(moved.base_m) - spin @ WALL.base_m]), [0, 0, 0, 1]])), atol=1e-3)  # fmt: skip
    np.testing.assert_array_equal(new.thrown.image.texels, old.thrown.image.texels)
    np.testing.assert_allclose(new.fill.to_sun, spin @ LightFacts().to_sun, atol=1e-3)
    behind = np.stack([look_at((-60.0, 3.0, -70.0 - i), moved.base_m) for i in range(len(FRAMES))])
    np.save(world["folder"] / "there.npy", behind)
    more = painted(elsewhere, moved, out="behind")[1]
    assert len(painter.asked) > asked
    assert len(json.loads(more.index.read_text())) > 1
    [frame] = [entry["keyframe"] for entry in json.loads(paintings.index.read_text())]
    assert keep(folder, piece, paintings, LightFacts()) == 2
    assert sorted(path.name for path in folder.iterdir()) == ["mesh.v2.npz", "set.json", f"wall.{frame}.v2.exr"]
    (folder / "mesh.v2.npz").write_bytes(b"gone")
    with pytest.raises(FormatError, match=r"wall: is damaged.*Save the set again"):
        painted(elsewhere, moved, out="gone")
    with pytest.raises(AssetError, match=r"nowhere: is no kept set\. Write one"):
        painted(elsewhere, replace(moved, asset=world["folder"] / "nowhere"), out="none")
    with pytest.raises(ConfigError, match="asset wall has its own shape"):
        replace(moved, kind="tower")


def test_a_save_that_dies_half_way_leaves_the_set_that_was_there(world, painter, monkeypatch):
    layout, paintings = painted(world, WALL)
    [piece] = read_pieces(layout)
    folder = world["folder"] / "sets/wall"
    keep(folder, piece, paintings, LightFacts())
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    wider = replace(piece, vertices=piece.vertices * np.float32(2))

    for step in ("copyfile", "write_bytes"):
        with monkeypatch.context() as dying:
            dying.setattr(kept.shutil if step == "copyfile" else kept, step, power_cut)
            with pytest.raises(OSError, match="power cut"):
                keep(folder, wider, paintings, LightFacts())
        assert before.items() <= {path.name: path.read_bytes() for path in folder.iterdir()}.items()
        assert kept.read_kept(folder).about["version"] == 1

    assert keep(folder, wider, paintings, LightFacts()) == 2
    assert len(list(folder.iterdir())) == len(before)
    (folder / "mesh.v2.npz").write_bytes(b"gone")
    assert keep(folder, piece, paintings, LightFacts()) == 3  # as its error says: save it again
    assert kept.read_kept(folder).about["version"] == 3


def power_cut(*_):
    raise OSError("power cut")


def test_a_pick_is_a_seed_of_its_piece_and_of_no_other(world, painter):
    gate = replace(WALL, name="gate", base_m=(-14.0, 0.0, -44.0), width_m=6.0)
    painted(world, WALL, gate, out="plain", keyframes=1)
    painted(world, WALL, gate, out="picked", picks=SetPicks((("wall", "t03"),)), keyframes=1)

    assert [request.seed for request in painter.asked] == [2, 2, 4, 2]


def test_takes_of_a_piece_are_its_best_keyframe_made_small(world, painter):
    layout = laid(world, WALL)
    shot = LaidOut(world["track"], layout, LightFacts())

    [sheet] = propose_pieces(shot, ["wall"], painter, world["folder"] / "takes", 3, Params())

    takes = read_sheet(sheet.parent)
    assert sheet == world["folder"] / "takes/lambert/wall/contact_sheet.png"
    assert [request.seed for request in painter.asked] == [2, 3, 4]
    assert max(painter.asked[0].size_px) <= 512
    assert takes.kind == "piece"
    assert [take.requests for take in takes.takes] == [(request.digest(),) for request in painter.asked]
    with pytest.raises(AssetError, match=r"set piece wall, take = \"t09\": there is no such take.*t01, t02, t03"):
        painted(world, WALL, picks=SetPicks((("wall", "t09"),), world["folder"] / "takes"))
    with pytest.raises(ConfigError, match=r"set piece 'moat' is not in this shot\. Pieces: wall"):
        propose_pieces(shot, ["moat"], painter, world["folder"] / "takes", 3, Params())
