"""Guides of a set are true to its geometry, and what a painter answers is kept with its projector."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from assets.providers.asking.desk import Desk
from assets.providers.base import UNWATCHED, Capabilities
from assets.providers.request import GUIDE_CHANNELS, Result, SetPart
from assets.sets import kept
from assets.sets.kept import keep
from assets.sets.paintings import load_paintings
from assets.sets.projection import Projector, read_pieces
from assets.takes.record import read_sheet
from calibration.cameras import load_poses, look_at, to_camera
from calibration.lens import undistort_points
from calibration.mattes.pulled import Pulled
from pipeline.errors import AssetError, ConfigError, FormatError
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import exr, images
from pipeline.provider_sections import BUILTIN, SetProviders
from pipeline.sections import LightFacts, SetBrief, SetPicks, SetPiece
from pipeline.types import CameraTrack, Ground, Lens, Mattes, Plate
from stages.generate_set import Params, generate_set, keyframes
from stages.lay_out_set import Params as Placing
from stages.lay_out_set import lay_out_set
from stages.set_takes import LaidOut, propose_pieces

LENS = Lens(320, 180, 280.0, 280.0, 161.0, 88.0, -0.1, 0.02, 6e-4, -4e-4)
FRAMES = FrameRange(1001, 1009)
WALL = SetPiece("wall", "wall", base_m=(1.0, 0.0, -40.0), width_m=24.0, height_m=9.0, yaw_deg=20.0)


class LambertPainter:
    """A painter by rule: grey stone in the request's light. Keeps what it was asked."""

    name, licence, model_digest = "lambert", "CC0-1.0", "rule 1"
    capabilities = Capabilities(frozenset(GUIDE_CHANNELS), frozenset({"coverage"}), max_side_px=1024)

    def __init__(self):
        self.asked = []

    def generate(self, requests, watch=UNWATCHED):
        self.asked += requests
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        given = {name: guide[0] for name, guide in request.guides.given().items()}
        facing = np.clip(given["normals"] @ np.array(request.light.sun_direction), 0, None)[..., None]
        straight = 0.3 * (facing * np.array(request.light.sun_rgb) + np.array(request.light.sky_rgb))
        alpha = given["coverage"][..., None]
        picture = np.concatenate([straight * alpha, alpha], axis=-1).astype(np.float32)
        return Result(picture[None, None], request.digest(), self.model_digest, self.licence)


class Stubborn(LambertPainter):
    """Reads no picture to go on from, and each of its paintings is of another colour."""

    capabilities = Capabilities(frozenset(GUIDE_CHANNELS) - {"init", "mask"}, frozenset({"coverage"}), max_side_px=1024)

    def _answer(self, request):
        result = super()._answer(request)
        tint = np.array([1.0, 1.2 ** len(self.asked), 1.0, 1.0], np.float32)
        return replace(result, takes=result.takes * tint)


def sky(rays):
    """What the plate shows along undistorted rays (..., 2)."""
    return np.stack([0.4 + 0.3 * rays[..., 0], 0.4 + 0.3 * rays[..., 1], 0.5 + 0 * rays[..., 0]], axis=-1).astype(
        np.float32
    )


def desk_of(painter, shared):
    return Desk((BUILTIN,), shared, opening=lambda entry: painter, share=False)


@pytest.fixture
def painter(monkeypatch):
    painter = LambertPainter()
    monkeypatch.setattr(
        sys.modules[Params.__module__], "open_desk", lambda entries, shared, **words: desk_of(painter, shared)
    )
    return painter


