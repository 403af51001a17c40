"""What everyone shows on every frame: sprites of the change while it lasts, feet where they were put down."""

import dataclasses
import json

import numpy as np
import pytest

from assets.crowd.cues import first_phases, under_way_s
from assets.motion.blending import STANDARD
from assets.motion.changes import changes_in, crossing_of, step_in, way_of
from assets.motion.grips import Grip
from assets.motion.motions import load_motion
from assets.sprites.atlas import VIEWS, Change, load_atlas, phases_of
from assets.sprites.cards import load_agents
from assets.sprites.shown import moves_of, shadow_sprites, shown_by
from pipeline.frames import FrameRange
from pipeline.types import CharacterAtlas, CrowdLayout

FRAMES, TURNS_AT, HEADING = 60, 10, 0.6
EYES = tuple((0.0, 2.0, 20.0) for _ in range(FRAMES))
AHEAD = np.array([np.sin(HEADING), 0.0, np.cos(HEADING)])


@pytest.fixture
def layout(tmp_path):
    """One legionary who idles and sets off at the frame TURNS_AT, as lay_out_crowd has it."""
    march, times = load_motion("march"), np.arange(FRAMES) / 24
    since = times - (TURNS_AT - 1) / 24
    gone = march.speed_mps * under_way_s(since, np.array(march.speed_mps))
    first = first_phases("idle", "march", np.array([times[TURNS_AT - 1] / 4]))[0]
    marching = np.arange(FRAMES) >= TURNS_AT
    phases = np.where(marching, first + gone / (march.speed_mps * march.cycle_s), times / 4) % 1
    agents = [{"id": 1, "name": "a", "zone": "a", "character": "legionary", "scale": 1.0, "seed": 1}]
    (tmp_path / "agents.json").write_text(json.dumps(agents))
    arrays = {
        "positions": (gone[:, None] * AHEAD)[:, None].astype(np.float32),
        "yaws": np.full((FRAMES, 1), HEADING, np.float32),
        "phases": phases[:, None].astype(np.float32),
        "motions": marching[:, None].astype(np.uint8),
    }
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    files = [tmp_path / f"{name}.npy" for name in ("positions", "yaws", "phases", "motions")]
    return CrowdLayout(tmp_path / "agents.json", *files, FrameRange(1001, 1000 + FRAMES), 1, ("idle", "march"))


def atlas_of(folder, changes: tuple[Change, ...]) -> CharacterAtlas:
    """Every moment of both motions from every side, and every step of those changes from one side."""
    common = {"character": "legionary", "variant": 0}
    listed = [common | {"motion": m, "phase": p, "view": v}
              for m in ("idle", "march") for p in range(phases_of(m)) for v in range(VIEWS)]  # fmt: skip
    listed += [common | {"motion": c.after, "change": dataclasses.asdict(c), "step": s, "view": 2}
               for c in changes for s in range(1, c.steps)]  # fmt: skip
    np.save(folder / "sprites.npy", np.zeros((len(listed), 8, 4, 4), np.float16))
    np.save(folder / "reliefs.npy", np.zeros((len(listed), 8, 4), np.float16))
    index = {"metres_per_px": 0.1, "root_px": [2, 7], "elevation_rad": 0.1, "variants": 1, "sprites": listed}
    (folder / "index.json").write_text(json.dumps(index))
    names = ("sprites.npy", "reliefs.npy", "index.json", "sheet.png")
    return CharacterAtlas(*(folder / name for name in names), "", "", "")


def entries(atlas: CharacterAtlas, rows):
    listed = json.loads(atlas.index.read_text())["sprites"]
    return [listed[row] for row in rows]


def test_a_change_is_shown_step_by_step_between_its_motions(layout, tmp_path):
    changes = changes_in(moves_of(load_agents(layout)))
    atlas = atlas_of(tmp_path, changes.all)
    end = int(changes.ends[0])

    told = entries(atlas, shown_by(layout, atlas, EYES).sprites[:, 0])

    assert [entry["motion"] for entry in told[:TURNS_AT]] == ["idle"] * TURNS_AT
    assert all("change" not in entry for entry in told[:TURNS_AT] + told[end:])
    assert [entry["step"] for entry in told[TURNS_AT:end]] == changes.step[TURNS_AT:end, 0].tolist()


def test_the_sun_sees_the_same_step(layout, tmp_path):
    changes = changes_in(moves_of(load_agents(layout)))
    atlas = atlas_of(tmp_path, changes.all)
    shown = shown_by(layout, atlas, EYES)

    by_sun = shadow_sprites(load_agents(layout), load_atlas(atlas), shown, TURNS_AT + 5, np.array([0.6, 0.5, -0.6]))

    assert entries(atlas, by_sun)[0]["step"] == changes.step[TURNS_AT + 5, 0]


def test_without_crossings_motions_are_cut(layout, tmp_path):
    told = entries(atlas := atlas_of(tmp_path, ()), shown_by(layout, atlas, EYES).sprites[:, 0])

    assert [entry["motion"] for entry in told] == ["idle"] * TURNS_AT + ["march"] * (FRAMES - TURNS_AT)


@pytest.mark.parametrize("other_way", [0, 2])
def test_planted_feet_stay_where_they_are_while_the_motion_changes(layout, tmp_path, other_way):
    """Also when the crossing that is painted goes 20 cm farther than this agent: until the first lift, after the last."""
    agents = load_agents(layout)
    changes = changes_in(moves_of(agents))
    painted = dataclasses.replace(changes.all[0], way=changes.all[0].way + other_way)
    shown = shown_by(layout, atlas_of(tmp_path, (painted,)), EYES)
    crossing, way = crossing_of(painted, STANDARD, Grip()), way_of(painted)
    rows = range(TURNS_AT, int(changes.ends[0]))

    for side, name in enumerate(("left_leg", "right_leg")):
        places = []
        for row in rows:
            step = step_in(painted, changes.all[0], int(changes.step[row, 0]))
            if crossing.planted[step][side] and (step < 4 or step > painted.steps - 3):
                x, _, z = getattr(crossing.poses[step], name).ankle
                beside = np.array([np.cos(HEADING), -np.sin(HEADING)]) * x
                feet = agents.positions[row, 0, [0, 2]] + shown.feet[row, 0] + AHEAD[[0, 2]] * z + beside
                places.append((step < 4, feet))
        for early in (True, False):
            those = [place for when, place in places if when == early]
            flat = abs(np.ptp(those, axis=0)).max() if len(those) > 1 else 0.0
            assert flat < 0.05  # metres: an ankle rises over its toes by so much, no foot slides

    assert way[-1] == pytest.approx(painted.way / 10)
