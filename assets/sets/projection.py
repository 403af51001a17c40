"""Paint geometry through a projector: frame a piece, draw the guides that a generator paints by.

A projector is a pinhole at a keyframe's pose, cut out around the piece with overscan, in its own resolution.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from assets.providers.request import Guides, SetPart
from assets.sets.lines import drawn_lines
from assets.sets.masonry import turned
from assets.sets.stonework import ROUGH, rough_normals, stone_normals
from pipeline.errors import AssetError
from pipeline.kernels.raster import empty_buffers, rasterize
from pipeline.kernels.triangles import NEAR_M
from pipeline.types import Lens, SetLayout

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
STONE = (SetPart.WALL, SetPart.TOP, SetPart.GROUND)  # coursed: their normals carry the joints
_MARGIN_PX = 6


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A placed set piece: world mesh (see SetLayout), and the frame in which its stones are laid.

    grounded: it stands on ground that was surveyed there, which hides what of it lies below.
    """

    name: str
    number: int
    material: str
    seed: int
    base_m: Array
    yaw_rad: float
    vertices: Floats
    triangles: Ints
    normals: Floats
    parts: Ints
    corner_normals: Floats | None = None
    grounded: bool = False

    def shading_normals(self, triangle: Ints, weights: Floats) -> Floats:
        """(K, 3) unit normals of triangles (K,) at barycentric weights (K, 2), smooth where the piece is curved."""
        if self.corner_normals is None:
            return self.normals[triangle]
        three = np.concatenate([weights, 1 - weights.sum(axis=1, keepdims=True)], axis=1)
        mixed = (self.corner_normals[triangle] * three[:, :, None]).sum(axis=1)
        return np.asarray(mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-6), np.float32)


