"""Hero areas against the truth: each pixel of an area's people comes from its clip, nobody else's changes, depth holds out."""

import json
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module

import numpy as np
import pytest
from scipy import ndimage

from assets.near.areas import load_members, read_frame
from assets.providers.asking.desk import open_desk
from assets.providers.base import UNWATCHED, Capabilities
from assets.providers.opening import open_provider
from assets.providers.request import Result
from calibration.cameras import load_poses
from calibration.lens import project, undistort_points
from pipeline import codec
from pipeline.errors import ConfigError, StoreError
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import exr
from pipeline.provider_sections import CrowdProviders, ProviderEntry
from pipeline.sections import LightFacts
from pipeline.types import Plate
from stages.generate_hero import Params, generate_hero
from stages.generate_near import Params as NearParams
from stages.generate_near import generate_near
from stages.hero_areas import HeroArea
from tests.assets.providers.diffusion import tinymodels
from tests.stages.dolly import FRAMES, LENS, atlas_of, figure, ground_of, layout_of, track_of

SOME = FrameRange(1003, 1004)
MODULE = import_module("stages.generate_hero")
LEFT, BEHIND, BEFORE, RIGHT = 100_001, 100_002, 100_003, 100_004
PLACES = [[-1.1, 0.0, -6.5], [-0.5, 0.0, -7.0], [0.1, 0.0, -5.6], [1.7, 0.0, -6.0]]
RANK = HeroArea("rank", people=(LEFT, BEHIND), leave_out=(BEFORE, RIGHT))
ABLE = Capabilities(
    guides=frozenset({"coverage", "depth", "normals", "parts", "pose", "init", "mask"}), needed=frozenset(), video=True,
    most_frames=3, multiple_px=16,
)  # fmt: skip


@dataclass(eq=False)
class Film:
    """A provider of video that paints where on its picture a pixel lies."""

    capabilities: Capabilities = ABLE
    asked: list = field(default_factory=list)
    name = "film"
    licence = "CC0"
    model_digest = "f" * 64

    def generate(self, requests, watch=UNWATCHED):
        for request in requests:
            self.capabilities.check(self.name, request)
        self.asked += requests
        return [Result(pictured(request)[None], request.digest(), self.model_digest, "CC0") for request in requests]


def pictured(request):
    frames, height, width = request.guides.shape
    alpha = request.guides.coverage
    ramps = np.stack(np.meshgrid(np.arange(width) / width, np.arange(height) / height), axis=-1)
    rgb = np.broadcast_to(np.dstack([ramps, np.full((height, width), 0.25)]), (frames, height, width, 3))
    return np.concatenate([rgb * alpha[..., None], alpha[..., None]], axis=-1).astype(np.float32)


def ramp_plate(folder):
    """Red tells the column, green the row."""
    files = FrameFiles(folder, "plate.%04d.exr", FRAMES)
    ramps = np.meshgrid((np.arange(LENS.width) + 0.5) / LENS.width, (np.arange(LENS.height) + 0.5) / LENS.height)
    for frame in FRAMES:
        exr.write_rgb(files.path(frame), np.dstack([*ramps, np.full_like(ramps[0], 0.5)]).astype(np.float32))
    return Plate(files, LENS.width, LENS.height, 1.0, FrameRate(24), "01:00:00:00", "ACEScg", {})


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("shot")
    return {
        "providers": CrowdProviders(),
        "shared": tmp_path / "_show",
        "plate": ramp_plate(tmp_path / "plate"),
        "track": track_of(tmp_path),
        "layout": layout_of(tmp_path / "crowd", PLACES),
        "atlas": atlas_of(tmp_path / "atlas", figure()),
        "ground": ground_of(tmp_path),
        "light": LightFacts(),
    }


def areas_of(shot, out, *areas, film=None, **settings):
    """Areas painted by `film`, or whoever the show names."""
    out.mkdir()
    opening = open_provider if film is None else lambda entry: film
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULE, "open_desk", partial(open_desk, opening=opening, share=film is None))
        return generate_hero(**shot, params=Params(areas=areas, **settings), out=out)


def near_of(shot, out, heroes):
    """Everyone on the last two frames; planes by frame."""
    out.mkdir()
    rest = {name: made for name, made in shot.items() if name != "plate"}
    made = generate_near(**rest, heroes=heroes, params=NearParams(near_px=20, tallest_px=128), frames=SOME, out=out)
    return {frame: exr.read(made.files.path(frame)).channels for frame in SOME}, made


@pytest.fixture(scope="module")
def painted(shot, tmp_path_factory):
    film = Film()
    return areas_of(shot, tmp_path_factory.mktemp("area") / "out", RANK, film=film), film


