"""What is asked of a generator and what it answers: one request, one result, for every model and service.

Guides (what a request shows the generator), all at the picture's size, frame axis first; any of them may be left out:
- coverage  0..1, how much of the pixel the thing fills. Without it depth, parts and normals tell the outline by being
            0 where empty; with a pose map alone the generator finds it.
- depth     metres TOWARDS the viewer from a reference plane that faces the camera (larger is nearer), 0 where empty.
            People: the vertical plane through the root. Sets: any plane through the piece, e.g. its median distance.
- normals   unit, camera space, COLMAP's axes: x right, y DOWN, z INTO the scene: what faces the viewer has z = -1;
            0 where empty. Bumps (mail, folds, stone courses: assets/sets/stonework.py) belong here: what is shown is painted.
- parts     part ids, 0 where empty. 1-31: people and kit (assets/people/mesh.py, assets/people/kit.py). 32-63: sets, see SetPart.
- pose      OpenPose COCO-18 drawing, RGB 0..1 on black (sets: none).
- edges     0..1, lines of a pixel where a set has silhouettes, creases and borders of parts (people: none).
- init      RGBA picture to start from (scene-linear ACEScg, premultiplied), for `strength` below 1.
- mask      0..1, where to paint: 0 keeps init as it is (needs init). Without it everything is painted.

Colours are scene-linear ACEScg; sizes in pixels; directions in camera space.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Any

import numpy as np

from pipeline.errors import ProviderError

Color = tuple[float, float, float]
Array = np.ndarray[Any, Any]
GUIDE_CHANNELS = {"coverage": 0, "depth": 0, "parts": 0, "normals": 3, "pose": 3, "edges": 0, "init": 4, "mask": 0}


def _kind(guide: str) -> type[np.generic]:
    return np.int32 if guide == "parts" else np.float32


def _made_plain(owner: Any, real: tuple[str, ...], whole: tuple[str, ...] = ()) -> None:
    """Make the numbers of a frozen object Python's own: 1 and NumPy's 1.0 are told alike, and -0.0 as 0.0.

    Raises ProviderError for what is no number, or no whole one.
    """
    for name in (*real, *whole):
        given = getattr(owner, name)
        try:
            plain = tuple(_real(each) for each in given) if isinstance(given, tuple | list) else _real(given)
            if name in whole:
                plain = int(given)
                if plain != given:
                    raise ValueError(given)
        except (TypeError, ValueError, OverflowError) as error:
            kind = "a whole number" if name in whole else "a number"
            raise ProviderError(f"request: {name} is {given!r}, must be {kind}. Change it.") from error
        object.__setattr__(owner, name, plain)


def _real(value: Any) -> float:
    return float(value) + 0.0


class SetPart(IntEnum):
    """Part ids of set pieces (people and kit use 1-31)."""

    WALL = 32  # masonry or plaster faces
    TOP = 33  # crenellations, copings, wall walks
    WOOD = 34  # gates, hoardings, beams
    ROOF = 35  # tiles, thatch
    GROUND = 36  # rubble and footing
    CLOTH = 37  # tents, awnings
    PLASTER = 38  # rendered house fronts: smooth, without courses
    ROCK = 39  # living rock, boulders
    LEAF = 40  # bushes, grown slopes


@dataclass(frozen=True, slots=True)
class PartLook:
    """What one part is made of (assets/people/looks.py). albedo: linear ACEScg 0..1, of metal its reflectance.

    metallic: 0 cloth .. 1 metal. roughness: 0 mirror .. 1 matte.
    """

    part: int
    albedo: Color
    metallic: float = 0.0
    roughness: float = 1.0

    def __post_init__(self) -> None:
        _made_plain(self, whole=("part",), real=("albedo", "metallic", "roughness"))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who or what is painted: a character or a set material, by name and by the look of each part."""

    name: str
    looks: tuple[PartLook, ...]


@dataclass(frozen=True, slots=True)
class Light:
    """The light of the shot, in camera space.

    sun_direction: unit, pointing TO the sun (x right, y down, z into the scene; the sun overhead is (0, -1, 0)).
    sun_rgb, sky_rgb: a matte surface of albedo a that faces the sun (the open sky) sends back a * rgb. With mid grey at
    0.18 in full sun, sun_rgb + sky_rgb is near 1.
    """

    sun_direction: Color = (-0.48, -0.7, -0.53)
    sun_rgb: Color = (0.85, 0.78, 0.68)
    sky_rgb: Color = (0.22, 0.26, 0.33)

    def __post_init__(self) -> None:
        _made_plain(self, real=("sun_direction", "sun_rgb", "sky_rgb"))


