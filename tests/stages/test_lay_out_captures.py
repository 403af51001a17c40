"""Mocap of one's own in a shot: BVH files that are written from motions of ours, so that the truth is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assets.exchange.layouts import write_crowd
from assets.motion.motions import Grip, load_motion
from assets.people.skeleton import solve
from assets.sprites.atlas import HELD, bin_phase, phase_bin, phases_of
from assets.sprites.cards import Agents, feet_off, load_agents
from pipeline.crowd_sections import CaptureFile, CrowdBrief, Override, Zone
from pipeline.errors import BattleplateError
from pipeline.fingerprint import section_digest
from pipeline.frames import FrameRange, FrameRate
from pipeline.types import CrowdLayout
from stages.lay_out_crowd import Params, lay_out_crowd
from tests import mocaprigs as rigs
from tests.assets.mocap.test_mocap_baked import starting
from tests.assets.mocap.test_mocap_roundtrip import BONES
from tests.stages import test_lay_out_crowd as plain

world = plain.world
FIELD_M = ((-9.0, -40.0), (9.0, -40.0), (9.0, -20.0), (-9.0, -20.0))
WRITTEN_FROM = {"stroll": "walk", "hurrah": "cheer"}


def bvh(path: Path, motion: str, frames: int = 60) -> Path:
    ours = load_motion(motion)
    phases = (0.3 + np.arange(frames) / rigs.RATE / ours.cycle_s) % 1.0
    poses = [ours.pose(float(phase), rigs.build(), Grip()) for phase in phases]
    return rigs.write_bvh(path, rigs.take(poses, ours.speed_mps, heading_rad=0.8))


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """stroll.bvh, hurrah.bvh, and setoff.bvh: someone stands, walks two metres, stands."""
    folder = tmp_path_factory.mktemp("mocap")
    for name, motion in WRITTEN_FROM.items():
        bvh(folder / f"{name}.bvh", motion)
    poses, gone = starting()
    take = rigs.take(poses)
    take.places[..., 2] += gone[:, None]
    rigs.write_bvh(folder / "setoff.bvh", take)
    return folder


def brief(files, *zones, **words) -> CrowdBrief:
    captures = {name: files / f"{name}.bvh" for name in ("stroll", "hurrah", "setoff")}
    return CrowdBrief(zones, **{"captures": captures} | words)


def lay(world, words: CrowdBrief, **changes) -> tuple[CrowdLayout, Agents]:
    layout = lay_out_crowd(**{**world, "brief": words} | changes)
    return layout, load_agents(layout)


def longer(world, frames: int):
    """The same world for so many frames, from a camera that stands."""
    np.save(world["track"].poses, np.tile(np.load(world["track"].poses)[0], (frames, 1, 1)))
    return {**world, "track": replace(world["track"], frames=FrameRange(1001, 1000 + frames))}


def heads(motion: str, phase: float) -> np.ndarray:
    """(J, 3) of the bones that a rig tells of: fingers are our own."""
    skeleton = rigs.skeleton()
    return solve(skeleton, load_motion(motion).pose(phase, rigs.build(), Grip()))[1][[skeleton.index(b) for b in BONES]]


# Who stays on the spot is turned to where he looks, on average: our own cheerer looks 3.6 degrees past the camera.
@pytest.mark.parametrize(("name", "most_m"), [("stroll", 0.016), ("hurrah", 0.036)])
def test_agents_do_what_the_capture_does(world, files, name, most_m):
    """Each one's pose on each frame is one of the motion that the file was written from, and the phases run as fast."""
    truth = load_motion(WRITTEN_FROM[name])
    layout, agents = lay(world, brief(files, Zone("north", 6, polygon_m=FIELD_M, motion=name)))
    (called,) = set(agents.doing(0))

    there = np.stack([heads(truth.name, phase) for phase in np.arange(128) / 128])
    for phase in agents.phases[::4].ravel():
        away = np.abs(there - heads(called, float(phase))).max(axis=(1, 2))
        assert away.min() < most_m
    assert called.startswith(f"{name}.")
    assert load_motion(called).cycle_s == pytest.approx(truth.cycle_s, rel=0.005)
    assert load_motion(called).speed_mps == pytest.approx(truth.speed_mps, rel=0.01)
    assert [file.stem for file in layout.captures if file.stem == called] == [called]
    assert all(file.is_relative_to(world["out"]) for file in layout.captures)


def test_walkers_go_as_far_as_their_feet_say(world, files):
    _, agents = lay(world, brief(files, Zone("north", 12, polygon_m=FIELD_M, motion="stroll", formation="loose")))

    motion = load_motion(agents.doing(0)[0])
    gone = np.linalg.norm(np.diff(agents.positions[..., [0, 2]], axis=0), axis=-1)
    turned = (np.diff(agents.phases, axis=0) + 0.5) % 1 - 0.5
    np.testing.assert_allclose(gone, turned * motion.cycle_s * motion.speed_mps * agents.scales, atol=5e-5)
    assert gone.sum(axis=0) / (11 / 24) == pytest.approx(np.full(12, motion.speed_mps), rel=0.25)


