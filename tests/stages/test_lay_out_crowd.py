"""Agents stand on the true ground of an analytic scene, as many as asked, and their feet do not slide."""

import json
from dataclasses import replace

import numpy as np
import pytest

from assets.crowd.shapes import inside
from assets.exchange.layouts import write_crowd
from assets.motion.motions import load_motion
from calibration.cameras import camera_centre, to_camera
from calibration.lens import project
from pipeline.crowd_sections import CrowdBrief, KeepOut, Override, Zone
from pipeline.errors import AssetError, ConfigError
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.types import CameraTrack, Ground, Lens, Plate
from stages.lay_out_crowd import Params, lay_out_crowd

LENS = Lens(320, 180, 280.0, 280.0, 160.0, 88.0, -0.09, 0.02, 6e-4, -4e-4)
FRAMES = FrameRange(1001, 1012)
FIELD_PX = ((20.0, 160.0), (300.0, 162.0), (260.0, 104.0), (60.0, 103.0))
ORIGIN, CELL = -60.0, 0.5


def hills(x, z):
    return 0.002 * z * z + 0.15 * np.sin(0.4 * x) - 0.02 * x


@pytest.fixture
def world(tmp_path):
    """A dolly over rolling ground, and the receipts that the stage takes."""
    poses = np.tile(np.diag([1.0, -1.0, -1.0, 1.0]), (len(FRAMES), 1, 1))
    for i, pose in enumerate(poses):
        pose[:3, 3] = -pose[:3, :3] @ [0.05 * i, 1.7, -0.08 * i]
    np.save(tmp_path / "poses.npy", poses)
    x, z = np.meshgrid(ORIGIN + CELL * np.arange(241), ORIGIN + CELL * np.arange(241))
    np.save(tmp_path / "heights.npy", hills(x, z).astype(np.float32))
    file = tmp_path / "none"
    track = CameraTrack(tmp_path / "poses.npy", file, file, file, file, FRAMES, LENS, 0.1, "truth")
    ground = Ground(tmp_path / "heights.npy", ORIGIN, ORIGIN, CELL, file)
    plate = Plate(FrameFiles(tmp_path, "p.%04d.exr", FRAMES), 320, 180, 1.0, FrameRate(24), "", "ACEScg")
    return {"track": track, "ground": ground, "plate": plate, "params": Params(), "out": tmp_path / "crowd"}


def lay(world, *zones, **changes):
    layout = lay_out_crowd(**{**world, "brief": CrowdBrief(zones)} | changes)
    agents = json.loads(layout.agents.read_text())
    return layout, agents, np.load(layout.positions), np.load(layout.yaws), np.load(layout.phases)


def test_count_is_exact_and_everyone_starts_inside_the_drawn_polygon(world):
    layout, agents, positions, yaws, phases = lay(world, Zone("north", 60, FIELD_PX))

    seen = project(to_camera(positions[0], np.load(world["track"].poses)[0]), LENS)
    assert layout.count == len(agents) == 60
    assert positions.shape == (12, 60, 3)
    assert yaws.shape == phases.shape == (12, 60)
    assert inside(seen, np.add(FIELD_PX, [[-1, 1], [1, 1], [1, -1], [-1, -1]])).all()  # edges bend by a pixel


@pytest.mark.parametrize("motion", ["idle", "march"])
def test_feet_are_on_the_ground_on_every_frame(world, motion):
    _, _, positions, _, _ = lay(world, Zone("north", 60, FIELD_PX, motion=motion))

    np.testing.assert_allclose(positions[..., 1], hills(positions[..., 0], positions[..., 2]), atol=0.01)


def test_bodies_face_the_camera_unless_told_otherwise(world):
    _, _, positions, facing, _ = lay(world, Zone("north", 60, FIELD_PX))
    _, _, _, east, _ = lay(world, Zone("north", 60, FIELD_PX, facing_deg=90))

    to_camera_m = camera_centre(np.load(world["track"].poses)[0])[[0, 2]] - positions[0][:, [0, 2]].mean(axis=0)
    assert np.median(facing) == pytest.approx(np.arctan2(*to_camera_m), abs=np.radians(3))
    assert np.median(east) == pytest.approx(np.pi / 2, abs=np.radians(2))
    assert np.ptp(east[0]) > np.radians(3)