@pytest.fixture(scope="module")
def layers(shot, painted, tmp_path_factory):
    """The near layer with the area, without any, and its receipt."""
    folder = tmp_path_factory.mktemp("layers")
    plain, _ = near_of(shot, folder / "plain", areas_of(shot, folder / "nobody"))
    return (*near_of(shot, folder / "area", painted[0]), plain)


def clip_pixels(heroes, frame, rows, columns):
    """Where pixels of the plate lie in the area's picture, from the solved lens and the receipt alone."""
    [entry] = json.loads(heroes.areas.read_text())
    [run] = entry["runs"]
    flat = undistort_points(np.stack([columns + 0.5, rows + 0.5], axis=1), LENS)
    at = np.concatenate([flat, np.ones((len(flat), 1))], axis=1) @ np.array(run["matrices"][frame - run["first"]]).T
    return at[:, :2] / at[:, 2:], (entry["width_px"], entry["height_px"])


def amid_one_part(painted, frame, at):
    """Which places (N, 2) of an area's picture have one part of a body all around, as its painter was told."""
    heroes, film = painted
    [entry] = json.loads(heroes.areas.read_text())
    parts = film.asked[-1].guides.parts[frame - entry["runs"][0]["last"] - 1]  # the last window ends with the run
    one = ndimage.maximum_filter(parts, 3) == ndimage.minimum_filter(parts, 3)
    column, row = np.floor(at).astype(int).T
    return one[row, column]


def inner(planes, number):
    """Pixels that somebody alone fills, and not at his edge: there the meshes of guides and layer, which differ by a third of
    a pixel, tell different people."""
    return ndimage.binary_erosion((planes["id"] == number) & (planes["cover"] == 1))


def test_every_pixel_of_an_areas_people_comes_from_its_clip(painted, layers):
    with_area, _, _ = layers
    for frame in SOME:
        planes = with_area[frame]
        for number in (LEFT, BEHIND):
            rows, columns = np.nonzero(inner(planes, number))
            at, size = clip_pixels(painted[0], frame, rows, columns)
            wanted = (at - 0.5) / size

            found = np.stack([planes["R"], planes["G"], planes["B"]], axis=-1)[rows, columns].astype(float)

            assert len(rows) > 100
            away, alone = np.abs(found[:, :2] - wanted), amid_one_part(painted, frame, at)
            assert alone.sum() > 30
            assert np.quantile(away[alone].max(axis=1), 0.98) < 0.004
            assert np.quantile((away * size).max(axis=1), 0.98) < 0.6  # beside another part: a pixel that shows his own
            assert np.quantile(np.abs(found[:, 2] - 0.25), 0.95) < 0.01


def test_nobody_else_changes_and_depth_holds_out(layers):
    """Outlines, depth and ids are those of the bodies, so who stands before an area's man still does."""
    with_area, _, plain = layers
    for frame in SOME:
        one, other = with_area[frame], plain[frame]
        for name in ("A", "Z", "id", "owner", "motion.x", "motion.y"):
            assert np.array_equal(one[name], other[name], equal_nan=True), name
        for number in (BEFORE, RIGHT):
            theirs = inner(one, number)
            assert theirs.sum() > 400
            for name in "RGB":
                assert np.array_equal(one[name][theirs], other[name][theirs])


def test_the_guides_show_each_man_where_the_plate_has_him(painted, layers):
    with_area, _, _ = layers
    for frame in SOME:
        whose = read_frame(painted[0].paintings, "rank", frame)[1]
        for number in (LEFT, BEHIND):
            rows, columns = np.nonzero(inner(with_area[frame], number))
            x, y = np.floor(clip_pixels(painted[0], frame, rows, columns)[0]).astype(int).T
            assert (whose.ids[y, x] == number).mean() > 0.98


def test_relief_is_metres_before_the_plane_that_the_camera_looks_at(painted, layers, shot):
    """The guides' relief against the layer's depth, turned by hand into the area's camera."""
    heroes, film = painted
    planes, frame = layers[0][1003], 1003
    rows, columns = np.nonzero(inner(planes, LEFT))
    x, y = np.floor(clip_pixels(heroes, frame, rows, columns)[0]).astype(int).T
    flat = undistort_points(np.stack([columns + 0.5, rows + 0.5], axis=1), LENS)
    points = np.concatenate([flat, np.ones((len(flat), 1))], axis=1) * planes["Z"][rows, columns, None]
    pose = load_poses(shot["track"])[2]
    aim = pose[:3, :3] @ (np.mean(PLACES[:2], axis=0) + np.array([0, 0.9, 0])) + pose[:3, 3]

    relief = film.asked[0].guides.depth[2][y, x]

    away = points @ (aim / np.linalg.norm(aim))
    assert np.median(np.abs(relief - (np.linalg.norm(aim) - away))) < 0.03
    assert np.ptp(relief) > 0.15


