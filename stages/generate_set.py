"""Have the set painted: guides of each piece from keyframes of the solved camera, through the provider of the brief."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np
import numpy.typing as npt

from assets.people.looks import set_identity
from assets.providers.asking.counter import Asker
from assets.providers.asking.desk import Desk, open_desk
from assets.providers.request import Guides, Light, Request
from assets.sets.continuing import Carried, asked_for, carried, continued
from assets.sets.fill import Seen, fill_from, seen_by
from assets.sets.kept import KeptSet, read_kept
from assets.sets.keyframes import choose, surface_quality
from assets.sets.paintings import Thrown, read_painting
from assets.sets.projection import Drawn, Piece, Projector, draw_guides, frame_piece, read_pieces
from assets.sets.surface import spread_points
from assets.takes.pieces import piece_telling
from calibration.cameras import lens_at, load_poses
from calibration.lens import undistort_points
from pipeline.errors import ConfigError, ProviderError
from pipeline.io import color, exr, images
from pipeline.io.files import replacing, write_bytes
from pipeline.provider_sections import SetProviders
from pipeline.sections import SetBrief, SetPicks
from pipeline.stage import Progress, silent, stage
from pipeline.types import CameraTrack, Lens, Mattes, Plate, SetLayout, SetPaintings, SunLight
from stages.set_around import plate_around

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
_CANDIDATES = 7  # frames tried as keyframes, spread over the shot
_LOOK_PX = 320  # longest side at which they are tried
_LOOK_POINTS = 20_000  # of a piece's surface, by which they are judged


@dataclass(frozen=True, slots=True)
class Params:
    """How the set is painted."""

    steps: int = 2
    seed: int = 1
    overscan: float = 0.3  # of the picture's size, painted beyond each edge for a camera that moves
    sharpness: float = 2.0  # painted pixels per plate pixel, where the camera comes closest
    most_px: int = 1536  # longest side of a painting
    keyframes: int = 2  # at most, per piece
    new_share: float = 0.06  # of all that is seen, at the best it is seen, that a further keyframe must add

    def __post_init__(self) -> None:
        limits = (("steps", 1, 50), ("overscan", 0, 2), ("sharpness", 0.25, 4),
                  ("most_px", 64, 8192), ("keyframes", 1, 7), ("new_share", 0, 1), ("seed", 0, 2**31))  # fmt: skip
        for name, low, high in limits:
            if not low <= getattr(self, name) <= high:
                raise ConfigError(f"generate_set.{name} is {getattr(self, name)}, must be {low} to {high}. Change it.")


@stage(data=("assets/models/battleplate-sprites",))
def generate_set(
    providers: SetProviders,
    plate: Plate,
    track: CameraTrack,
    mattes: Mattes,
    layout: SetLayout,
    brief: SetBrief,
    facts: SunLight,
    params: Params,
    out: Path,
    shared: Path,
    picks: SetPicks = SetPicks(),  # noqa: B008 (frozen)
    progress: Progress = silent,
) -> SetPaintings:
    """Paint every piece from its keyframes; each painting is an EXR of RGBA and Z, its projector stands in the index.

    Raises ProviderError when the provider cannot do it, AssetError for a material, piece or take that is not
    there.
    """
    pieces, poses = read_pieces(layout), load_poses(track)
    desk = open_desk(providers.entries, shared, asker=Asker.of(out))
    most_px = min(params.most_px, desk.capabilities.max_side_px)
    kept_sets = {piece.name: read_kept(piece.asset) for piece in brief.pieces if piece.asset}
    worn = {piece.name: _worn_already(piece, kept_sets.get(piece.name), out / "paintings") for piece in pieces}
    chosen = {piece.name: keyframes(piece, track, poses, params, most_px, worn[piece.name].earlier) for piece in pieces}
    fills_in = _fills_in(desk)
    total, entries, strips = sum(map(len, chosen.values())), list[dict[str, Any]](), list[Floats]()
    for piece in pieces:
        otherwise = params.seed + piece.seed % 1_000_003
        told = piece_telling(piece.name, piece.seed, picks, desk, otherwise=otherwise)
        had = worn[piece.name]
        seen, earlier, light = list(had.seen), list(had.earlier), had.light or facts
        entries += had.entries
        for frame, projector in chosen[piece.name]:
            progress(len(strips), total, f"{piece.name}, frame {frame}")
            drawn, kept = draw_guides(piece, projector), carried(piece, projector, earlier)
            if fills_in:
                around = plate_around(plate, mattes, frame, projector, lens_at(track, frame))
                drawn = replace(drawn, guides=_with_init(drawn.guides, kept, around))
            request = told.told(piece_request(piece, projector, drawn, light, params))
            name = f"{piece.name}.{frame}.exr"
            entry, rgba = _paint(desk, request, projector, drawn, kept, out / "paintings" / name)
            entries.append(
                {**entry, "piece": piece.name, "keyframe": frame, "file": name, "fill": f"{piece.name}.fill.npz"}
            )
            strips.append(_strip(rgba, drawn))
            seen.append(seen_by(projector, drawn, rgba))
            earlier.append(Thrown.of(projector, rgba, drawn.depth, entry["bias_m"]))
        fill = fill_from(spread_points(piece), seen, light)
        fill.write(out / "paintings" / f"{piece.name}.fill.npz")
    progress(total, total, "painted")
    (out / "paintings").mkdir(parents=True, exist_ok=True)
    write_bytes(out / "index.json", (json.dumps(entries, indent=1, sort_keys=True) + "\n").encode())
    images.write_png(out / "contact_sheet.png", _sheet(strips))
    signed = desk.signature(entry["painter"] for entry in entries)
    signed = signed.beside(*(kept.about for kept in kept_sets.values()))
    return SetPaintings(
        paintings=out / "paintings",
        index=out / "index.json",
        contact_sheet=out / "contact_sheet.png",
        provider=signed.provider,
        model_digest=signed.model_digest,
        licence=signed.licence,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Worn:
    """What a piece is painted with before the shot paints it: a kept set's paintings, and the light that these are in."""

    entries: tuple[dict[str, Any], ...] = ()
    earlier: tuple[Thrown, ...] = ()
    seen: tuple[Seen, ...] = ()
    light: SunLight | None = None