def test_a_column_marches_along_its_zone(world):
    slanting = Zone(
        "road", 40, polygon_m=((-2, -60), (4, -60), (16, -20), (10, -20)), formation="column", motion="march"
    )

    _, _, positions, _, _ = lay(world, slanting)

    way = positions[-1] - positions[0]
    np.testing.assert_allclose(np.arctan2(way[:, 0], way[:, 2]), np.arctan2(12, 40), atol=0.05)


def test_idle_people_stay_where_they_are(world):
    _, _, positions, _, phases = lay(world, Zone("north", 40, FIELD_PX))

    np.testing.assert_array_equal(positions, np.broadcast_to(positions[0], positions.shape))
    assert len(np.unique(phases[0].round(3))) > 30


@pytest.mark.parametrize(("formation", "speed"), [("phalanx", 0.0), ("column", 1.0), ("loose", 1.7)])
def test_phase_is_locked_to_distance_so_that_planted_feet_stay(world, formation, speed):
    zone = Zone("north", 30, FIELD_PX, formation=formation, motion="march", speed_mps=speed)

    _, agents, positions, _, phases = lay(world, zone)

    motion = load_motion("march")
    stride = motion.cycle_s * motion.speed_mps * np.array([agent["scale"] for agent in agents])
    gone = np.linalg.norm(np.diff(positions[..., [0, 2]], axis=0), axis=-1)
    turned = (np.diff(phases, axis=0) + 0.5) % 1 - 0.5
    np.testing.assert_allclose(gone, turned * stride, atol=5e-5)
    assert gone.sum(axis=0) / (11 / 24) == pytest.approx(np.full(30, speed or motion.speed_mps), rel=0.25)
    assert (gone > 0).all()


def test_ranks_keep_step_loosely_and_nobody_marches_in_lockstep(world):
    _, _, _, _, phases = lay(world, Zone("north", 60, FIELD_PX, motion="march"))

    spread = np.abs(np.exp(2j * np.pi * phases[0].astype(float)).mean())
    assert 0.2 < spread < 0.9


def test_one_fewer_or_another_zone_moves_no_other(world):
    north, south = (
        Zone("north", 40, FIELD_PX),
        Zone("south", 30, polygon_m=((-20, -40), (20, -40), (20, -30), (-20, -30))),
    )

    _, agents, positions, _, phases = lay(world, north, south)
    _, agents_b, positions_b, _, phases_b = lay(world, replace(north, count=39), south)
    _, agents_c, positions_c, _, _ = lay(world, replace(north, count=20, spacing_m=1.3, formation="loose"), south)

    kept = [i for i in range(70) if i != 39]
    assert [agents[i] for i in kept] == agents_b
    np.testing.assert_array_equal(positions[:, kept], positions_b)
    np.testing.assert_array_equal(phases[:, kept], phases_b)
    assert agents[40:] == agents_c[20:]
    np.testing.assert_array_equal(positions[:, 40:], positions_c[:, 20:])


def test_characters_come_by_weight(world):
    zone = Zone("north", 300, polygon_m=((-20, -50), (20, -50), (20, -20), (-20, -20)))

    _, agents, *_ = lay(world, replace(zone, characters={"legionary": 3, "archer": 1, "officer": 0}))

    names = [agent["character"] for agent in agents]
    assert set(names) == {"legionary", "archer"}
    assert names.count("legionary") == pytest.approx(225, abs=25)
    assert all(0.93 < agent["scale"] < 1.07 for agent in agents)
    assert len({agent["seed"] for agent in agents}) == 300


FIELD_M = ((-15, -45), (15, -45), (15, -22), (-15, -22))


def by_id(world, *zones, **words):
    """Each agent's everything by its id."""
    layout, agents, positions, yaws, phases = lay(world, brief=CrowdBrief(zones, **words))
    motions = np.array(layout.motion_names)[np.load(layout.motions)]
    return {
        agent["id"]: (json.dumps(agent), positions[:, i].tobytes(), yaws[:, i].tobytes(), phases[:, i].tobytes(),
                      tuple(motions[:, i]))
        for i, agent in enumerate(agents)
    }  # fmt: skip


@pytest.mark.parametrize("formation", ["phalanx", "line", "column", "wedge", "ring", "loose", "path"])
def test_removing_one_agent_changes_no_other(world, formation):
    where = {"path_m": ((-15, -40), (0, -30), (15, -40))} if formation == "path" else {"polygon_m": FIELD_M}
    mix = {"motions": {"march": 2, "idle": 1}, "characters": {"legionary": 1, "archer": 1}, "start_spread_s": 0.2}
    zone = Zone("north", 20, formation=formation, **where, **mix)

    everyone = by_id(world, zone)
    without = by_id(world, zone, overrides=(Override(100_008, remove=True),))
    fewer = by_id(world, replace(zone, count=19))

    assert without == {number: agent for number, agent in everyone.items() if number != 100_008}
    assert fewer == {number: agent for number, agent in everyone.items() if number != 100_020}