def test_an_area_is_one_request_in_windows_of_whole_sides(painted, layers):
    heroes, film = painted
    [entry] = json.loads(heroes.areas.read_text())
    [run] = entry["runs"]
    [asked] = run["asked"]
    assert [request.frames for request in film.asked] == [3, 3]
    assert (run["first"], run["last"], asked["people"]) == (FRAMES.first, FRAMES.last, [LEFT, BEHIND])
    assert entry["width_px"] % 16 == entry["height_px"] % 16 == 0
    _, made, _ = layers
    for frame in SOME:
        told = {each["id"]: each["request"] for each in json.loads(made.requests.path(frame).read_text())}
        assert told[LEFT] == told[BEHIND] == asked["request"] != told[RIGHT]


def test_others_of_the_crowd_are_shown_to_the_provider(painted):
    """BEFORE stands before the area's men: he is in their guides, and holds them out."""
    heroes, film = painted
    whose = read_frame(heroes.paintings, "rank", 1001)[1]
    assert (whose.ids == BEFORE).sum() > 200
    assert (film.asked[0].guides.coverage[0] > 0)[whose.ids == BEFORE].all()


def test_the_plate_goes_along_only_when_it_is_asked_for(shot, painted, tmp_path):
    """What the model is given to start from is the plate, through the lens; it may paint where people are."""
    film = Film(replace(ABLE, most_frames=10))
    heroes = areas_of(shot, tmp_path / "out", replace(RANK, plate=True), film=film)

    [request] = film.asked
    assert {"init", "mask"} & set(painted[1].asked[0].guides.given()) == set()
    coverage, init, mask = (getattr(request.guides, name)[2] for name in ("coverage", "init", "mask"))
    assert mask[coverage > 0].all()
    assert 0.1 < mask.mean() < 0.95
    frame, point = 1003, np.array([[-0.6, 1.2, -6.7]])  # between the two
    pose = load_poses(shot["track"])[2]
    camera = point @ pose[:3, :3].T + pose[:3, 3]
    matrix = np.array(json.loads(heroes.areas.read_text())[0]["runs"][0]["matrices"][frame - 1001])
    x, y, w = matrix @ camera[0]
    column, row = project(camera, LENS)[0]
    found = init[int(y / w), int(x / w)]
    assert np.allclose(found, [column / LENS.width, row / LENS.height, 0.5, 1], atol=0.01)


def test_a_provider_that_paints_by_looks_is_asked_for_each_look(shot, tmp_path):
    agents = json.loads(shot["layout"].agents.read_text())
    layout = layout_of(tmp_path / "crowd", PLACES)
    agents[1]["character"] = "archer"
    layout.agents.write_text(json.dumps(agents))
    film = Film(replace(ABLE, most_frames=10, paints_looks=True))

    heroes = areas_of({**shot, "layout": layout}, tmp_path / "out", RANK, film=film)

    assert [request.identity.name.split()[0] for request in film.asked] == ["legionary", "archer"]
    shown = [request.guides.coverage > 0 for request in film.asked]
    whose = read_frame(heroes.paintings, "rank", 1001)[1]
    assert shown[0][0][(whose.ids == LEFT) & (whose.share > 0.9)].all()
    assert not shown[0][0][(whose.ids == BEHIND) & (whose.share > 0.99)].any()
    picture = read_frame(heroes.paintings, "rank", 1001)[0]
    both = film.asked[0].guides.coverage[0] + film.asked[1].guides.coverage[0]
    assert np.allclose(picture[..., 3], both, atol=1e-3)


@pytest.mark.parametrize(
    ("area", "people"),
    [
        (HeroArea("a", polygon_px=((0, 0), (118, 0), (118, 136), (0, 136)), frame=1001), {LEFT, BEHIND}),
        (HeroArea("a", polygon_px=((160, 0), (240, 0), (240, 136), (160, 136)), frame=1004), {RIGHT}),
        (HeroArea("a", zone="north", leave_out=(BEFORE,)), {LEFT, BEHIND, RIGHT}),
        (HeroArea("a"), {LEFT, BEHIND, BEFORE, RIGHT}),
    ],
)
def test_who_belongs_to_an_area(shot, tmp_path, area, people):
    """Of a polygon: whoever shows most of himself in it; the whole of him then is painted with it."""
    heroes = areas_of(shot, tmp_path / "out", area, film=Film())

    assert set(load_members(heroes)) == people