@pytest.fixture
def world(tmp_path):
    poses = [look_at((0.3 * i, 1.8, -0.5 * i), (0.2 * i, 4.0, -40.0)) for i in range(len(FRAMES))]
    np.save(tmp_path / "poses.npy", np.stack(poses))
    np.save(tmp_path / "heights.npy", np.zeros((2, 2), np.float32))
    file = tmp_path / "none"
    rays = undistort_points(np.stack(np.meshgrid(np.arange(LENS.width), np.arange(LENS.height)), -1) + 0.5, LENS)
    files = FrameFiles(tmp_path, "plate.%04d.exr", FRAMES)
    for path in files:
        exr.write(path, dict(zip("RGB", np.moveaxis(sky(rays), -1, 0), strict=True)))
    mattes = FrameFiles(tmp_path, "matte.%04d.exr", FRAMES)
    for path in mattes:
        nobody = np.zeros((LENS.height, LENS.width), np.float16)
        exr.write(path, {"A": nobody, "Z": np.full(nobody.shape, np.inf, np.float32)})
    return {
        "mattes": Mattes(mattes, "nobody"),
        "plate": Plate(files, LENS.width, LENS.height, 1.0, FrameRate(24), "", "ACEScg"),
        "track": CameraTrack(tmp_path / "poses.npy", file, file, file, file, FRAMES, LENS, 0.1, "truth"),
        "ground": Ground(tmp_path / "heights.npy", -100.0, -100.0, 200.0, file),
        "folder": tmp_path,
    }


def laid(world, *pieces):
    return lay_out_set(
        brief=SetBrief(pieces),
        track=world["track"],
        ground=world["ground"],
        params=Placing(),
        out=world["folder"] / "set",
    )


def painted(world, *pieces, out="paintings", light=LightFacts(), picks=SetPicks(), **settings):  # noqa: B008
    layout = laid(world, *pieces)
    arguments = {
        "providers": SetProviders(),
        "shared": world["folder"] / "_show",
        "track": world["track"],
        "plate": world["plate"],
        "mattes": world["mattes"],
        "layout": layout,
        "brief": SetBrief(pieces),
        "facts": light,
        "picks": picks,
        "out": world["folder"] / out,
    }
    return layout, generate_set(**arguments, params=Params(**settings))


def test_guides_are_what_a_generator_was_promised(world, painter):
    painted(world, WALL)

    [request] = painter.asked
    given = {name: guide[0] for name, guide in request.guides.given().items()}
    solid = given["coverage"] == 1
    assert solid.mean() > 0.2
    assert set(np.unique(given["parts"][solid])) <= {int(part) for part in SetPart}
    np.testing.assert_allclose(np.linalg.norm(given["normals"][solid], axis=-1), 1, atol=1e-4)
    assert given["normals"][solid][:, 2].mean() < -0.5  # faces look back at the camera
    assert np.median(given["depth"][solid]) == pytest.approx(0, abs=0.1)
    for guide in ("depth", "normals", "parts"):
        assert not given[guide][given["coverage"] == 0].any()
    assert request.identity.name == "stone"
    assert request.light.sun_direction[1] < 0


def test_a_camp_is_asked_for_in_cloth_and_a_street_in_plaster(world, painter):
    painted(world, replace(WALL, kind="camp", height_m=3.0), out="camp")
    painted(world, replace(WALL, kind="street", height_m=9.0), out="street")

    camp, street = ({look.part for look in asked.identity.looks} for asked in (painter.asked[0], painter.asked[-1]))
    assert SetPart.CLOTH in camp - street
    assert SetPart.PLASTER in street - camp
    shown = set(np.unique(painter.asked[0].guides.given()["parts"])) - {0}
    assert SetPart.CLOTH in shown
    assert shown <= camp


def test_stones_are_in_the_normals_of_walls_but_not_of_wood(world, painter):
    painted(world, replace(WALL, kind="fortress", width_m=40.0, height_m=16.0))

    given = {name: guide[0] for name, guide in painter.asked[0].guides.given().items()}
    face = given["parts"] == SetPart.WALL
    assert np.unique(given["normals"][face].round(3), axis=0).shape[0] > 2000
    wood = given["parts"] == SetPart.WOOD
    assert 0 < np.unique(given["normals"][wood].round(3), axis=0).shape[0] < 60


def test_depth_of_a_painting_is_the_geometry_seen_by_its_projector(world, painter):
    layout, paintings = painted(world, WALL)
    [entry] = json.loads(paintings.index.read_text())
    [piece] = read_pieces(layout)

    depth = exr.read(paintings.paintings / entry["file"]).channels["Z"]

    projector = Projector.from_entry(entry)
    np.testing.assert_allclose(projector.pose, load_poses(world["track"])[entry["keyframe"] - 1001], atol=1e-9)
    corners = piece.vertices.astype(float)
    camera = to_camera(corners, projector.pose)
    px = (projector.matrix @ np.column_stack([corners, np.ones(len(corners))]).T).T
    px = px[:, :2] / px[:, 2:]
    inside = ((px > 1) & (px < np.array(depth.shape[::-1]) - 1)).all(axis=1)
    x, y = px[inside].astype(int).T
    # No corner of the piece may lie in front of what its projector sees there.
    around = np.stack([depth[np.clip(y + j, 0, None), np.clip(x + i, 0, None)] for j in (-1, 0, 1) for i in (-1, 0, 1)])
    assert (camera[inside, 2] > around.min(axis=0) - 0.1).mean() > 0.99
    assert inside.mean() > 0.9


