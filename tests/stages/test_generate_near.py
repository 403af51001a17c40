"""People painted per frame: who, where in the picture, the same bytes however made, and no seam towards the sprites."""

import json
from pathlib import Path

import numpy as np
import pytest

from assets.near.shades import Shades
from calibration.cameras import load_poses, to_camera
from calibration.lens import project
from pipeline.errors import ConfigError
from pipeline.frames import FrameRange
from pipeline.io import color, exr
from pipeline.provider_sections import BuiltinModel, CrowdProviders, ProviderEntry
from pipeline.sections import LightFacts
from pipeline.types import HeroPeople
from stages.generate_crowd import Params as CrowdParams
from stages.generate_crowd import generate_crowd
from stages.generate_near import Params, generate_near
from stages.render_layers import Params as LayerParams
from stages.render_layers import render_layers
from tests.looks import HAND_LIGHT
from tests.stages.dolly import (
    FRAMES,
    LENS,
    atlas_of,
    figure,
    ground_of,
    layout_of,
    nobody_before,
    nothing_built,
    track_of,
)

NOBODY = CrowdProviders((ProviderEntry("nobody", BuiltinModel(Path("nowhere"))),))
NEAR, FAR = [0.25, 0.0, -5.5], [0.4, 0.0, -12.0]  # 67 and 31 px high


def no_heroes(folder):
    folder.mkdir()
    for name in ("heroes.json", "areas.json"):
        (folder / name).write_text("[]")
    return HeroPeople(folder / "heroes.json", folder / "areas.json", folder, "", "", "")


@pytest.fixture
def shot(tmp_path):
    return {
        "providers": CrowdProviders(),
        "shared": tmp_path / "_show",
        "track": track_of(tmp_path),
        "layout": layout_of(tmp_path / "crowd", [FAR, NEAR]),
        "atlas": atlas_of(tmp_path / "atlas", figure()),
        "ground": ground_of(tmp_path),
        "heroes": no_heroes(tmp_path / "heroes"),
        "light": LightFacts(),
        "params": Params(near_px=50),
        "frames": FRAMES,
        "out": tmp_path / "near",
    }


def test_nobody_near_costs_nothing(shot):
    """Not even the provider is opened: this one does not exist."""
    made = generate_near(**{**shot, "params": Params(near_px=500), "providers": NOBODY})

    assert made.files is None
    assert made.requests is None
    assert made.shades is None
    assert not made.model_digest
    assert json.loads(made.people.read_text()) == {"near": [], "passed_over": 0}


def test_settings_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="near_px is 0"):
        Params(near_px=0)
    with pytest.raises(ConfigError, match="tallest_px is 9000"):
        Params(tallest_px=9000)


@pytest.fixture
def painted(shot):
    return generate_near(**{**shot, "frames": FrameRange(1001, 1002)})


def test_only_the_near_are_painted_and_stand_where_they_should(shot, painted):
    planes = exr.read(painted.files.path(1002)).channels

    pose = load_poses(shot["track"])[1]
    low, high = project(to_camera(np.array([NEAR, [NEAR[0], 1.75, NEAR[2]]]), pose), LENS)
    rows, columns = np.nonzero(planes["A"] > 0.5)
    assert [person["id"] for person in json.loads(painted.people.read_text())["near"]] == [100_002]
    assert set(np.unique(planes["id"])) == {0, 100_002}
    assert abs(rows.max() - low[1]) < 6
    assert abs(np.median(columns) - low[0]) < 8
    assert rows.min() < high[1] + 6
    assert abs(np.median(planes["Z"][rows, columns]) - to_camera(np.array([NEAR]), pose)[0, 2]) < 0.5
    assert painted.model_digest
    assert painted.licence
    [entry] = json.loads(painted.requests.path(1002).read_text())
    assert entry["id"] == 100_002
    assert len(entry["request"]) == 64


def test_a_frame_made_alone_has_the_same_bytes(shot, painted, tmp_path):
    alone = generate_near(**{**shot, "frames": FrameRange(1002, 1002), "out": tmp_path / "alone"})

    for name in ("files", "requests", "shades"):
        files, others = getattr(painted, name), getattr(alone, name)
        assert files.path(1002).read_bytes() == others.path(1002).read_bytes()
    assert painted.people.read_bytes() == alone.people.read_bytes()


