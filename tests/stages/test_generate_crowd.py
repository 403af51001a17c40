"""generate_crowd on a layout of a few agents."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assets.people.characters import recipe_digest
from assets.providers.builtin import Builtin
from assets.sprites.atlas import load_atlas, view_yaw
from assets.sprites.identity import cast_in, compared
from pipeline.errors import AssetError, ConfigError
from pipeline.frames import FrameRange
from pipeline.io.images import read_png
from pipeline.provider_sections import CrowdProviders, IdentityModel
from pipeline.sections import CrowdPicks, LightFacts
from pipeline.store import KeptFiles
from pipeline.types import CameraTrack, CrowdLayout, Lens
from stages.generate_crowd import Params, generate_crowd
from tests.assets.providers.tinyencoders import tiny_encoder

FRAMES = FrameRange(1001, 1003)
EYE = np.array([0.0, 1.7, 0.0])  # looks along +Z: world +X is the picture's left
AGENTS = [("legionary", "march", np.pi, 1), ("legionary", "march", np.pi, 4), ("archer", "idle", np.pi / 2, 2)]


def track(folder: Path) -> CameraTrack:
    pose = np.array([[-1.0, 0, 0, 0], [0, -1, 0, EYE[1]], [0, 0, 1, 0], [0, 0, 0, 1]])
    np.save(folder / "poses.npy", np.broadcast_to(pose, (3, 4, 4)))
    nothing = folder / "none"
    lens = Lens(960, 540, 800, 800, 480, 270)
    return CameraTrack(folder / "poses.npy", nothing, nothing, nothing, nothing, FRAMES, lens, 0.4, "height")


def layout(folder: Path, agents=tuple(AGENTS)) -> CrowdLayout:
    entries = [
        {"id": i + 1, "name": f"a.{i}", "zone": "a", "character": c, "motion": m, "scale": 1.0, "seed": seed}
        for i, (c, m, _, seed) in enumerate(agents)
    ]
    (folder / "agents.json").write_text(json.dumps(entries))
    places = np.array([[x, 0.0, 14.0] for x in (-1.5, 0.0, 1.5)][: len(agents)], np.float32)
    np.save(folder / "positions.npy", np.broadcast_to(places.reshape(-1, 3), (3, len(agents), 3)))
    np.save(folder / "yaws.npy", np.broadcast_to(np.array([a[2] for a in agents], np.float32), (3, len(agents))))
    phases = np.zeros((3, len(agents)), np.float32) + np.array([[0.0], [0.02], [0.25]], np.float32)
    np.save(folder / "phases.npy", phases)
    kinds = tuple(dict.fromkeys(a[1] for a in agents))
    motions = np.array([kinds.index(a[1]) for a in agents], np.uint8)
    np.save(folder / "motions.npy", np.broadcast_to(motions, (3, len(agents))))
    names = ("agents.json", "positions.npy", "yaws.npy", "phases.npy", "motions.npy")
    return CrowdLayout(*(folder / name for name in names), FRAMES, len(agents), kinds)


def make(folder: Path, params: Params | None = None, agents=tuple(AGENTS), light=None, **more):
    folder.mkdir(parents=True, exist_ok=True)
    told: list[tuple[int, int]] = []
    atlas = generate_crowd(
        providers=CrowdProviders(),
        track=track(folder),
        layout=layout(folder, agents),
        light=light or LightFacts(),
        params=params or Params(variants=2),
        out=folder / "out",
        progress=lambda done, total, note="": told.append((done, total)),
        **{"shared": folder / "_show"} | more,
    )
    return atlas, told


def crowd_of_show(folder: Path, shot: str):
    """A small crowd of one of a show's shots, and how many pictures the built-in model painted for it."""
    painted = []
    with pytest.MonkeyPatch.context() as patch:
        paint = Builtin.generate
        patch.setattr(
            Builtin, "generate", lambda own, asked, *more: painted.append(len(asked)) or paint(own, asked, *more)
        )
        atlas, _ = make(folder / shot, Params(variants=1, steps=1), agents=tuple(AGENTS[1:]), shared=folder / "_show")
    return atlas, sum(painted)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("crowd"))


def test_each_moment_that_is_seen_is_painted_once(made):
    """Phases 0 and 0.02 share a sprite; the two legionaries share theirs where they wear the same variant."""
    atlas, told = made
    index = json.loads(atlas.index.read_text())
    sprites = np.load(atlas.sprites)
    keys = [tuple(s[k] for k in ("character", "motion", "variant", "phase", "view")) for s in index["sprites"]]

    assert len(set(keys)) == len(keys) == len(sprites)
    assert {key[3] for key in keys if key[0] == "legionary"} == {0, 4}
    assert {key[3] for key in keys if key[0] == "archer"} == {0, 2}
    assert told[-1] == (len(sprites), len(sprites))