@pytest.mark.parametrize("speed_mps", [0.0, 0.8])
def test_who_sets_off_once_goes_the_captured_way_and_stays(world, files, speed_mps):
    zone = Zone("north", 4, polygon_m=FIELD_M, motion="setoff", facing_deg=0, speed_mps=speed_mps)
    _, agents = lay(longer(world, 120), brief(files, zone), params=Params(facing_spread_deg=0, untidiness=0))

    _, gone = starting()
    motion = load_motion(agents.doing(0)[0])
    quicker = speed_mps / motion.speed_mps if speed_mps else 1.0
    truth = np.interp(np.arange(120) / 24 * quicker, np.arange(len(gone)) / rigs.RATE, gone)
    way = agents.positions[:, :, 2] - agents.positions[0, :, 2]
    assert np.abs(way - truth[:, None] * agents.scales).max() < 0.13
    np.testing.assert_allclose(way, motion.gone_m(agents.phases) * agents.scales, atol=1e-4)
    assert (agents.phases[-1] > 0.99).all()
    np.testing.assert_array_equal(agents.positions[-1], agents.positions[-2])


def test_what_was_found_in_captures_and_foreign_crowds_is_told(world, files, tmp_path):
    layout = lay(world, brief(files, Zone("north", 2, polygon_m=FIELD_M)))[0]
    write_crowd(layout, tmp_path / "crowd.usda", FrameRate(25))
    foreign = lay(world, CrowdBrief(layout=tmp_path / "crowd.usda"), out=tmp_path / "back")[0]

    assert layout.notes[0] == "captured motion hurrah repeats every 1.10 s, on the spot"
    assert layout.notes[1].startswith("captured motion setoff is played once, 3.97 s, and leads 2.0 m")
    assert layout.notes[2].startswith("captured motion stroll repeats every 1.0")
    assert foreign.notes[0] == "the file's time code 1001 was taken as frame 1001"
    assert foreign.notes[1].startswith("the file ends at time code 1012, the shot needs 1012.46")


def test_a_capture_may_be_waited_in_mixed_and_given_to_one(world, files):
    zone = Zone("north", 30, polygon_m=FIELD_M, motions={"hurrah": 1, "idle": 1}, waits="hurrah", start_frame=1004)
    changes = (Override(100_003, motion="stroll"),)
    _, agents = lay(world, brief(files, zone, overrides=changes))

    def names(row: int) -> list[str]:
        return [name.partition(".")[0] for name in agents.doing(row)]

    assert set(names(0)) == {"hurrah"}
    assert set(names(-1)) == {"hurrah", "idle", "stroll"}
    assert names(-1)[2] == "stroll"


def test_a_long_capture_has_phases_by_its_length_and_ends_at_its_end(world, files):
    """Someone who sets off and stops, over four seconds; who breathes has fewer, and bins come back to themselves."""
    layout = lay(world, brief(files, Zone("north", 1, polygon_m=FIELD_M)))[0]
    hurrah, setoff, stroll = (file.stem for file in layout.captures)

    assert phases_of(setoff) > 2 * phases_of(stroll) > 2 * phases_of("idle")
    assert phases_of(setoff) <= 24 * load_motion(setoff).cycle_s + 1
    for name in (hurrah, setoff, stroll):
        bins = np.arange(phases_of(name))
        np.testing.assert_array_equal(phase_bin(name, bin_phase(name, bins)), bins)
        poses = [heads(name, float(phase)) for phase in np.arange(200) / 200]
        shown = [heads(name, float(bin_phase(name, int(b)))) for b in phase_bin(name, np.arange(200) / 200)]
        assert np.mean([np.linalg.norm(a - b, axis=1).max() for a, b in zip(poses, shown, strict=True)]) < 0.06
    assert bin_phase(setoff, phases_of(setoff) - 1) == HELD


def test_feet_of_who_sets_off_stay_between_sprites(world, files):
    """Seen from the sprite of his phase's bin, a planted foot lies off by just what the card is moved for it."""
    zone = Zone("north", 1, polygon_m=FIELD_M, motion="setoff", facing_deg=0)
    _, agents = lay(longer(world, 100), brief(files, zone), params=Params(facing_spread_deg=0))
    name = agents.doing(0)[0]

    counts = []
    for side, first, last in load_motion(name).footfalls:
        rows = np.flatnonzero((agents.phases[:, 0] > first) & (agents.phases[:, 0] < last))
        planted = []
        for row in rows:
            shown = float(bin_phase(name, int(phase_bin(name, agents.phases[row, 0]))))
            if not first < shown < last:
                continue
            pose = load_motion(name).pose(shown, rigs.build(), Grip())
            leg = pose.left_leg if side == "L" else pose.right_leg
            if abs(leg.pitch) < 0.05:  # rolling, the ankle goes on while the sole stays
                planted.append(agents.positions[row, 0, 2] + feet_off(agents, row)[0, 1] + leg.ankle[2])
        counts.append(len(planted))
        assert np.ptp(planted or [0.0]) < 0.03
    assert sum(counts) > 25


