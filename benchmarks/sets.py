"""Does a painted set stay on its surface, and is it as quiet as a plate? `python -m benchmarks.sets`, or `make bench-sets`.

A wall, a tower and a gate before a camera that travels and turns, through a lens that bends, painted by the model that ships.
Every frame is told from the middle one by the solved motion of the surface; what optical flow (DIS) finds between what is
told and what is drawn is how far the paint slid. Flow itself is measured on a known shift first.
Flicker is told by sets_flicker. BATTLEPLATE_SHOT may name the folder of a finished demo shot: the solved camera's
slide against the true one. Speed: one frame beside Blender's Cycles with the same mesh and painting.
"""

from __future__ import annotations

import json
import os
import tempfile
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from assets.sets.layer import draw_set
from assets.sets.paintings import Painting, load_paintings
from assets.sets.projection import Piece, read_pieces
from assets.view import Buffers
from benchmarks import sets_blender, sets_flicker, sets_speed
from benchmarks.sets_told import Told, told_of
from calibration.cameras import load_poses, look_at, to_camera
from calibration.lens import project
from calibration.solve.locked import similarity_of_poses
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.provider_sections import SetProviders
from pipeline.sections import SetBrief, SetPiece
from pipeline.types import CameraTrack, Ground, Lens, Mattes, Plate, SetPaintings, SunLight
from stages.generate_set import Params, generate_set
from stages.lay_out_set import Params as Placing
from stages.lay_out_set import lay_out_set
from stages.seen import rays_of, view_of

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
FRAMES = FrameRange(1001, 1013)
LENS = Lens(480, 270, 420.0, 420.0, 241.5, 132.0, -0.1, 0.02, 6e-4, -4e-4)
SET = (
    SetPiece("wall", "wall", base_m=(1.0, 0.0, -40.0), width_m=24.0, height_m=9.0, yaw_deg=20.0),
    SetPiece("tower", "tower", base_m=(-14.0, 0.0, -44.0), width_m=8.0, height_m=14.0),
    SetPiece("gate", "gate", base_m=(17.0, 0.0, -46.0), width_m=12.0, height_m=11.0, yaw_deg=-10.0),
)
LIGHT = SunLight(40.0, 35.0, (2.2, 2.0, 1.7), (0.35, 0.42, 0.55))
NOBODY = Mattes(FrameFiles(Path("none"), "none.%04d.exr", FRAMES), "nobody")
SHIFT = (0.37, -0.22)  # pixels: the known shift


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        track = _track(folder)
        ground = Ground(_saved(folder / "heights.npy", np.zeros((2, 2), np.float32)), -100.0, -100.0, 200.0, folder)
        layout = lay_out_set(brief=SetBrief(SET), track=track, ground=ground, params=Placing(), out=folder / "set")
        painted = generate_set(
            providers=SetProviders(), plate=_unread(folder), mattes=NOBODY, track=track, layout=layout, brief=SetBrief(SET), facts=LIGHT,
            params=Params(most_px=640), out=folder / "paintings", shared=folder / "_show",
        )  # fmt: skip
        pieces, paintings = read_pieces(layout), load_paintings(painted)

        def drawn(frame: int) -> Buffers:
            view = view_of(track, frame)
            return draw_set(view, partial(rays_of, track.lens), pieces, paintings, LENS.focal_x_px)

        told = told_of(track, {frame: drawn(frame) for frame in FRAMES})
        print(_slide(told))
        for line in sets_flicker.figures(told, pieces, paintings, folder):
            print(line)
        shot = os.environ.get("BATTLEPLATE_SHOT")
        print(_solved(Path(shot)) if shot else "solved camera: name a finished demo shot's folder in BATTLEPLATE_SHOT")
        for line in sets_speed.figures(track, pieces, paintings):
            print(line)
        print(_beside_blender(track, pieces, paintings, painted))


def _beside_blender(
    track: CameraTrack, pieces: tuple[Piece, ...], paintings: tuple[Painting, ...], painted: SetPaintings
) -> str:
    """The wall alone, with one painting."""
    [entry, *_] = [each for each in json.loads(painted.index.read_text()) if each["piece"] == "wall"]
    [wall] = [piece for piece in pieces if piece.name == "wall"]
    one = next(painting for painting in paintings if painting.piece == "wall")
    view, rays_at = view_of(track, FRAMES.first), partial(rays_of, track.lens)
    ours = sets_speed.best(lambda: draw_set(view, rays_at, (wall,), (one,), LENS.focal_x_px))
    return sets_blender.report(wall, painted.paintings / entry["file"], entry, load_poses(track)[0], LENS, ours)


