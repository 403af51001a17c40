"""The crowd before it is generated: figures where the distorted projection puts them, and who is at a pixel."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from assets.guides.crowd_guides import crowd_guides
from assets.guides.optics import optics
from assets.people.characters import load_character
from assets.people.mesh import posed_mesh
from assets.preview.figures import FADE_S, draw_figures, leaving, read_crowd
from assets.preview.picking import pick
from assets.view import View
from calibration.cameras import look_at, pixel_rays_world, to_camera
from calibration.lens import project, rays
from pipeline.errors import AssetError
from pipeline.frames import FrameRange
from pipeline.types import CrowdLayout, Lens

LENS = Lens(400, 240, 360.0, 358.0, 203.0, 117.0, -0.16, 0.03, 8e-4, -5e-4)  # 14 px of barrel in the corners
EYE = np.array([0.3, 1.9, 0.5])
FRAMES = FrameRange(1001, 1003)
PLACES = [(-3.2, 0.1, -7.0), (0.2, -0.1, -9.0), (4.4, 0.3, -11.0), (1.1, 0.0, -16.0), (-1.6, 0.2, -30.0)]
YAWS = [0.4, 0.0, -0.6, 2.5, 0.1]


def view_of(lens=LENS):
    pose = look_at(EYE, (0.2, 1.0, -10.0), np.array([0.03, 1.0, 0.0]) / np.hypot(0.03, 1.0))
    return View(rays(lens), lambda points: project(points, lens), pose, pose, 0)


def layout_of(folder, places=PLACES, yaws=YAWS, motions=("idle",), character="archer"):
    folder.mkdir(parents=True, exist_ok=True)
    count, shape = len(places), (len(FRAMES), len(places))
    agents = [
        {"id": 100_001 + i, "name": f"north.{i + 1:05d}", "zone": "north" if i < 3 else "south",
         "character": character, "motion": motions[0], "scale": 1 + 0.02 * i, "seed": 17 * i + 1}
        for i in range(count)
    ]  # fmt: skip
    arrays = {
        "positions": np.broadcast_to(np.array(places, np.float32).reshape(-1, 3), (*shape, 3)),
        "yaws": np.broadcast_to(np.array(yaws, np.float32), shape),
        "phases": np.full(shape, 0.25, np.float32),
        "motions": np.broadcast_to(np.arange(len(FRAMES))[:, None] % len(motions), shape).astype(np.uint8),
    }
    (folder / "agents.json").write_text(json.dumps(agents))
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    files = [folder / f"{name}.npy" for name in ("positions", "yaws", "phases", "motions")]
    return CrowdLayout(folder / "agents.json", *files, FRAMES, count, motions)


def drawn_by(view, crowd, row, **options):
    return draw_figures(view, crowd, row, optics(view.rays, view.project), **options)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    return read_crowd(layout_of(tmp_path_factory.mktemp("layout")))


def true_points(crowd, row, agent):
    """World vertices of the finest mesh, placed by hand."""
    mesh = posed_mesh(load_character(crowd.characters[agent]), crowd.motion(row, agent), crowd.phases[row, agent])
    yaw, scale = crowd.yaws[row, agent], crowd.scales[agent]
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    return scale * mesh.vertices @ turn.T + crowd.positions[row, agent], mesh.triangles


def test_head_and_feet_are_drawn_where_the_distorted_projection_puts_them(crowd):
    view = view_of()

    drawn = drawn_by(view, crowd, 0).agents

    for agent in range(3):  # the other two are partly hidden
        points, _ = true_points(crowd, 0, agent)
        pixels = project(to_camera(points, view.pose), LENS)
        rows, columns = np.nonzero(drawn == agent)
        assert abs(rows.min() - pixels[:, 1].min()) < 1, "head"
        assert abs(rows.max() + 1 - pixels[:, 1].max()) < 1, "feet"
        assert abs(columns.min() - pixels[:, 0].min()) < 1
        assert abs(columns.max() + 1 - pixels[:, 0].max()) < 1


def test_the_undistorted_place_would_be_elsewhere(crowd):
    """Otherwise the test above would prove nothing of the lens."""
    points, _ = true_points(crowd, 0, 0)
    camera = to_camera(points, view_of().pose)

    bend = project(camera, LENS) - project(camera, replace(LENS, k1=0.0, k2=0.0, p1=0.0, p2=0.0))

    assert np.linalg.norm(bend, axis=1).max() > 3


def hit_by_ray(crowd, row, view, x, y):
    """Depth and row of the agent whose finest mesh the ray of a pixel's centre meets first; -1: nobody. Moeller and Trumbore, slow."""
    centre, way = pixel_rays_world(np.array([x + 0.5, y + 0.5]), LENS, view.pose)
    best = (np.inf, -1)
    for agent in range(len(crowd.ids)):
        points, triangles = true_points(crowd, row, agent)
        a, b, c = (points[triangles[:, corner]] for corner in range(3))
        across = np.cross(way, c - a)
        volume = ((b - a) * across).sum(axis=1)
        with np.errstate(all="ignore"):
            u = ((centre - a) * across).sum(axis=1) / volume
            side = np.cross(centre - a, b - a)
            v = side @ way / volume
            far = ((c - a) * side).sum(axis=1) / volume
            hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (far > 0)
        if hit.any():
            best = min(best, (float(far[hit].min()), agent))
    return best