def test_files_are_as_the_receipt_says(made):
    atlas, _ = made
    sprites, reliefs = np.load(atlas.sprites), np.load(atlas.reliefs)

    assert sprites.dtype == reliefs.dtype == np.float16
    assert sprites.shape == (len(sprites), 128, 64, 4)
    assert reliefs.shape == sprites.shape[:3]
    assert np.isfinite(sprites).all()
    assert 0.02 < sprites[..., 3].astype(float).mean() < 0.5
    assert abs(reliefs).max() < 1.5
    assert read_png(atlas.contact_sheet).shape[1] == 16 * 64
    assert atlas.provider == "builtin"
    assert len(atlas.model_digest) == 64


def test_agents_find_sprites_of_their_own_view(made):
    """The legionaries face the camera; the archer's left side... he walks to world +X, which is the picture's left."""
    atlas = load_atlas(made[0])
    yaws = view_yaw(np.array([a[2] for a in AGENTS]), np.array([[-1.5, 0, 14], [0, 0, 14], [1.5, 0, 14]]), EYE)
    rows = atlas.sprite_index([a[0] for a in AGENTS], [a[1] for a in AGENTS], np.zeros(3), yaws, np.array([1, 4, 2]))
    index = json.loads(made[0].index.read_text())

    shown = [index["sprites"][row] for row in rows]

    assert [s["character"] for s in shown] == ["legionary", "legionary", "archer"]
    assert shown[1]["view"] == 0
    assert shown[2]["view"] in (17, 18, 19)  # three quarters of a turn: towards the picture's left


def test_feet_stand_on_the_root(made):
    """The lowest painted row lies at the sprite's root, where the renderer puts the agent's point on the ground."""
    atlas = load_atlas(made[0])
    rows = [np.flatnonzero((sprite[..., 3] > 0.5).any(axis=1))[-1] for sprite in atlas.sprites]

    assert abs(np.median(rows) + 0.5 - atlas.root_px[1]) < 4


def test_equal_inputs_give_equal_bytes(made, tmp_path):
    again, _ = make(tmp_path / "again")

    for name in ("sprites", "reliefs", "index", "contact_sheet"):
        assert getattr(again, name).read_bytes() == getattr(made[0], name).read_bytes(), name


def test_a_second_shot_with_the_same_people_paints_nothing_and_shows_the_same(tmp_path):
    first, painted = crowd_of_show(tmp_path, "sh010")
    second, painted_again = crowd_of_show(tmp_path, "sh020")
    alone, _ = crowd_of_show(tmp_path / "other show", "sh020")

    assert (painted, painted_again) == (len(np.load(first.sprites)), 0)
    for name in ("sprites", "reliefs", "index", "contact_sheet"):
        assert getattr(second, name).read_bytes() == getattr(alone, name).read_bytes(), name


def test_the_suns_side_is_the_bright_side(tmp_path):
    """A sun over world +X stands at the picture's left for this camera."""
    agents = (("peasant", "idle", np.pi, 1),)
    sides = []
    for azimuth in (90.0, -90.0):
        light = LightFacts(sun_azimuth_deg=azimuth, sun_elevation_deg=20.0)
        atlas, _ = make(tmp_path / f"sun{azimuth:g}", Params(variants=1), agents=agents, light=light)
        sprite = np.load(atlas.sprites)[0].astype(float)
        lit = sprite[..., :3].sum(-1) / np.maximum(sprite[..., 3], 1e-3) * (sprite[..., 3] > 0.9)
        columns = np.arange(lit.shape[1])
        sides.append((lit * columns).sum() / lit.sum())

    assert sides[0] < sides[1] - 1


def test_nobody_makes_an_empty_atlas(tmp_path):
    atlas, _ = make(tmp_path, agents=())

    assert np.load(atlas.sprites).shape == (0, 128, 64, 4)


def test_an_unknown_character_is_refused(tmp_path):
    with pytest.raises(AssetError, match="character 'dragon' is not known"):
        make(tmp_path, agents=(("dragon", "march", 0.0, 1),))


@pytest.mark.parametrize(
    ("setting", "words"),
    [({"steps": 0}, "steps is 0"), ({"variants": 0}, "variants is 0"), ({"seed": -1}, "seed is -1")],
)
def test_settings_out_of_range_are_refused(setting, words):
    with pytest.raises(ConfigError, match=words):
        Params(**setting)


class Stopped(RuntimeError):
    """Someone killed the run."""


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(tmp_path):
    """Thirty-two sprites are a batch: the second run paints only what the first had not finished."""
    agents = tuple(("peasant", "march", 0.0, seed) for seed in range(3))
    where = {
        "providers": CrowdProviders(),
        "shared": tmp_path / "_show",
        "track": replace(track(tmp_path), frames=FrameRange(1001, 1024)),
        "light": LightFacts(),
        "params": Params(steps=1, variants=3),
    }
    people = walked(layout(tmp_path, agents), tmp_path)
    whole = generate_crowd(**where, layout=people, out=tmp_path / "whole")
    kept = KeptFiles(tmp_path / "out")

    def stop(done, total, note=""):
        if note == "sprites" and done < total:
            raise Stopped

    with pytest.raises(Stopped):
        generate_crowd(**where, layout=people, out=tmp_path / "out", progress=stop, kept=kept)
    first = tmp_path / "out" / "batches" / "000000.npz"
    born = first.stat().st_mtime_ns
    times = []
    atlas = generate_crowd(
        **where,
        layout=people,
        out=tmp_path / "out",
        progress=lambda *_: times.append(first.stat().st_mtime_ns),
        kept=KeptFiles(tmp_path / "out"),
    )

    assert set(times) == {born}
    assert not first.parent.exists()
    for name in ("sprites", "reliefs", "index", "contact_sheet"):
        assert getattr(atlas, name).read_bytes() == getattr(whole, name).read_bytes(), name