@dataclass(frozen=True, slots=True, eq=False)
class Guides:
    """The pictures that a request shows, float32 (F, H, W[, C]); parts is int32. See the module's first lines."""

    coverage: Array | None = None
    depth: Array | None = None
    normals: Array | None = None
    parts: Array | None = None
    pose: Array | None = None
    edges: Array | None = None
    init: Array | None = None
    mask: Array | None = None

    def __post_init__(self) -> None:
        if not self.given():
            raise ProviderError("guides: none is given. Draw at least one, a pose map say.")
        first, shape = next(iter(self.given())), self.shape
        if len(shape) != 3 or min(shape) < 1:
            raise ProviderError(f"guides: {first} is {shape}, must be (frames, height, width). Use Guides.image(...).")
        for name, guide in self.given().items():
            channels = GUIDE_CHANNELS[name]
            wanted = (*shape, channels) if channels else shape
            if guide.shape != wanted:
                raise ProviderError(f"guides: {name} is {guide.shape}, must be {wanted} like {first}. Draw it so.")
            if name == "mask" and self.init is None:
                raise ProviderError("guides: mask says what of init is kept, and init is not given. Add init.")
            if not all(np.isfinite(frame).all() for frame in guide):
                raise ProviderError(f"guides: {name} holds NaN or infinity. Put 0 where nothing is.")
            object.__setattr__(self, name, np.asarray(guide, _kind(name)))

    @classmethod
    def image(cls, **pictures: Array) -> Guides:
        """Guides of a single picture, from (H, W[, C]) arrays of any number type."""
        return cls(**{name: np.asarray(picture, _kind(name))[None] for name, picture in pictures.items()})

    def given(self) -> dict[str, Array]:
        """The guides that are there, by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}

    def only(self, names: Iterable[str]) -> Guides:
        """These guides without those that are not named."""
        return Guides(**{name: guide for name, guide in self.given().items() if name in set(names)})

    @property
    def shape(self) -> tuple[int, ...]:
        """(frames, height, width)."""
        name, guide = next(iter(self.given().items()))
        return tuple(guide.shape[:-1] if GUIDE_CHANNELS[name] else guide.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One order to a generator. Equal requests have equal digests, whatever made them: numbers become plain ones.

    metres_per_px: scale of the guides at the reference plane. strength: 1 paints anew, less keeps more of guides.init.
    count: takes wanted, made from seed, seed + 1, ... references: (H, W, 4) pictures of the identity, for models that
    read them. Raises ProviderError when a number is out of range.
    """

    guides: Guides
    identity: Identity
    metres_per_px: float
    light: Light = Light()
    prompt: str = ""
    negative: str = ""
    references: tuple[Array, ...] = ()
    seed: int = 1
    steps: int = 2
    strength: float = 1.0
    count: int = 1

    def __post_init__(self) -> None:
        _made_plain(self, whole=("seed", "steps", "count"), real=("metres_per_px", "strength"))
        object.__setattr__(self, "references", tuple(np.asarray(each, np.float32) for each in self.references))
        for name, low, high in (("steps", 1, 200), ("count", 1, 64), ("strength", 0.0, 1.0), ("seed", 0, 2**62)):
            if not low <= getattr(self, name) <= high:
                raise ProviderError(f"request: {name} is {getattr(self, name)}, must be {low} to {high}. Change it.")
        if not 0 < self.metres_per_px < 1000:
            raise ProviderError(f"request: metres_per_px is {self.metres_per_px}, must be above 0. Measure the scale.")
        if self.strength < 1 and self.guides.init is None:
            raise ProviderError(f"request: strength {self.strength} needs guides.init, none is given. Add it or use 1.")

    @property
    def frames(self) -> int:
        return int(self.guides.shape[0])

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height)."""
        return int(self.guides.shape[2]), int(self.guides.shape[1])

    def digest(self) -> str:
        """Hex SHA-256 of everything asked, pixels included: the key under which an answer is kept."""
        digest = hashlib.sha256(b"battleplate request 1\n")
        for name, guide in sorted(self.guides.given().items()):
            _add_array(digest, name, guide)
        for index, picture in enumerate(self.references):
            _add_array(digest, f"reference {index}", picture)
        words = [f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.name not in ("guides", "references")]
        digest.update("\n".join(words).encode())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One answer. takes: (count, F, H, W, 4) float32 RGBA, scene-linear ACEScg, premultiplied, not clamped above 1.

    request_digest: which request it answers. model_digest: hex SHA-256 of the weights, or the service's version name.
    cost_usd: what it was billed. metadata: seeds, steps, sizes: enough to make it again or explain it.
    """

    takes: Array
    request_digest: str
    model_digest: str
    licence: str
    cost_usd: float = 0.0
    metadata: dict[str, str] = field(default_factory=dict)


def _add_array(digest: Any, name: str, array: Array) -> None:
    array = np.ascontiguousarray(array)
    digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
    digest.update(array.data)