def test_the_picked_agent_is_the_one_that_a_ray_of_the_pixel_meets(crowd):
    view = view_of()
    agents = drawn_by(view, crowd, 0).agents
    inside = agents.copy()  # edges may differ by the stand-in's coarseness
    for shift in (-1, 1):
        for axis in (0, 1):
            inside[np.roll(agents, shift, axis) != agents] = -1
    rows, columns = np.nonzero(inside >= 0)
    chosen = np.random.default_rng(3).choice(len(rows), 30, replace=False)

    for y, x in zip(rows[chosen], columns[chosen], strict=True):
        depth, agent = hit_by_ray(crowd, 0, view, x, y)
        found = pick(view, crowd, 0, float(x), float(y))

        assert (found.agent, found.away_px) == (agent, 0)
        assert abs(found.depth_m - depth) < 0.15


def test_beside_somebody_the_nearest_is_picked_and_said_to_be_beside(crowd):
    view = view_of()
    rows, columns = np.nonzero(drawn_by(view, crowd, 0).agents == 0)
    left = int(columns.min())
    line = int(rows[columns == left][0])

    found = pick(view, crowd, 0, left - 5.0, float(line))

    assert found.agent == 0
    assert 3 < found.away_px <= 5


@pytest.mark.parametrize(
    ("pixel", "message"), [((400.0, 10.0), "outside the plate of 400 x 240"), ((5.0, 5.0), "nobody is drawn within")]
)
def test_a_bad_pixel_gets_one_clear_line(crowd, pixel, message):
    with pytest.raises(AssetError, match=message) as caught:
        pick(view_of(), crowd, 0, *pixel)

    assert "\n" not in str(caught.value)


def test_an_agent_does_what_the_frame_says(tmp_path):
    """Per-frame motions: the second frame lies on the ground."""
    crowd = read_crowd(layout_of(tmp_path, PLACES[1:2], YAWS[1:2], ("idle", "fall", "idle")))
    crowd.phases[1] = 0.999

    tall = [np.ptp(np.nonzero(drawn_by(view_of(), crowd, row).agents == 0)[0]) for row in range(3)]

    assert tall[1] < 0.6 * tall[0]
    assert tall[2] == tall[0]


def test_nobody_in_view_draws_nothing(tmp_path):
    behind = read_crowd(layout_of(tmp_path, [(0.0, 0.0, 9.0)], [0.0]))

    drawn = drawn_by(view_of(), behind, 0)

    assert (drawn.agents == -1).all()
    assert np.isinf(drawn.depth).all()


def test_files_that_do_not_belong_together_are_refused(tmp_path):
    layout = layout_of(tmp_path)
    np.save(layout.yaws, np.zeros((2, 2), np.float32))

    with pytest.raises(AssetError, match="do not belong together"):
        read_crowd(layout)