def _worn_already(piece: Piece, kept: KeptSet | None, folder: Path) -> _Worn:
    """A kept set's paintings, copied into `folder` under the piece's name."""
    if kept is None:
        return _Worn()
    entries, earlier, seen = list[dict[str, Any]](), list[Thrown](), list[Seen]()
    for number, entry in enumerate(kept.entries_at(piece)):
        name, projector = f"{piece.name}.kept{number}.exr", Projector.from_entry(entry)
        with replacing(folder / name) as temporary:
            copyfile(kept.folder / entry["file"], temporary)
        rgba, depth = read_painting(folder / name)
        entries.append({**entry, "file": name, "fill": f"{piece.name}.fill.npz", "cost_usd": 0.0})
        earlier.append(Thrown.of(projector, rgba, depth, entry["bias_m"]))
        seen.append(seen_by(projector, draw_guides(piece, projector), rgba))
    return _Worn(tuple(entries), tuple(earlier), tuple(seen), kept.light_at(piece))


def keyframes(
    piece: Piece, track: CameraTrack, poses: Array, params: Params, most_px: int, earlier: Sequence[Thrown] = ()
) -> list[tuple[int, Projector]]:
    """(frame, projector) of the frames that show the piece best (assets/sets/keyframes.py): one, then whichever adds enough;
    none, where paintings that are there already (earlier) show it as well."""
    rows = sorted({round(i * (len(poses) - 1) / (_CANDIDATES - 1)) for i in range(_CANDIDATES)})
    lenses = {row: lens_at(track, track.frames.first + row) for row in rows}
    focals = {row: max(lens.focal_x_px, lens.focal_y_px) for row, lens in lenses.items()}
    windows = {row: _window(lens, params.overscan) for row, lens in lenses.items()}
    surface = spread_points(piece, _LOOK_POINTS)
    qualities: dict[int, Array] = {}
    shares: dict[int, Array] = {}
    for row in rows:
        if _ahead(piece, poses[row], windows[row]):
            small = frame_piece(piece, poses[row], 1e9, windows[row], 1.0, _LOOK_PX)
            painted = frame_piece(piece, poses[row], focals[row], windows[row], params.sharpness, most_px).focal_px
            qualities[row], shares[row] = surface_quality(piece, surface, small, painted)
    if not any(share.any() for share in shares.values()):
        raise ConfigError(f"set piece {piece.name}: no frame sees it. Move it.")
    had = [surface_quality(piece, surface, each.projector, each.projector.focal_px)[0] for each in earlier]
    known = np.max(had, axis=0) if had else None
    chosen = choose(qualities, shares, params.keyframes, params.new_share, known)
    depth = piece.vertices.mean(axis=0) @ poses[:, 2, :3].T + poses[:, 2, 3]
    nearest = float(np.min(depth[depth > 0.5])) if (depth > 0.5).any() else 1.0
    return [
        (
            track.frames.first + row,
            frame_piece(
                piece,
                poses[row],
                focals[row],
                windows[row],
                params.sharpness * max(1.0, min(4.0, depth[row] / nearest)),
                most_px,
            ),
        )
        for row in chosen
    ]