def test_removing_one_of_two_armies_that_avoid_each_other_changes_no_other(world):
    ours = Zone(
        "north", 20, polygon_m=((-6, -34), (6, -34), (6, -31), (-6, -31)), facing_deg=0, motion="march", avoid=True
    )
    theirs = Zone(
        "south",
        20,
        polygon_m=((-6, -32.8), (6, -32.8), (6, -29.8), (-6, -29.8)),
        facing_deg=180,
        motion="march",
        avoid=True,
    )
    zones = replace(ours, side=1), replace(theirs, side=2)

    everyone = by_id(world, *zones)
    without = by_id(world, *zones, overrides=(Override(100_005, remove=True), Override(200_003, remove=True)))

    alone = by_id(world, zones[0])
    assert sum(everyone[number][1] != agent[1] for number, agent in alone.items()) > 5  # they do feel each other
    assert without == {number: agent for number, agent in everyone.items() if number not in (100_005, 200_003)}
    assert not (world["out"] / "walk").exists()


def test_a_keep_out_area_changes_only_those_whose_place_it_takes(world):
    north, south = Zone("north", 80, polygon_m=FIELD_M, motion="march"), Zone("south", 30, FIELD_PX, formation="loose")
    area = np.array([(-3.0, -26.0), (3.0, -26.0), (3.0, -23.0), (-3.0, -23.0)])

    free = by_id(world, north, south)
    kept = by_id(world, north, south, keep_out=(KeepOut(polygon_m=tuple(map(tuple, area))),))

    assert len(free) == len(kept) == 110
    gone = free.keys() - kept.keys()
    assert 3 < len(gone) < 25
    assert all(free[number] == kept[number] for number in free.keys() & kept.keys())
    starts = {number: np.frombuffer(agent[1], np.float32)[[0, 2]] for number, agent in {**free, **kept}.items()}
    assert all(inside(np.array([starts[number]], float), area)[0] for number in gone)
    assert not any(inside(np.array([starts[number]], float), area)[0] for number in kept)


def test_motions_change_from_frame_to_frame_and_the_list_tells_the_first(world):
    zone = Zone("north", 30, FIELD_PX, motion="cheer", start_frame=1006, waits="brace")
    idle = Zone("south", 10, polygon_m=FIELD_M)

    layout, agents, *_ = lay(world, zone, idle)

    motions = np.load(layout.motions)
    assert motions.dtype == np.uint8
    assert motions.shape == (12, 40)
    assert layout.motion_names == ("brace", "cheer", "idle")
    assert {agent["motion"] for agent in agents[:30]} == {"brace"}
    assert set(motions[0]) == {0, 2}
    assert (motions[:5, :30] == 0).all()
    assert (motions[-1, :30] == 1).sum() > 10
    assert (motions[:, 30:] == 2).all()


def test_a_ring_looks_inwards_a_mob_outwards_when_told_and_a_line_stands_along_its_zone(world):
    ring = Zone("ring", 24, polygon_m=FIELD_M, formation="ring")
    mob = Zone("mob", 24, polygon_m=FIELD_M, formation="loose", facing="outward")
    line = Zone("line", 24, polygon_m=((-14, -46), (15, -30), (14, -27), (-15, -43)), formation="line")

    _, _, positions, yaws, _ = lay(world, ring, mob, line)

    out = positions[0][:, [0, 2]] - np.array([0, -33.5])
    looks = np.stack([np.sin(yaws[0]), np.cos(yaws[0])], axis=1)
    straight = (looks * out).sum(axis=1) / np.linalg.norm(out, axis=1)
    assert straight[:24].max() < -0.9
    assert np.median(straight[24:48]) > 0.8
    np.testing.assert_allclose(np.ptp(positions[0, 48:, 0]) / np.ptp(positions[0, 48:, 2]), 29 / 16, rtol=0.1)
    assert (looks[48:, 1] > 0.7).all()  # across it, towards the camera


def test_density_fills_the_zone(world):
    area = 30 * 23.0

    for formation in ("phalanx", "loose"):
        layout, *_ = lay(world, Zone("north", polygon_m=FIELD_M, density=0.4, formation=formation))

        assert layout.count == pytest.approx(0.4 * area, rel=0.08)