def test_two_shots_may_call_different_captures_the_same(world, files, tmp_path):
    """In one process: neither takes the other's motion, whatever is remembered by name."""
    zone = Zone("north", 3, polygon_m=FIELD_M, motion="act")
    first = lay(world, brief(files, zone, captures={"act": files / "stroll.bvh"}))[1].doing(0)[0]
    second = lay(world, brief(files, zone, captures={"act": files / "hurrah.bvh"}), out=tmp_path / "second")[1].doing(
        0
    )[0]

    assert first != second
    assert (load_motion(first).speed_mps > 1, load_motion(second).speed_mps) == (True, 0)


def test_the_same_capture_bakes_to_the_same_bytes(world, files, tmp_path):
    words = brief(files, Zone("north", 3, polygon_m=FIELD_M, motion="stroll"))
    one, two = lay(world, words)[0], lay(world, words, out=tmp_path / "again")[0]

    assert [file.name for file in one.captures] == [file.name for file in two.captures]
    assert [file.read_bytes() for file in one.captures] == [file.read_bytes() for file in two.captures]


def test_a_changed_byte_of_a_capture_decides_what_is_made_again(files, tmp_path):
    copy = tmp_path / "stroll.bvh"
    copy.write_bytes((files / "stroll.bvh").read_bytes())
    words = CrowdBrief((Zone("north", 3, polygon_m=FIELD_M),), captures={"stroll": CaptureFile(copy)})
    before = section_digest(words)

    assert section_digest(words) == before
    assert section_digest(replace(words, captures={"stroll": CaptureFile(copy, loop=True)})) != before
    copy.write_bytes(copy.read_bytes().replace(b"0.1", b"0.2", 1))
    assert section_digest(words) != before


def test_a_foreign_crowd_takes_captures_too(world, files, tmp_path):
    layout, agents = lay(world, brief(files, Zone("north", 4, polygon_m=FIELD_M, motion="stroll")))
    write_crowd(layout, tmp_path / "crowd.usda", FrameRate(24))

    words = brief(files, layout=tmp_path / "crowd.usda")
    back = lay(world, words, out=tmp_path / "back")[1]
    table = {"stroll.*": "hurrah"}
    told = lay(world, replace(words, layout_motions=table), out=tmp_path / "told")[1]

    assert back.doing(0) == agents.doing(0)
    np.testing.assert_array_equal(back.phases, agents.phases)
    assert {name.partition(".")[0] for name in told.doing(0)} == {"hurrah"}


NO_RIG = (
    "HIERARCHY\nROOT Box\n{\nOFFSET 0 0 0\nCHANNELS 3 Xposition Yposition Zposition\nEnd Site\n{\nOFFSET 0 1 0\n}\n}\n"
)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("walk", None, r"\[crowd.captures\] walk: a motion that ships has this name. Choose another"),
        ("my.walk", None, r"\[crowd.captures\] my.walk: a name may hold only letters"),
        ("gone", None, r"\[crowd.captures\] gone: .*gone.bvh is not there. Correct the path"),
        ("broken", "HIERARCHY\nMOTION\n", r"\[crowd.captures\] broken: .*broken.bvh"),
        ("box", NO_RIG + "MOTION\nFrames: 1\nFrame Time: 0.1\n0 0 0\n", r"\[crowd.captures\] box: .*box.bvh"),
    ],
)
def test_a_capture_that_cannot_be_used_is_one_line(world, tmp_path, name, content, said):
    file = tmp_path / f"{name}.bvh"
    if content:
        file.write_text(content)

    with pytest.raises(BattleplateError, match=said) as caught:
        lay(world, CrowdBrief((), captures={name: file}))

    assert "\n" not in str(caught.value)


def test_who_goes_his_own_way_once_cannot_avoid(world, files):
    zone = Zone("north", 4, polygon_m=FIELD_M, motion="setoff", avoid=True)
    with pytest.raises(BattleplateError, match=r"goes its own way once, and cannot go round others. Remove avoid"):
        lay(world, brief(files, zone))


def test_a_capture_that_leaves_its_line_is_refused(world, files, tmp_path):
    """Someone who walks a circle: no heading of an agent follows him."""
    walk = load_motion("walk")
    frames = 120
    poses = [walk.pose(frame / rigs.RATE / walk.cycle_s % 1.0, rigs.build(), Grip()) for frame in range(frames)]
    take = rigs.take(poses)
    angle = np.linspace(0, 2 * np.pi, frames)
    take.places[..., 0] += 1.5 * np.cos(angle)[:, None]
    take.places[..., 2] += 1.5 * np.sin(angle)[:, None]
    path = rigs.write_bvh(tmp_path / "circle.bvh", take)

    with pytest.raises(BattleplateError, match=r"captures\] circle: it leads .* m away from one straight way"):
        lay(world, CrowdBrief((), captures={"circle": CaptureFile(path, loop=False)}))