def _window(lens: Lens, overscan: float) -> tuple[float, float, float, float]:
    """What the plate's lens sees and a share beyond, as x/z, y/z: left, top, right, bottom."""
    across, down = np.linspace(0, lens.width, 33), np.linspace(0, lens.height, 33)
    edge = [(x, y) for x in across for y in (0, lens.height)] + [(x, y) for x in (0, lens.width) for y in down]
    flat = undistort_points(np.array(edge, np.float64), lens)
    low, high = flat.min(axis=0), flat.max(axis=0)
    beyond = overscan * (high - low)
    return (*(low - beyond).tolist(), *(high + beyond).tolist())


def _ahead(piece: Piece, pose: Array, window: tuple[float, float, float, float]) -> bool:
    camera = piece.vertices.astype(np.float64) @ pose[:3, :3].T + pose[:3, 3]
    flat = camera[camera[:, 2] > 0.5]
    flat = flat[:, :2] / flat[:, 2:]
    inside = (flat > window[:2]) & (flat < window[2:])
    return bool(inside.all(axis=1).any()) if len(flat) else False


def piece_request(piece: Piece, projector: Projector, drawn: Drawn, facts: SunLight, params: Params) -> Request:
    """The request for one painting, but for its seed."""
    seen_sun = projector.pose[:3, :3] @ np.array(facts.to_sun)
    sun = float(np.float32(seen_sun[0])), float(np.float32(seen_sun[1])), float(np.float32(seen_sun[2]))
    return Request(
        guides=drawn.guides,
        identity=set_identity(piece.material, np.unique(piece.parts).tolist()),
        metres_per_px=drawn.metres_per_px,
        light=Light(sun, facts.sun_rgb, facts.sky_rgb),
        steps=params.steps,
    )


def _paint(
    desk: Desk, request: Request, projector: Projector, drawn: Drawn, kept: Carried, path: Path
) -> tuple[dict[str, Any], Floats]:
    """Ask for the painting, write it; returns its entry of the index and its pixels."""
    result = desk.generate([request])[0]
    rgba = np.ascontiguousarray(continued(np.asarray(result.takes[0, 0], np.float32), kept))
    exr.write(path, {**exr.rgba_channels(rgba), "Z": drawn.depth})
    entry = {
        **projector.entry(),
        "request": result.request_digest,
        "painter": result.metadata["provider"],
        "cost_usd": result.cost_usd,
        "bias_m": round(3 * drawn.metres_per_px + 0.05, 4),
        "metres_per_px": round(drawn.metres_per_px, 6),
    }
    return entry, rgba


def _fills_in(desk: Desk) -> bool:
    """Whether everybody who may be asked goes on from a picture where a mask says so."""
    able = []
    for entry in desk.entries:
        try:
            able.append({"init", "mask"} <= desk.opened(entry).capabilities.guides)
        except ProviderError:  # it cannot be opened, and is not asked
            continue
    return bool(able) and all(able)


def _with_init(guides: Guides, kept: Carried, around: Floats) -> Guides:
    given = {name: guide[0] for name, guide in guides.given().items()}
    init, mask = asked_for(kept, given["coverage"], around)
    return Guides.image(**given, init=init, mask=mask)


def _strip(rgba: Floats, drawn: Drawn) -> Floats:
    """Painting, then what it was painted by: normals and relief; (H, 3 W, 3) display values 0..1."""
    grey = np.full((*rgba.shape[:2], 3), 0.18, np.float32)
    painting = color.to_display(rgba[..., :3] + (1 - rgba[..., 3:]) * grey)
    given = drawn.guides.given()
    normals = (given["normals"][0] * (0.5, -0.5, -0.5) + 0.5) * given["coverage"][0][..., None]
    relief = given["depth"][0]
    span = max(float(np.ptp(relief)), 1e-6)
    relief = np.where(given["coverage"][0] > 0, (relief - relief.min()) / span, 0)[..., None].repeat(3, axis=-1)
    return np.concatenate([painting, normals, relief], axis=1).astype(np.float32)


def _sheet(strips: list[Floats]) -> npt.NDArray[np.uint8]:
    """All strips, one below the other."""
    if not strips:
        return np.full((16, 16, 3), 32, np.uint8)
    width = max(strip.shape[1] for strip in strips)
    padded = [np.pad(strip, ((0, 8), (0, width - strip.shape[1]), (0, 0))) for strip in strips]
    return np.asarray(np.clip(np.concatenate(padded) * 255 + 0.5, 0, 255), np.uint8)
