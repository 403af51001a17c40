"""Standing a solve by what [world] says, measured in pictures of a scene whose world is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from calibration import cameras
from calibration.lens import project
from calibration.solve.align import Alignment
from calibration.solve.evaluate import compare
from calibration.solve.solved import Solve
from calibration.solve.stand import Given, Standing, moved, stand
from calibration.solve.trackview import TrackView, open_view
from pipeline.errors import BattleplateError
from pipeline.sections import CameraFacts, MatteSource
from pipeline.world_sections import Distance, Person, SurveyPoint, WorldFacts
from tests.scenes import Scene, write_shot

SCENE = Scene(width=320, height=180, frames=8, step_m=(0.1, 0.0, -0.06))
POSES = np.array([SCENE.camera_from_world(frame) for frame in SCENE.range])
COLMAPS = Alignment(0.31, Rotation.from_rotvec([1.1, -2.0, 0.7]).as_matrix(), np.array([4.0, -2.0, 9.0]))
# Pixels of frame 1006 on walls and ground, away from edges.
ON_WALLS = {"left": (50.0, 70.0), "low": (65.0, 100.0), "right": (240.0, 60.0), "ridge": (170.0, 84.0)}
ON_GROUND = ((1006, 40.0, 140.0), (1006, 160.0, 150.0), (1006, 250.0, 140.0), (1006, 190.0, 120.0))


@dataclass(frozen=True)
class Stage:
    view: TrackView
    true: Solve
    lost: Solve  # the same in COLMAP's world

    def stand(self, wanted: WorldFacts, height_m: float = 0.0, given: Given | None = None) -> Standing:
        return stand(self.lost, self.view, CameraFacts(height_m=height_m), wanted, 1, given)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    shot = write_shot(SCENE, tmp_path_factory.mktemp("shot"), noise_px=0.0)
    seen = np.load(shot.track.observations).astype(float)
    seen[:, 0] -= 1001
    true = Solve(POSES, SCENE.lens, np.load(shot.track.points).astype(float), seen)
    return Stage(open_view(shot.plate, MatteSource(), None, 1920), true, moved(true, COLMAPS))


def at_pixel(frame: int, px: tuple[float, float]) -> np.ndarray:
    """What the scene shows there, in its own world."""
    depth = SCENE.depth_m(frame)[int(px[1]), int(px[0])]
    start, way = cameras.pixel_rays_world(px, SCENE.lens, SCENE.camera_from_world(frame))
    return np.asarray(start + depth * way)


def px_of(point: np.ndarray, frame: int = 1006) -> tuple[float, float]:
    x, y = project(cameras.to_camera(np.asarray(point)[None], SCENE.camera_from_world(frame)), SCENE.lens)[0]
    return float(x), float(y)


def survey() -> tuple[SurveyPoint, ...]:
    return tuple(SurveyPoint(name, tuple(map(float, at_pixel(1006, px))), 1006, px) for name, px in ON_WALLS.items())


def refused(stage: Stage, wanted: WorldFacts, height_m: float = 0.0) -> str:
    with pytest.raises(BattleplateError) as caught:
        stage.stand(wanted, height_m)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_surveyed_points_bring_their_world(stage: Stage):
    got = stage.stand(WorldFacts(points=survey()))

    apart = np.linalg.norm(cameras.camera_centre(got.solve.poses) - cameras.camera_centre(POSES), axis=1)
    rows = got.figures["world"]["survey"]
    assert compare(got.solve.poses, POSES).scale == pytest.approx(1, abs=0.01)
    assert apart.max() < 0.15
    assert [row["name"] for row in rows] == list(ON_WALLS)
    assert max(row["miss_m"] for row in rows) < 0.15
    assert "survey: 4 points" in got.scale_from


def test_a_survey_with_z_up_is_the_same_world(stage: Stage):
    turned = tuple(replace(p, at_m=(p.at_m[0], -p.at_m[2], p.at_m[1])) for p in survey())

    np.testing.assert_allclose(
        stage.stand(WorldFacts(points=turned, survey_up="Z")).solve.poses,
        stage.stand(WorldFacts(points=survey())).solve.poses,
        atol=1e-9,
    )


def test_a_survey_in_a_line_and_a_wrong_point_are_refused(stage: Stage):
    points = survey()
    a, b = (np.array(points[n].at_m) for n in (0, 2))
    line = (points[0], points[2], SurveyPoint("between", tuple(map(float, (a + b) / 2)), 1006, px_of((a + b) / 2)))
    wrong = (*points[:3], replace(points[3], at_m=(points[3].at_m[0] + 9.0, *points[3].at_m[1:])))

    assert "points lie in a line" in refused(stage, WorldFacts(points=line))
    assert "misses its place by" in refused(stage, WorldFacts(points=wrong))


def test_marks_of_the_ground_say_up_and_where_it_is(stage: Stage):
    got = stage.stand(WorldFacts(ground_px=ON_GROUND), height_m=1.7)

    marks = [at_pixel(frame, (x, y)) for frame, x, y in ON_GROUND]
    start = compare(got.solve.poses, POSES)
    up = np.linalg.svd(np.array(marks) - np.mean(marks, axis=0))[2][2]
    tilt = np.degrees(np.arccos(abs((POSES[0, :3, :3].T @ got.solve.poses[0, :3, :3])[:, 1] @ up)))
    assert tilt < 1.0
    assert start.scale == pytest.approx(1, abs=0.12)  # the ground under the dolly lies a little lower
    assert got.figures["world"]["up_from"] == "4 marks of the ground"
    assert cameras.camera_centre(got.solve.poses[0])[1] == pytest.approx(1.7)


def test_upright_lines_say_up(stage: Stage):
    lines = []
    for x, z in ((-5.0, -14.2), (3.0, -8.9), (0.5, -25.0)):
        lines.append((1006, *px_of(np.array([x, 0.0, z])), *px_of(np.array([x, 2.0, z]))))

    got = stage.stand(WorldFacts(upright_px=tuple(lines)), height_m=1.7)

    up = (POSES[0, :3, :3].T @ got.solve.poses[0, :3, :3])[:, 1]
    assert np.degrees(np.arccos(np.clip(up[1], -1, 1))) < 0.05
    assert got.figures["world"]["up_from"] == "3 upright lines"


def test_a_known_distance_sets_the_metre_and_the_height_is_held_against_it(stage: Stage):
    (_, a), (_, b) = list(ON_WALLS.items())[0::2]
    metres = float(np.linalg.norm(at_pixel(1006, a) - at_pixel(1006, b)))
    wanted = WorldFacts(ground_px=ON_GROUND, distances=(Distance("gate", metres, 1006, a, b),))

    got = stage.stand(wanted, height_m=1.7)

    assert compare(got.solve.poses, POSES).scale == pytest.approx(1, abs=0.01)
    assert got.scale_from == f"gate, {metres:g} m"
    assert "camera height from [camera]: 1.7 m: " in got.figures["world"]["metres_beside"]
    assert "gate, " in refused(stage, wanted, height_m=3.0)
    assert "contradict each other" in refused(stage, wanted, height_m=3.0)


def test_a_person_sets_the_metre(stage: Stage):
    """He stands where the ground's plane is."""
    foot = at_pixel(1006, ON_GROUND[1][1:])
    person = Person("guard", 1.8, 1006, px_of(foot + np.array([0, 1.8, 0])), ON_GROUND[1][1:])

    got = stage.stand(WorldFacts(ground_px=ON_GROUND, people=(person,)))

    assert compare(got.solve.poses, POSES).scale == pytest.approx(1, abs=0.04)
    assert got.scale_from == "guard, 1.8 m tall"
    upside_down = replace(person, head_px=person.foot_px, foot_px=(160.0, 176.0))
    assert "head_px is not above foot_px" in refused(
        stage, WorldFacts(ground_px=ON_GROUND, people=(replace(upside_down, head_px=(160.0, 179.0)),))
    )