def test_painting_is_at_least_as_fine_as_the_plate_will_show_it(world, painter):
    _, paintings = painted(world, WALL)
    [entry] = json.loads(paintings.index.read_text())

    nearest = np.array([to_camera(np.array([WALL.base_m]), pose)[0, 2] for pose in load_poses(world["track"])])
    key = nearest[entry["keyframe"] - 1001]
    assert entry["lens"]["focal_x_px"] / key >= LENS.focal_x_px / nearest.min()


def test_limits_of_provider_and_settings_hold_the_size(world, painter):
    painted(world, replace(WALL, width_m=60.0), most_px=200)

    assert max(painter.asked[0].size_px) <= 200


def test_unseen_stone_gets_the_light_that_the_painting_has(world, painter):
    _, paintings = painted(world, WALL, light=LightFacts(sun_azimuth_deg=30.0))

    [painting] = load_paintings(paintings)
    np.testing.assert_allclose(painting.fill.means[SetPart.WALL], 0.3, rtol=0.15)
    np.testing.assert_allclose(painting.fill.albedo, 0.3, rtol=0.25)
    np.testing.assert_allclose(painting.fill.to_sun, LightFacts(sun_azimuth_deg=30.0).to_sun)


def test_a_second_keyframe_is_painted_only_where_it_shows_more(world, painter):
    layout = laid(world, WALL)
    [piece] = read_pieces(layout)
    still = keyframes(piece, world["track"], load_poses(world["track"]), Params(), 1024)
    assert len(still) == 1

    round_it = np.stack(
        [look_at((40 * np.sin(a), 2.0, -40 + 40 * np.cos(a)), WALL.base_m) for a in np.linspace(-2, 2, 9)]
    )
    both = keyframes(piece, world["track"], round_it, Params(), 1024)

    assert len(both) == 2
    assert both[0][0] != both[1][0]


def walked_round(world):
    """A camera that walks from one side of the wall to the other."""
    spots = [(40 * np.sin(a) + 1, 2.0, -40 + 40 * np.cos(a)) for a in np.linspace(-0.6, 1.3, len(FRAMES))]
    np.save(world["track"].poses, np.stack([look_at(spot, (1.0, 3.0, -40.0)) for spot in spots]))


def test_painters_that_fill_in_are_given_the_plate_around_as_it_lies_without_distortion(world, painter):
    painted(world, WALL)

    [request] = painter.asked
    given = {name: guide[0] for name, guide in request.guides.given().items()}
    [entry] = json.loads((world["folder"] / "paintings/index.json").read_text())
    lens = Projector.from_entry(entry).lens
    y, x = np.mgrid[0 : lens.height, 0 : lens.width] + 0.5
    ways = np.stack([(x - lens.centre_x_px) / lens.focal_x_px, (y - lens.centre_y_px) / lens.focal_y_px], axis=-1)
    shown = (given["init"][..., 3] == 1) & (given["coverage"] == 0)
    assert shown.mean() > 0.05
    np.testing.assert_allclose(given["init"][shown][:, :3], sky(ways[shown]), atol=2e-3)
    assert (given["mask"][given["coverage"] > 0] == 1).all()
    assert given["mask"][shown].min() == 0
    assert (given["mask"][given["init"][..., 3] == 0] == 1).all()


