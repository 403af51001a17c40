"""Sets painted in tests of generate_set: a painter by rule, a camera before a wall, the stage with its usual inputs."""

import sys

import numpy as np

from assets.providers.asking.desk import Desk
from assets.providers.base import UNWATCHED, Capabilities
from assets.providers.request import GUIDE_CHANNELS, Result
from calibration.cameras import look_at
from calibration.lens import undistort_points
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import exr
from pipeline.provider_sections import BUILTIN, SetProviders
from pipeline.sections import LightFacts, SetBrief, SetPicks, SetPiece
from pipeline.types import CameraTrack, Ground, Lens, Mattes, Plate
from stages.generate_set import Params, generate_set
from stages.lay_out_set import Params as Placing
from stages.lay_out_set import lay_out_set

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


def sky(rays):
    """What the plate shows along undistorted rays (..., 2)."""
    return np.stack([0.4 + 0.3 * rays[..., 0], 0.4 + 0.3 * rays[..., 1], 0.5 + 0 * rays[..., 0]], axis=-1).astype(
        np.float32
    )


def desk_of(painter, shared):
    return Desk((BUILTIN,), shared, opening=lambda entry: painter, share=False)


def at_every_desk(painter, monkeypatch):
    """Whatever desk generate_set opens, `painter` sits there; returns it."""
    monkeypatch.setattr(
        sys.modules[Params.__module__], "open_desk", lambda entries, shared, **words: desk_of(painter, shared)
    )
    return painter


def world_of(folder):
    """A plate without people, its camera and ground, by name; `folder` is where it lies."""
    poses = [look_at((0.3 * i, 1.8, -0.5 * i), (0.2 * i, 4.0, -40.0)) for i in range(len(FRAMES))]
    np.save(folder / "poses.npy", np.stack(poses))
    np.save(folder / "heights.npy", np.zeros((2, 2), np.float32))
    file = folder / "none"
    rays = undistort_points(np.stack(np.meshgrid(np.arange(LENS.width), np.arange(LENS.height)), -1) + 0.5, LENS)
    files = FrameFiles(folder, "plate.%04d.exr", FRAMES)
    for path in files:
        exr.write(path, dict(zip("RGB", np.moveaxis(sky(rays), -1, 0), strict=True)))
    mattes = FrameFiles(folder, "matte.%04d.exr", FRAMES)
    for path in mattes:
        nobody = np.zeros((LENS.height, LENS.width), np.float16)
        exr.write(path, {"A": nobody, "Z": np.full(nobody.shape, np.inf, np.float32)})
    return {
        "mattes": Mattes(mattes, "nobody"),
        "plate": Plate(files, LENS.width, LENS.height, 1.0, FrameRate(24), "", "ACEScg"),
        "track": CameraTrack(folder / "poses.npy", file, file, file, file, FRAMES, LENS, 0.1, "truth"),
        "ground": Ground(folder / "heights.npy", -100.0, -100.0, 200.0, file),
        "folder": folder,
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


def walked_round(world):
    """A camera that walks from one side of the wall to the other."""
    spots = [(40 * np.sin(a) + 1, 2.0, -40 + 40 * np.cos(a)) for a in np.linspace(-0.6, 1.3, len(FRAMES))]
    np.save(world["track"].poses, np.stack([look_at(spot, (1.0, 3.0, -40.0)) for spot in spots]))