def _track(folder: Path) -> CameraTrack:
    poses = [look_at((0.24 * i, 1.8 + 0.04 * i, -0.5 * i), (0.2 * i, 4.0, -40.0)) for i in range(len(FRAMES))]
    none = folder / "none"
    return CameraTrack(
        _saved(folder / "poses.npy", np.stack(poses)), none, none, none, none, FRAMES, LENS, 0.1, "truth"
    )


def _unread(folder: Path) -> Plate:
    """The painter that ships does not go on from a plate."""
    return Plate(FrameFiles(folder, "none.%04d.exr", FRAMES), LENS.width, LENS.height, 1.0, FrameRate(24), "", "ACEScg")


def _saved(path: Path, array: NDArray) -> Path:
    np.save(path, array)
    return path


def _slide(told: Told) -> str:
    middle = (FRAMES.first + FRAMES.last) // 2
    known = cv2.warpAffine(
        told.pictures[middle], np.float32([[1, 0, SHIFT[0]], [0, 1, SHIFT[1]]]),
        told.pictures[middle].shape[::-1], flags=cv2.INTER_LANCZOS4,
    )  # fmt: skip
    inside = cv2.erode(told.solid[middle].astype(np.uint8), np.ones((13, 13))) > 0
    error = np.hypot(*(_dis(told.pictures[middle], known, inside) - SHIFT).T)
    slid = []
    for frame in list(FRAMES)[::2]:
        if frame != middle:
            picture, where = told.by(frame, middle)
            slid.append(np.hypot(*_dis(picture, told.pictures[frame], where).T))
    worst, every = max(np.median(one) for one in slid), np.concatenate(slid)
    return (
        f"slide: median {np.median(every):.3f} px, 95% {np.quantile(every, 0.95):.3f}, worst frame's median {worst:.3f} "
        f"(limit 0.25: {worst / 0.25:.2f} of it); a known shift is found to {np.median(error):.3f} px"
    )


def _dis(before: Floats, after: Floats, where: NDArray[np.bool_]) -> Array:
    """(N, 2) pixels that what is seen at `where` moved."""
    finder = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    finder.setFinestScale(0)
    low, high = (float(np.quantile(before[where], q)) for q in (0.005, 0.995))
    a, b = (np.uint8(np.clip((p - low) / (high - low), 0, 1) * 255) for p in (before, after))
    a, b = np.where(where, a, 0).astype(np.uint8), np.where(where, b, 0).astype(np.uint8)
    within = cv2.erode(where.astype(np.uint8), np.ones((9, 9))) > 0
    return np.asarray(finder.calc(a, b, None)[within], np.float64)


def _solved(shot: Path) -> str:
    """How far the solved camera lets the demo's set slide from where the true one would show it, since the middle frame."""
    done = {name: shot / name / json.loads((shot / name / "latest.json").read_text())["fingerprint"]
            for name in ("solve_camera", "lay_out_set")}  # fmt: skip
    truth = json.loads((Path(__file__).parents[1] / "assets/demo/truth/camera.json").read_text())
    poses = np.load(next(done["solve_camera"].rglob("poses.npy")))
    true = np.stack([np.array(truth["camera_from_world"][str(f)]) for f in range(1001, 1001 + len(poses))])
    receipt = json.loads((done["solve_camera"] / "receipt.json").read_text())
    lens = Lens(**_found(receipt, "focal_x_px"))  # type: ignore[arg-type]
    true_lens = Lens(**truth["lens"])
    scale, turn, shift = similarity_of_poses(poses, true)
    vertices = np.load(next(done["lay_out_set"].rglob("*.npz")))["vertices"].astype(np.float64)
    there = scale * vertices @ turn.T + shift
    off = np.stack([project(to_camera(vertices, p), lens) - project(to_camera(there, t), true_lens)
                    for p, t in zip(poses, true, strict=True)])  # fmt: skip
    slid = np.hypot(*np.moveaxis(off - off[len(off) // 2], -1, 0))
    return (
        f"solved camera, demo: the set slides {np.median(slid):.3f} px (95% {np.quantile(slid, 0.95):.3f}, limit 0.25)"
    )


def _found(tree: object, key: str) -> dict[str, float]:
    """The first table in a receipt that has `key`."""
    below = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    if isinstance(tree, dict) and key in tree:
        return tree
    return next((found for each in below if (found := _found(each, key))), {})


if __name__ == "__main__":
    main()