def walked(people: CrowdLayout, folder: Path) -> CrowdLayout:
    """The layout with everyone through his whole cycle."""
    steps = (np.arange(24)[:, None] + np.zeros(people.count)) / 24
    np.save(folder / "phases.npy", steps.astype(np.float32))
    for name in ("positions", "yaws", "motions", "poses"):
        file = folder / f"{name}.npy"
        np.save(file, np.repeat(np.load(file)[:1], 24, axis=0))
    return replace(people, frames=FrameRange(1001, 1024))


def test_levelled_weapons_have_a_wide_frame_and_stand_on_the_same_root(tmp_path):
    atlas, _ = make(
        tmp_path,
        Params(variants=1, steps=1),
        agents=(("legionary", "charge", np.pi / 2, 1), ("peasant", "idle", 0.0, 1)),
    )
    index, loaded = json.loads(atlas.index.read_text()), load_atlas(atlas)
    sprites = np.load(atlas.sprites)

    own = {entry["motion"]: entry["width_px"] for entry in index["sprites"]}
    assert own["idle"] <= 64 < own["charge"] == sprites.shape[2]
    assert loaded.root_px[0] == own["charge"] / 2
    for entry, sprite in zip(index["sprites"], sprites, strict=True):
        columns = np.flatnonzero((sprite[..., 3] > 0.1).any(axis=0))
        margin = (sprite.shape[1] - entry["width_px"]) // 2
        assert abs(columns.mean() + 0.5 - loaded.root_px[0]) < 24  # the figure stands in the middle
        assert not sprite[:, :margin].any()
        assert not sprite[:, sprite.shape[1] - margin :].any()
        assert columns[0] < margin + 16 or columns[-1] >= sprite.shape[1] - margin - 16  # and no wider than it must be


def test_a_pick_is_a_seed_of_its_character_and_of_nobody_else(tmp_path):
    params, rows = Params(variants=1, steps=1), {}
    turned = 0.7 * np.pi
    for name, yaw, picks in (
        ("none", np.pi, ()),
        ("t02", np.pi, (("peasant", "t02"),)),
        ("another shot", turned, (("peasant", "t02"),)),
    ):
        agents = (("peasant", "idle", yaw, 1), ("archer", "idle", yaw, 1))
        atlas, _ = make(tmp_path / name, params, agents=agents, picks=CrowdPicks(picks))
        entries = json.loads(atlas.index.read_text())["sprites"]
        rows[name] = {entry["character"]: entry["request"] for entry in entries}

    assert rows["t02"]["peasant"] != rows["none"]["peasant"]
    assert rows["t02"]["archer"] == rows["none"]["archer"]
    none, other, again = (cast_in(tmp_path / name / "out/index.json") for name in rows)
    assert (other["peasant"]["take"], other["peasant"]["seed"], none["peasant"]["take"]) == ("t02", 2, "")
    assert none["peasant"]["recipe"] == recipe_digest("peasant")

    def apart(one, two) -> float:
        return compared({"peasant": one}, {"other": {"peasant": two}})["peasant"]["shots"]["other"]["delta_e"]

    assert apart(other["peasant"], again["peasant"]) < 2  # the picked man, in another shot and turned
    assert 2 < apart(none["peasant"], other["peasant"]) < 8 < apart(none["peasant"], none["archer"])  # a take is dyed


def test_people_are_seen_by_the_shows_encoder(tmp_path):
    """The same crowd is at 0 from itself; nobody's picture is painted otherwise for it, and the cast says who looked."""
    model = tiny_encoder(tmp_path / "encoder")
    agents, params = (("peasant", "idle", np.pi, 1), ("archer", "idle", np.pi, 1)), Params(variants=1, steps=1)
    shared = tmp_path / "_show"
    seen, _ = make(tmp_path / "a", params, agents, shared=shared, identity=IdentityModel(model))
    again, _ = make(tmp_path / "b", params, agents, shared=shared, identity=IdentityModel(model))
    plain, _ = make(tmp_path / "c", params, agents, shared=shared)

    found = compared(cast_in(seen.index), {"b": cast_in(again.index)})

    assert plain.sprites.read_bytes() == seen.sprites.read_bytes()
    assert "seen" not in compared(cast_in(plain.index), {})["peasant"]
    for name in ("peasant", "archer"):
        assert found[name]["shots"]["b"]["seen"] == pytest.approx(0, abs=1e-4)
        assert found[name]["seen"]["nearest_other"] > 1e-4