@dataclass(frozen=True, slots=True)
class Projector:
    """A pinhole (lens without distortion) at camera_from_world, 16 numbers in rows."""

    lens: Lens
    camera_from_world: tuple[float, ...]

    @property
    def pose(self) -> Array:
        return np.array(self.camera_from_world).reshape(4, 4)

    @property
    def centre(self) -> Array:
        """(3,) where it stands, world."""
        return np.asarray(-self.pose[:3, :3].T @ self.pose[:3, 3])

    @property
    def focal_px(self) -> float:
        return self.lens.focal_x_px

    @property
    def matrix(self) -> Array:
        """(3, 4) from world to (x z, y z, z) in the painting's pixels."""
        to_px = np.array(
            [
                [self.lens.focal_x_px, 0, self.lens.centre_x_px],
                [0, self.lens.focal_y_px, self.lens.centre_y_px],
                [0, 0, 1],
            ]
        )
        return np.ascontiguousarray(to_px @ self.pose[:3])

    def entry(self) -> dict[str, Any]:
        return {"lens": dataclasses.asdict(self.lens), "camera_from_world": list(self.camera_from_world)}

    @classmethod
    def from_entry(cls, entry: dict[str, Any]) -> Projector:
        return cls(Lens(**entry["lens"]), tuple(float(v) for v in entry["camera_from_world"]))


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Guides of a piece through a projector, the depth they were drawn with (+inf: empty), and their scale."""

    guides: Guides
    depth: Floats
    metres_per_px: float


def read_pieces(layout: SetLayout) -> tuple[Piece, ...]:
    """The placed pieces. Raises AssetError when a mesh is missing or empty."""
    pieces = []
    for entry in json.loads(layout.pieces.read_text()):
        path = layout.meshes / f"{entry['name']}.npz"
        if not path.is_file():
            raise AssetError(f"{path}: the mesh of set piece {entry['name']} is missing. Run lay_out_set again.")
        with np.load(path, allow_pickle=False) as mesh:
            names = ("vertices", "triangles", "normals", "parts", "corner_normals")
            arrays = {name: np.ascontiguousarray(mesh[name]) for name in names if name in mesh}
        pieces.append(
            Piece(
                entry["name"],
                entry["id"],
                entry["material"],
                entry["seed"],
                np.array(entry["base_m"]),
                entry["yaw_rad"],
                **arrays,
                grounded=entry.get("grounded", False),
            )
        )
    return tuple(pieces)


def frame_piece(
    piece: Piece,
    pose: Array,
    focal_px: float,
    window: tuple[float, float, float, float],
    sharpness: float,
    most_px: int,
) -> Projector:
    """The projector that sees the piece from `pose`, as large as `sharpness` times the plate shows it there.

    window: x/z, y/z bounds (left, top, right, bottom) beyond which nothing is ever seen. most_px: longest side.
    Raises AssetError when nothing of the piece is in the window.
    """
    camera = piece.vertices.astype(np.float64) @ pose[:3, :3].T + pose[:3, 3]
    flat = camera[:, :2] / np.maximum(camera[:, 2:], NEAR_M)
    ahead = camera[:, 2] > NEAR_M
    left, top, right, bottom = window
    low = np.clip(flat[ahead].min(axis=0), (left, top), (right, bottom)) if ahead.any() else np.zeros(2)
    high = np.clip(flat[ahead].max(axis=0), (left, top), (right, bottom)) if ahead.any() else np.zeros(2)
    if not ahead.all():  # it reaches past the camera: no bounds but the window's
        low, high = np.array([left, top]), np.array([right, bottom])
    size = high - low
    if not (size > 0).all():
        raise AssetError(f"set piece {piece.name}: its keyframe does not see it. Move it, or choose other keyframes.")
    room = most_px // 16 * 16 - 2 * _MARGIN_PX
    focal = min(focal_px * sharpness, room / float(size.max()))
    width, height = (int(np.ceil((side * focal + 2 * _MARGIN_PX) / 16 - 1e-9) * 16) for side in size)
    centre = np.array([width, height]) / 2 - focal * (low + high) / 2
    lens = Lens(width, height, focal, focal, float(centre[0]), float(centre[1]))
    return Projector(lens, tuple(float(v) for v in np.asarray(pose, np.float64).ravel()))


def draw_guides(piece: Piece, projector: Projector) -> Drawn:
    """What a generator paints by: coverage, depth towards the viewer, camera-space normals with stone courses, parts, edges."""
    depth, triangle, weights, points = _drawn(piece, projector, 1)
    hit = triangle >= 0
    if not hit.any():
        raise AssetError(f"set piece {piece.name}: nothing of it is in front of its projector. Move it.")
    fine = draw(piece, projector, 2)[1] >= 0
    middle = float(np.median(depth[hit]))
    metres_per_px = middle / projector.lens.focal_x_px
    faces = piece.normals[triangle[hit]].astype(np.float64)
    parts = np.where(hit, piece.parts[triangle], 0).astype(np.int32)
    normals = np.zeros((*hit.shape, 3), np.float32)
    shading = piece.shading_normals(triangle[hit], weights[hit])
    stones = worked_normals(piece, points[hit], faces, shading, parts[hit], metres_per_px)
    normals[hit] = stones @ projector.pose[:3, :3].T
    height, width = hit.shape
    coverage = fine.reshape(height, 2, width, 2).mean(axis=(1, 3), dtype=np.float32) * hit
    relief = np.where(hit, middle - np.where(hit, depth, 0), 0).astype(np.float32)
    smooth = np.zeros((*hit.shape, 3), np.float32)
    smooth[hit] = shading
    edges = drawn_lines(depth, smooth, parts, projector.focal_px)
    guides = Guides.image(coverage=coverage, depth=relief, normals=normals, parts=parts, edges=edges)
    return Drawn(guides, depth, metres_per_px)


def worked_normals(
    piece: Piece, points: Array, faces: Array, shading: Floats, parts: Ints, metres_per_px: float
) -> Array:
    """World normals (N, 3) of points (N, 3) with the stones' bumps. faces, shading (N, 3): normals of the flat face, and of the
    curved surface: a stone is laid on its flat face, and leans off the curve by as much."""
    stones = stone_faces(piece, points, faces, parts, metres_per_px)
    if piece.corner_normals is None:
        return stones
    rise = np.maximum((stones * faces).sum(axis=1, keepdims=True), 0.1)
    stones = shading + stones / rise - faces
    return np.asarray(stones / np.linalg.norm(stones, axis=1, keepdims=True))


def stone_faces(piece: Piece, points: Array, faces: Array, parts: Ints, metres_per_px: float) -> Array:
    """World normals (N, 3) with the stones' bumps, laid in the piece's own axes so that they turn with it."""
    local_points, local_faces = points - piece.base_m, faces.copy()
    for array in (local_points, local_faces):
        array[:, [0, 2]] = turned(array[:, [0, 2]], -piece.yaw_rad)
    bent = np.asarray(stone_normals(local_points, local_faces, metres_per_px, piece.seed), np.float64)
    for part, roughness in ROUGH.items():
        mine = parts == part
        bent[mine] = rough_normals(local_points[mine], local_faces[mine], metres_per_px, roughness, piece.seed)
    bent[:, [0, 2]] = turned(bent[:, [0, 2]], piece.yaw_rad)
    return np.where(np.isin(parts, (*STONE, *ROUGH))[:, None], bent, faces)


def draw(piece: Piece, projector: Projector, samples: int) -> tuple[Floats, Ints, Array]:
    """Depth (H, W) metres, triangle (H, W) or -1, world points (H, W, 3), `samples` times as fine as the projector."""
    depth, triangle, _, points = _drawn(piece, projector, samples)
    return depth, triangle, points


def _drawn(piece: Piece, projector: Projector, samples: int) -> tuple[Floats, Ints, Floats, Array]:
    """As `draw`, with barycentric weights (H, W, 2)."""
    lens = projector.lens
    height, width = lens.height * samples, lens.width * samples
    y, x = np.mgrid[0:height, 0:width] + 0.5
    flat = [(x / samples - lens.centre_x_px) / lens.focal_x_px, (y / samples - lens.centre_y_px) / lens.focal_y_px]
    rays = np.ascontiguousarray(np.stack(flat, axis=-1), np.float32)
    camera = piece.vertices.astype(np.float64) @ projector.pose[:3, :3].T + projector.pose[:3, 3]
    scale = samples * lens.focal_x_px / np.maximum(camera[:, 2:], NEAR_M)
    pixels = camera[:, :2] * scale + samples * np.array([lens.centre_x_px, lens.centre_y_px])
    buffers = empty_buffers(height, width)
    rasterize(camera.astype(np.float32), piece.triangles, rays, pixels.astype(np.float32), *buffers)
    reach = np.where(buffers[1] >= 0, buffers[0], 1.0).astype(np.float64)
    seen = np.stack([rays[..., 0] * reach, rays[..., 1] * reach, reach], axis=-1)
    return *buffers, (seen - projector.pose[:3, 3]) @ projector.pose[:3, :3]