def test_nobody_is_in_two_areas_or_painted_alone_too(shot, tmp_path):
    film = Film()
    heroes = areas_of(shot, tmp_path / "out", RANK, HeroArea("rest"), film=film, people=(RIGHT,), tall_px=64)

    assert {number: member.clip.name for number, member in load_members(heroes).items()} == {
        LEFT: "rank", BEHIND: "rank", BEFORE: "rest",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("area", "able", "words"),
    [
        ({"people": (7,)}, {}, "7 is not in the crowd"),
        ({"zone": "south"}, {}, r"zone 'south' has nobody\. Zones: north\."),
        ({"polygon_px": ((0, 0), (9, 0), (9, 9)), "frame": 1001}, {}, "nobody 32 px tall or more"),
        ({"polygon_px": ((0, 0), (9, 0), (9, 9)), "frame": 999}, {}, r"frame 999 is not of the shot \(1001-1004\)"),
        ({"polygon_px": ((300, 0), (400, 0), (400, 9)), "frame": 1001}, {}, "outside the plate, 240 x 136 px"),
        ({"plate": True}, {"guides": frozenset({"coverage"})}, "film reads no init and mask"),
        ({"prompt": "in rain"}, {}, "film reads no words"),
        ({}, {"video": False}, "film paints single pictures"),
    ],
)
def test_what_cannot_be_done_is_named(shot, tmp_path, area, able, words):
    with pytest.raises(ConfigError, match=words):
        areas_of(shot, tmp_path / "out", HeroArea("a", **area), film=Film(replace(ABLE, **able)))


def test_a_far_area_is_left_to_sprites(shot, tmp_path):
    far = {**shot, "layout": layout_of(tmp_path / "crowd", [[0.0, 0.0, -60.0]])}

    with pytest.raises(ConfigError, match=r"hero area a: spans \d+ x \d+ px of the plate, needs 24"):
        areas_of(far, tmp_path / "out", HeroArea("a", people=(LEFT,)), film=Film())


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"name": "a/b"}, "a name has letters"),
        ({"name": "a", "polygon_px": [[0, 0], [1, 1]], "frame": 1001}, "has 2 corners, needs 3"),
        ({"name": "a", "polygon_px": [[0, 0], [1, 0], [1, 1]]}, "polygon_px and frame go together"),
        ({"name": "a", "zone": "n", "polygon_px": [[0, 0], [1, 0], [1, 1]], "frame": 1001}, "Write one of them"),
        ({"name": "a", "people": [5], "leave_out": [5]}, "name the same id"),
        ({"name": "a", "poligon_px": []}, "Did you mean 'polygon_px'"),
        ({"zone": "n"}, "'name' is missing"),
    ],
)
def test_a_shot_files_mistakes_are_named(written, words):
    with pytest.raises(ConfigError, match=words):
        codec.build(Params, {"areas": [written]}, "shot.toml [stages.generate_hero]")


def test_two_areas_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="has a name twice"):
        Params(areas=(HeroArea("a"), HeroArea("a")))


def test_a_frame_that_was_not_painted_is_named(painted):
    with pytest.raises(StoreError, match="hero area rank was not painted on frame 999"):
        load_members(painted[0])[LEFT].seen(999, np.eye(3))


@pytest.mark.slow
def test_a_video_model_of_the_show_paints_an_area_on_the_plate(shot, tmp_path):
    """A real Wan-VACE pipeline, tiny and of random weights, in windows that go on from each other, with the plate shown."""
    wan = replace(tinymodels.FAMILIES["wan"](tmp_path / "weights"), most_frames=5, native_px=0)
    providers = CrowdProviders((*shot["providers"].entries, ProviderEntry("wan", wan)))
    area = replace(RANK, plate=True, prompt="a shield wall in the rain")

    heroes = areas_of(
        {**shot, "providers": providers}, tmp_path / "out", area, provider="wan", steps=1, area_px=128
    )  # fmt: skip
    planes, _ = near_of(shot, tmp_path / "near", heroes)

    assert heroes.provider == "wan"
    [asked] = json.loads(heroes.areas.read_text())[0]["runs"][0]["asked"]
    assert asked["made"]["provider"] == "wan"
    assert asked["made"]["prompt"].startswith("a shield wall in the rain; legionary, ")
    for frame in SOME:
        here = np.isin(planes[frame]["id"], (LEFT, BEHIND))
        assert here.sum() > 300
        assert np.isfinite(planes[frame]["R"]).all()
        assert planes[frame]["A"][here].astype(float).mean() > 0.5