# ---------------------------------------------------------------- in the layers


def layers_of(shot, near, atlas, folder, light=None):
    built, paintings = nothing_built(folder / "set")
    made = render_layers(
        track=shot["track"], layout=shot["layout"], atlas=atlas, near=near, set_layout=built, paintings=paintings,
        ground=shot["ground"], light=shot["light"], plate_light=HAND_LIGHT,
        mattes=nobody_before(folder / "mattes"), params=LayerParams(), frames=FrameRange(1001, 1001), out=folder / "out",
    )  # fmt: skip
    crowd = next(layer for layer in made.layers if layer.name == "crowd")
    return exr.read(crowd.files.path(1001)).channels, exr.read(made.shadow.path(1001)).channels["Y"].astype(float)


def test_near_people_replace_their_sprites_and_their_shadows(shot, painted, tmp_path):
    nobody = generate_near(**{**shot, "params": Params(most=0), "out": tmp_path / "nobody"})
    near = exr.read(painted.files.path(1001)).channels

    with_near, shadow = layers_of(shot, painted, shot["atlas"], tmp_path / "a")
    sprites_only, of_sprites = layers_of(shot, nobody, shot["atlas"], tmp_path / "b")
    alone = {**shot, "layout": layout_of(tmp_path / "one", [FAR])}
    _, of_far = layers_of(alone, nobody, shot["atlas"], tmp_path / "c")

    pose = load_poses(shot["track"])[0]
    x, y = project(to_camera(np.array([NEAR]), pose), LENS)[0].astype(int)
    own = np.s_[y - 3 : y + 4, x - 8 : x + 9]
    assert shadow[own].min() < 0.7
    assert of_sprites[own].min() < 0.7
    assert (shadow <= of_far).all()  # his own is added to what others throw
    assert (shadow != of_sprites).any()
    assert Shades.read(painted.shades.path(1001)).ids.tolist() == [100_002]
    mine = with_near["id"] == 100_002
    np.testing.assert_array_equal(mine, near["id"] == 100_002)  # he stands before the other
    np.testing.assert_array_equal(with_near["Z"][mine], near["Z"][mine])
    assert (sprites_only["id"] == 100_002).any()
    assert (sprites_only["Z"][mine] != with_near["Z"][mine]).any()
    assert (with_near["id"] == 100_001).any()


def test_who_is_just_near_looks_like_who_is_just_not(shot, tmp_path):
    """The seam: one person as a sprite and as a painting, in CIELAB means over his pixels, and by the pixels he covers."""
    atlas = generate_crowd(
        providers=CrowdProviders(), shared=tmp_path / "_show", track=shot["track"], layout=shot["layout"], light=shot["light"],
        params=CrowdParams(variants=2), out=tmp_path / "real",
    )  # fmt: skip
    shot = {**shot, "atlas": atlas, "frames": FrameRange(1001, 1001)}
    painted, nobody = (
        generate_near(**{**shot, "params": Params(near_px=px), "out": tmp_path / str(px)}) for px in (60, 80)
    )

    assert (painted.files is None, nobody.files is None) == (False, True)
    means, covered = [], []
    for name, near in (("painted", painted), ("sprite", nobody)):
        planes, _ = layers_of(shot, near, atlas, tmp_path / name)
        whole = (planes["id"] == 100_002) & (planes["A"] > 0.95)
        rgb = np.stack([planes[k][whole] for k in "RGB"], axis=-1).astype(np.float32).mean(axis=0)
        means.append(lab(color.to_display(rgb.reshape(1, 1, 3))))
        covered.append(int((planes["id"] == 100_002).sum()))
    assert np.linalg.norm(means[0] - means[1]) < 3  # measured: 1.4
    # A card's size is that of the root's distance; the front of a body is nearer, by an eighth in area at 5.5 m.
    assert 1 <= covered[0] / covered[1] < 1.2


def lab(display):
    """CIELAB (3,) of a display colour (1, 1, 3)."""
    import cv2

    return cv2.cvtColor(np.asarray(display, np.float32), cv2.COLOR_RGB2LAB)[0, 0]
