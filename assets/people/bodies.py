"""Anny bodies in rest: shape, skeleton, skin weights, landmarks, in this project's space (Y up, facing +Z, soles at 0)."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from assets.people.skeleton import Skeleton
from pipeline.errors import AssetError

Array = NDArray[np.float64]
Ints = NDArray[np.int32]

# Anny stands Z up and faces -Y.
_OURS_FROM_ANNY = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
# COCO-18 as the pose maps number it, from Anny's COCO regressors; 1 (neck) is the mean of the shoulders.
_COCO_18 = (
    "nose", "", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist", "right_hip",
    "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip
_LOCK = threading.Lock()


@dataclass(frozen=True, eq=False)
class Body:
    """One body in rest (arms half raised).

    vertices: (V, 3) float64 metres. triangles: (T, 3) int32. weights: (V, B) sparse skin weights. joints: (18, V) sparse
    regressors of the COCO-18 joints. bone_of: (V,) the bone that moves each vertex most.
    """

    vertices: Array
    triangles: Ints
    weights: sparse.csr_matrix
    joints: sparse.csr_matrix
    skeleton: Skeleton
    height_m: float

    @cached_property
    def bone_of(self) -> NDArray[np.int64]:
        return np.asarray(self.weights.argmax(axis=1)).ravel()

    @cached_property
    def normals(self) -> Array:
        return vertex_normals(self.vertices, self.triangles)

    @cached_property
    def rest_joints(self) -> Array:
        return np.asarray(self.joints @ self.vertices)

    def of_bones(self, *prefixes: str) -> NDArray[np.bool_]:
        """(V,) which vertices are moved most by a bone whose name begins so."""
        names = np.array([name.startswith(prefixes) for name in self.skeleton.names])
        return names[self.bone_of]

    def of_side(self, side: str, *prefixes: str) -> NDArray[np.bool_]:
        """(V,) as `of_bones`, but only the bones of one side, "L" or "R"."""
        bones = self.skeleton.names
        names = np.array([name.startswith(prefixes) and name.endswith(f".{side}") for name in bones])
        return names[self.bone_of]

    def along(self, first: str, second: str) -> Array:
        """(V,) position of each vertex along the way from one bone's head (0) to another's (1)."""
        a, b = self.skeleton.head(first), self.skeleton.head(second)
        return (self.vertices - a) @ (b - a) / ((b - a) @ (b - a))


def vertex_normals(vertices: Array, triangles: Ints) -> Array:
    """(V, 3) unit normals, the mean of the triangles around, weighted by area; a vertex without any gets +Y."""
    corners = vertices[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    rows = triangles.ravel()
    normals = np.stack([np.bincount(rows, np.repeat(faces[:, k], 3), len(vertices)) for k in range(3)], axis=1)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(lengths > 1e-14, normals / np.maximum(lengths, 1e-14), [[0.0, 1.0, 0.0]])


@lru_cache(maxsize=64)
def rest_body(phenotype: tuple[tuple[str, float], ...], height_m: float) -> Body:
    """The Anny body of `phenotype` whose standing height is `height_m`, in rest.

    phenotype: (label, 0..1) pairs of Anny's gender, age, muscle, weight, proportions. Anny's own height setting is
    searched until the vertices measure `height_m` within a millimetre. Raises AssetError when no setting does.
    """
    model = _model()
    settings = dict(phenotype)
    low, high = 0.0, 1.0
    for _ in range(14):
        settings["height"] = (low + high) / 2
        vertices, heads = _shape(model, settings)
        tall = float(np.ptp(vertices[:, 1]))
        if tall < height_m:
            low = settings["height"]
        else:
            high = settings["height"]
    if abs(tall - height_m) > 0.01:
        raise AssetError(
            f"a body of {height_m:g} m is out of reach of this phenotype, which ends at {tall:.2f} m. Change it."
        )
    sole = vertices[:, 1].min()
    vertices[:, 1] -= sole
    heads[:, 1] -= sole
    skeleton = Skeleton(model.names, model.parents, heads)
    return Body(vertices, model.triangles, model.weights, model.joints, skeleton, tall)


@dataclass(frozen=True, eq=False)
class _Model:
    """Anny's linear shape space as arrays: what is left when torch has gone."""

    anny: Any
    names: tuple[str, ...]
    parents: tuple[int, ...]
    triangles: Ints
    weights: sparse.csr_matrix
    joints: sparse.csr_matrix


def _model() -> _Model:
    with _LOCK:  # lru_cache alone would let two threads build it at once
        return _build_model()


@lru_cache(maxsize=1)
def _build_model() -> _Model:
    import anny  # heavy: torch comes with it
    import torch

    # "lbs" keeps Anny from compiling kernels that are not needed here: bodies are skinned by this project.
    model = anny.Anny(skinning_method="lbs")
    indices, weights = model.vertex_bone_indices.numpy(), model.vertex_bone_weights.numpy()
    rows = np.repeat(np.arange(len(indices)), indices.shape[1])
    shape = (len(indices), len(model.bone_labels))
    skin = sparse.csr_matrix((weights.ravel(), (rows, indices.ravel())), shape=shape)
    skin.sum_duplicates()
    skin.eliminate_zeros()
    regressor = anny.KeypointsRegressor.coco(model)
    table = dict(zip(regressor.labels, regressor.regression_weights.numpy(), strict=True))
    dense = np.stack([table[name] if name else np.zeros(shape[0]) for name in _COCO_18])
    dense[1] = (dense[2] + dense[5]) / 2
    faces = model.faces.numpy().astype(np.int32)
    assert torch.is_tensor(model.faces)
    return _Model(model, tuple(model.bone_labels), tuple(model.bone_parents), faces, skin, sparse.csr_matrix(dense))


def _shape(model: _Model, settings: dict[str, float]) -> tuple[Array, Array]:
    """(vertices, bone heads) in our axes, Anny's origin."""
    import torch

    values = {label: torch.tensor([value], dtype=torch.float64) for label, value in settings.items()}
    with torch.no_grad():
        coefficients = model.anny._get_phenotype_blendshape_coefficients(
            model.anny._parse_parameter_kwargs(values, model.anny.phenotype_labels, 0.5, "phenotype"),
            torch.zeros(1, 0, dtype=torch.float64),
            torch.zeros(1, 0, dtype=torch.float64),
        )
        rest = model.anny.get_rest_model(coefficients)
    vertices = rest["rest_vertices"][0].numpy() @ _OURS_FROM_ANNY.T
    heads = rest["rest_bone_heads"][0].numpy() @ _OURS_FROM_ANNY.T
    return vertices, heads