def test_a_path_may_be_drawn_in_pixels(world):
    zone = Zone("road", 10, path_px=((60, 120), (160, 122), (250, 110)), formation="path", motion="walk")

    _, _, positions, _, _ = lay(world, zone)

    seen = project(to_camera(positions[0], np.load(world["track"].poses)[0]), LENS)
    np.testing.assert_allclose(seen[0], (60, 120), atol=4)


def test_equal_inputs_give_equal_bytes(world, tmp_path):
    one, *_ = lay(world, Zone("north", 50, FIELD_PX, motion="march"))
    two, *_ = lay(world, Zone("north", 50, FIELD_PX, motion="march"), out=tmp_path / "again")

    for name in ("agents", "positions", "yaws", "phases", "motions"):
        assert getattr(one, name).read_bytes() == getattr(two, name).read_bytes()


def test_shot_without_a_crowd_has_an_empty_layout(world):
    layout, agents, positions, _, _ = lay(world)

    assert layout.count == 0
    assert agents == []
    assert positions.shape == (12, 0, 3)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"polygon_px": ((60, 170), (250, 172), (230, 20))}, ConfigError, r"north: corner \(230, 20\) px looks over"),
        ({"polygon_px": ((60, 170), (250, 172))}, ConfigError, "2 corners, 3 are needed"),
        ({"count": 9000}, AssetError, r"holds \d+ people at 1.1 m in formation phalanx, the brief asks for 9000"),
        ({"motion": "idle", "speed_mps": 1.2}, AssetError, "would slide"),
        ({"motion": "moonwalk"}, AssetError, "moonwalk"),
        ({"characters": {"hoplite-from-mars": 1}}, AssetError, "hoplite-from-mars"),
        ({"characters": {"legionary": 0}}, AssetError, "add up to 0"),
        ({"spacing_m": 0.0}, ConfigError, "spacing_m"),
    ],
)
def test_a_brief_that_cannot_be_met_is_told_in_one_line(world, change, error, words):
    with pytest.raises(error, match=words) as caught:
        lay(world, replace(Zone("north", 40, FIELD_PX), **change))

    assert "\n" not in str(caught.value)


def test_two_zones_of_one_name_are_refused(world):
    with pytest.raises(ConfigError, match="two zones are called 'north'"):
        lay(world, Zone("north", 4, FIELD_PX), Zone("north", 4, FIELD_PX))


def test_a_crowd_of_another_program_takes_the_place_of_zones(world, tmp_path):
    ours, *_ = lay(world, Zone("north", 12, FIELD_PX, motion="march"), out=tmp_path / "ours")
    file = tmp_path / "crowd.usdc"
    write_crowd(ours, file, FrameRate(24))

    back, agents, positions, _, phases = lay(world, brief=CrowdBrief(layout=file))
    _, fewer, moved, *_ = lay(
        world,
        brief=CrowdBrief(
            layout=file, overrides=(Override(100_003, remove=True), Override(100_005, move_m=(1.0, 0.0), scale=1.2))
        ),
        out=tmp_path / "changed",
    )

    assert agents == json.loads(ours.agents.read_text())
    np.testing.assert_array_equal(positions, np.load(ours.positions))
    np.testing.assert_array_equal(phases, np.load(ours.phases))
    assert back.motion_names == ("march",)
    assert [agent["id"] for agent in fewer] == [agent["id"] for agent in agents if agent["id"] != 100_003]
    np.testing.assert_allclose(moved[:, 3, 0] - positions[:, 4, 0], 1.0, atol=1e-5)
    assert fewer[3]["scale"] == 1.2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"zones": (Zone("north", 3, FIELD_PX),)}, "layout takes the place of zones"),
        ({"overrides": (Override(7, remove=True),)}, "override 7: nobody in .* has this id"),
        ({"overrides": (Override(100_001, motion="idle"),)}, "an imported agent moves as it came"),
    ],
)
def test_words_that_do_not_go_with_an_imported_crowd_are_named(world, tmp_path, words, said):
    ours, *_ = lay(world, Zone("north", 3, FIELD_PX), out=tmp_path / "ours")
    write_crowd(ours, tmp_path / "crowd.usdc", FrameRate(24))

    with pytest.raises(ConfigError, match=said):
        lay(world, brief=CrowdBrief(layout=tmp_path / "crowd.usdc", **words))