def test_origin_and_direction_are_where_they_were_marked(stage: Stage):
    wanted = WorldFacts(ground_px=ON_GROUND, origin_px=ON_GROUND[1], ahead_px=(1006, 160.0, 150.0, 250.0, 140.0))

    got = stage.stand(wanted, height_m=1.7)

    pose = got.solve.poses[5]
    origin = project(cameras.to_camera([[0.0, 0, 0]], pose), SCENE.lens)[0]
    start, way = cameras.pixel_rays_world((250.0, 140.0), SCENE.lens, pose)
    x, y, z = cameras.meet_plane(start, way)
    np.testing.assert_allclose(origin, ON_GROUND[1][1:], atol=1e-6)
    assert abs(x) < 1e-9
    assert abs(y) < 1e-9
    assert z < -0.5
    assert got.figures["world"]["origin_from"] == "origin_px, frame 1006"


def test_a_given_world_keeps_its_metres_unless_a_length_says_otherwise(stage: Stage):
    given = replace(stage, lost=stage.true)

    kept = given.stand(WorldFacts(), height_m=9.0, given=Given("a.chan", 0.01))
    (_, a), (_, b) = list(ON_WALLS.items())[0::2]
    metres = 1.1 * float(np.linalg.norm(at_pixel(1006, a) - at_pixel(1006, b)))
    longer = given.stand(WorldFacts(distances=(Distance("gate", metres, 1006, a, b),)), given=Given("a.chan", 0.01))

    assert compare(kept.solve.poses, POSES).scale == pytest.approx(1, abs=1e-9)
    assert compare(longer.solve.poses, POSES).scale == pytest.approx(1 / 1.1, abs=0.01)


def test_marks_that_mean_nothing_are_refused(stage: Stage):
    line = ((1006, 40.0, 140.0), (1006, 100.0, 140.0), (1006, 160.0, 140.0))
    sky = (1006, 160.0, 8.0)

    assert "frame 1099 is not of the plate, 1001-1008" in refused(stage, WorldFacts(origin_px=(1099, 1.0, 1.0)))
    assert "lies off the plate, 320 x 180" in refused(stage, WorldFacts(ground_px=((1006, 400.0, 20.0),)))
    assert "above the horizon" in refused(stage, WorldFacts(origin_px=sky), 1.7)
    assert "lie in a line" in refused(stage, WorldFacts(ground_px=line))
    assert "the plane through all" in refused(stage, WorldFacts(ground_px=(*ON_GROUND[:3], (1006, 240.0, 60.0))))
    with pytest.raises(BattleplateError, match="at least 3 are needed"):
        WorldFacts(points=survey()[:2])
    with pytest.raises(BattleplateError, match="one line does not say up"):
        WorldFacts(upright_px=((1006, 1.0, 2.0, 3.0, 4.0),))