def changing(folder, motions, per_frame, frames):
    """One archer who does motions[per_frame[row]] on each row."""
    layout = layout_of(folder, PLACES[1:2], YAWS[1:2], motions)
    shape = (frames, 1)
    np.save(layout.positions, np.broadcast_to(np.float32(PLACES[1]), (*shape, 3)))
    np.save(layout.yaws, np.zeros(shape, np.float32))
    np.save(layout.phases, np.linspace(0, 0.5, frames, dtype=np.float32)[:, None])
    np.save(layout.motions, np.array(per_frame, np.uint8)[:, None])
    return read_crowd(replace(layout, frames=FrameRange(1001, 1000 + frames)))


def test_nobody_jumps_when_his_motion_changes(tmp_path):
    """From standing to cheering with raised arms: no frame changes much more of the outline than the others do."""
    crowd = changing(tmp_path, ("idle", "cheer"), [0] * 4 + [1] * 20, 24)
    fades = round(FADE_S * crowd.frames_per_second)

    outlines = [drawn_by(view_of(), crowd, row).agents == 0 for row in range(3, 5 + fades)]
    steps = [(a != b).sum() for a, b in pairwise(outlines)]

    crowd.motions[:] = 1
    at_once = (outlines[0] != (drawn_by(view_of(), crowd, 4).agents == 0)).sum()
    assert max(steps) < 0.5 * at_once


def test_a_motion_fades_out_before_the_next_begins(tmp_path):
    crowd = changing(tmp_path, ("idle", "cheer", "draw"), [0, 0, 0, 1, 1, 1, 1] + [2] * 17, 24)

    left = np.array([leaving(crowd, row).shares[0] for row in range(24)])

    assert (left[:3] == 0).all(), "nothing was before"
    assert (np.diff(left[3:7]) < 0).all()
    assert left[6] == 0, "the next one begins from the whole of this one"
    assert leaving(crowd, 4).doing[0] == 0
    assert leaving(crowd, 8).doing[0] == 1
    assert (left[7:] < 1).all()
    assert (left[7 + round(FADE_S * 24) :] == 0).all()


def test_the_motion_before_goes_on_while_it_fades(tmp_path):
    crowd = changing(tmp_path, ("march", "idle"), [0] * 8 + [1] * 16, 24)
    step = 0.5 / 23

    assert leaving(crowd, 9).phases[0] == pytest.approx(crowd.phases[7, 0] + 2 * step, abs=1e-6)


def test_far_figures_are_coarser_than_near_ones_at_the_size_that_is_shown(crowd, monkeypatch):
    from assets.preview import figures

    worn = {}

    def watched(people, view, lens, *rest):
        worn[len(worn)] = guides = crowd_guides(people, view, lens, *rest)
        return guides

    monkeypatch.setattr(figures, "crowd_guides", watched)
    drawn_by(view_of(), crowd, 0)
    drawn_by(view_of(), crowd, 0, samples=2)

    assert worn[0].levels[4] > worn[0].levels[0]
    assert (worn[1].levels >= worn[0].levels).all()
    assert worn[1].levels[0] > worn[0].levels[0]


def test_legs_follow_the_slope_of_the_ground(tmp_path):
    """On ground that falls to the right of the picture, feet apart stand apart in height."""
    crowd = read_crowd(layout_of(tmp_path, [(0.2, 0.0, -7.0)], [0.0]))

    level = drawn_by(view_of(), crowd, 0).agents == 0
    steep = drawn_by(view_of(), crowd, 0, slope=lambda x, z: np.tile([-0.5, 0.0], (len(x), 1))).agents == 0

    middle = np.nonzero(level)[1].mean()
    lowest = [max(np.nonzero(mask[:, int(middle) :])[0]) for mask in (level, steep)]
    assert lowest[1] > lowest[0]
    assert np.nonzero(level)[0].min() == np.nonzero(steep)[0].min(), "the head stays"