def test_people_and_a_screen_are_cut_out_of_what_a_painter_goes_on_from(world, painter):
    """Red people before the wall and beside it, and a keyed screen: none of their light is shown, and there it paints."""
    y, x = np.mgrid[0 : LENS.height, 0 : LENS.width]
    person = ((abs(x - 150) < 6) & (abs(y - 90) < 30)) | ((abs(x - 60) < 5) & (abs(y - 120) < 25))
    screen = (x > 250) & ~person
    for path in world["plate"].files:
        rgb = np.stack([exr.read(path).channels[c] for c in "RGB"], axis=-1)
        rgb[person], rgb[screen] = (30.0, 0.0, 0.0), (0.0, 30.0, 0.0)
        exr.write(path, {c: exr.half(rgb[..., k]) for k, c in enumerate("RGB")})
    none, soft = np.zeros(x.shape, np.float32), person.astype(np.float32)
    pulled = Pulled(soft, np.zeros((*x.shape, 3), np.float32), np.zeros((*x.shape, 3), np.float32), none,
                    screen.astype(np.float32))  # fmt: skip
    for path in world["mattes"].files:
        exr.write(path, {**pulled.channels(), "Z": np.where(person, 5.0, np.inf).astype(np.float32)})

    painted(world, WALL)

    given = {name: guide[0] for name, guide in painter.asked[0].guides.given().items()}
    hole = (given["init"][..., 3] == 0) & (given["coverage"] == 0)
    assert given["init"][..., :3].max() < 1.5
    assert (given["mask"][given["init"][..., 3] == 0] == 1).all()
    assert 0.01 < hole.mean() < 0.6
    shown = (given["init"][..., 3] == 1) & (given["coverage"] == 0)
    assert shown.mean() > 0.05


def test_a_second_keyframe_is_asked_to_go_on_from_the_first(world, painter):
    walked_round(world)
    painted(world, replace(WALL, kind="fortress", width_m=30.0), sharpness=1.0)

    first, second = ({n: g[0] for n, g in asked.guides.given().items()} for asked in painter.asked)
    solid = second["coverage"] == 1
    assert (first["mask"][first["coverage"] > 0] == 1).all()
    kept = solid & (second["mask"] < 0.01)
    assert 0.03 < kept.sum() / solid.sum() < 0.95
    assert second["init"][kept][:, :3].mean() == pytest.approx(0.2, abs=0.15)  # stone, no sky
    assert second["init"][kept][:, 3].min() > 0.9


def test_paintings_of_a_painter_that_cannot_go_on_are_brought_together(world, monkeypatch):
    """One and a fifth times as green each time: carried over and brought to it, no seam is left between them."""
    walked_round(world)
    painter = Stubborn()
    monkeypatch.setattr(sys.modules[Params.__module__], "open_desk", lambda *a, **k: desk_of(painter, world["folder"]))
    _, paintings = painted(world, replace(WALL, kind="fortress", width_m=30.0), sharpness=1.0)

    entries = json.loads(paintings.index.read_text())
    greens = []
    for entry in entries:
        planes = exr.read(paintings.paintings / entry["file"]).channels
        solid = planes["A"] > 0.99
        greens.append(np.median(planes["G"][solid].astype(float) / planes["R"][solid]))

    assert len(entries) == 2
    assert set(painter.asked[0].guides.given()) == {"coverage", "depth", "normals", "parts", "edges"}
    assert greens[1] == pytest.approx(greens[0], rel=0.04)


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


def test_equal_requests_give_equal_bytes(world, painter):
    _, one = painted(world, WALL)
    _, two = painted(world, WALL, out="again")

    assert painter.asked[0].digest() == painter.asked[1].digest()
    assert one.index.read_bytes() == two.index.read_bytes()
    name = json.loads(one.index.read_text())[0]["file"]
    assert (one.paintings / name).read_bytes() == (two.paintings / name).read_bytes()


def test_receipt_names_the_painter_and_the_sheet_can_be_looked_at(world, painter):
    _, paintings = painted(world, WALL)

    assert (paintings.provider, paintings.licence, paintings.model_digest) == ("lambert", "CC0-1.0", "rule 1")
    assert images.read_png(paintings.contact_sheet).std() > 0.05


def test_shot_without_a_set_paints_nothing(world, painter):
    _, paintings = painted(world)

    assert json.loads(paintings.index.read_text()) == []
    assert load_paintings(paintings) == ()
    assert painter.asked == []


def test_unknown_material_and_settings_out_of_range_are_told(world, painter):
    with pytest.raises(AssetError, match="cheese"):
        painted(world, replace(WALL, material="cheese"))
    with pytest.raises(ConfigError, match=r"generate_set\.overscan"):
        Params(overscan=-1)


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
