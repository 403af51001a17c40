"""Dressed bodies in rest: a character's body and kit put together, and what posing must know of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from assets.motion.gaits import Build
from assets.motion.grips import Grip
from assets.people.banner_kit import banner
from assets.people.bodies import Body, rest_body
from assets.people.characters import Character, Part
from assets.people.cloth import Flown
from assets.people.kit import Piece, neighbour_means
from assets.people.wardrobe import KIT

Array = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Figure:
    """A dressed body in rest, ready to be posed."""

    body: Body
    vertices: NDArray[np.float64]
    triangles: Ints
    parts: Ints
    weights: sparse.csr_matrix
    slides: NDArray[np.float64]  # (V, 3) rest direction of a shaft that slides through the hand, 0 elsewhere
    hangs: NDArray[np.float64]  # (V,) how freely a vertex swings
    clears: NDArray[np.float64]  # (V,) how far it stays off the legs, metres
    soles: NDArray[np.bool_]  # (V,) vertices of feet and shoes
    grip: Grip
    flown: Flown | None = None  # a banner's cloth

    @cached_property
    def build(self) -> Build:
        skeleton = self.body.skeleton
        ankle = skeleton.head("foot.L")
        low = self.vertices[self.soles][:, 1].min()
        left = self.vertices[self.soles & (self.vertices[:, 0] > 0)]
        ground = left[left[:, 1] < low + 0.02] - ankle
        toes = np.mean([skeleton.head(f"toe{toe}-1.L") for toe in (1, 2, 3)], axis=0) - ankle
        ahead = skeleton.head("toe3-1.L") - ankle
        ahead = np.array([ahead[0], 0.0, ahead[2]]) / np.hypot(ahead[0], ahead[2])
        return Build(
            leg_m=skeleton.leg_length_m(),
            hip_m=float(abs(skeleton.hip_offset()[0])),
            ankle_m=float(ankle[1] - low),
            heel_m=float(-(ground @ ahead).min()),
            ball_m=float(toes @ ahead),
            height_m=self.body.height_m,
            knuckle_m=float(toes[1] + ankle[1] - low),
        )

    @cached_property
    def shaft(self) -> NDArray[np.bool_]:
        """(V,) what is stiff of the thing that slides through the right hand: a spear, or a banner's pole."""
        stiff = np.asarray(self.slides.any(axis=1))
        if self.flown is not None:
            stiff[self.flown.rows] = False
        return stiff

    @cached_property
    def string(self) -> NDArray[np.bool_]:
        """(V,) the middle of a bow's string, where the fingers take it."""
        found = np.zeros(len(self.vertices), bool)
        found[self.triangles[self.parts == Part.HAIR]] = True
        found &= np.asarray(self.weights.argmax(axis=1)).ravel() == self.body.skeleton.index("wrist.L")
        middle = self.vertices[found].mean(axis=0) if found.any() else np.zeros(3)
        return found & (np.linalg.norm(self.vertices - middle, axis=1) < 0.1)

    @cached_property
    def worn(self) -> NDArray[np.bool_]:
        """(V,) what a lying body rests on: all but what the hands hold and what hangs or sticks out."""
        loose = [Part.SHIELD, Part.SHIELD_MARK, Part.SHIELD_TRIM, Part.SHAFT, Part.BLADE, Part.HILT, Part.BOW,
                 Part.QUIVER, Part.CREST, Part.BANNER, Part.BANNER_MARK]  # fmt: skip
        worn = np.ones(len(self.vertices), bool)
        worn[self.triangles[np.isin(self.parts, loose)]] = False
        return worn & (self.hangs == 0)

    @cached_property
    def cloth(self) -> sparse.csr_matrix:
        """(H, H) over the vertices that hang: the mean of each one's neighbours."""
        hanging = self.hangs > 0
        number = np.cumsum(hanging) - 1
        faces = number[self.triangles[hanging[self.triangles].all(axis=1)]]
        return neighbour_means(faces.astype(np.int32), int(hanging.sum()))

    @cached_property
    def leg_radii(self) -> dict[str, Array]:
        """How thick each thigh and shin is (trousers included) at even steps down the bone, metres."""
        skeleton = self.body.skeleton
        bones = np.asarray(self.body.weights.argmax(axis=1)).ravel()
        margin = 0.012 + 0.012 * bool((self.parts == Part.TROUSERS).any())
        table = {}
        for first, second in (("upperleg01", "lowerleg01"), ("lowerleg01", "foot")):
            group = np.array([name.startswith(first[:-2]) for name in skeleton.names])[bones]
            for side, sign in (("L", 1), ("R", -1)):
                points = self.body.vertices[group & (self.body.vertices[:, 0] * sign > 0)]
                a, b = skeleton.head(f"{first}.{side}"), skeleton.head(f"{second}.{side}")
                along = (points - a) @ (b - a) / ((b - a) @ (b - a))
                away = np.linalg.norm(points - a - along[:, None] * (b - a), axis=1)
                steps = np.linspace(0, 1, 9)
                # High up, the trunk carries the cloth: only the front of the thigh counts there.
                share = np.where((steps < 0.4) & (first == "upperleg01"), 0.55, 0.95)
                radii = [np.quantile(away[np.abs(along - s) < 0.09], q) for s, q in zip(steps, share, strict=True)]
                table[f"{first}.{side}"] = np.array(radii) + margin
        return table


@lru_cache(maxsize=32)
def dressed(character: Character) -> Figure:
    """The body and the kit of `character` in rest."""
    body = rest_body(character.phenotype, character.height_m)
    pieces = [piece for name in character.kit for piece in _made(character, name, body)]
    seen = np.ones(len(body.triangles), bool)
    for piece in pieces:
        if piece.hidden is not None:
            seen &= ~piece.hidden
    hems = [piece.hem_m for piece in pieces if piece.hem_m is not None]
    if hems:
        thighs = _under_skirt(body, body.vertices, body.bone_of, min(hems))
        seen &= ~thighs[body.triangles].all(axis=1)
        pieces = [_shortened(body, piece, min(hems)) for piece in pieces]
    eyes = body.of_bones("eye")[body.triangles].all(axis=1)
    skin = np.where(eyes, Part.EYES, Part.SKIN).astype(np.int32)
    counts = np.cumsum([len(body.vertices), *(len(piece.vertices) for piece in pieces)])
    triangles = [body.triangles[seen]] + [p.triangles + c for p, c in zip(pieces, counts[:-1], strict=True)]
    vertices = np.concatenate([body.vertices] + [p.vertices for p in pieces])
    slides = [np.zeros_like(body.vertices)]
    slides += [
        np.zeros_like(p.vertices) if p.slides is None else np.tile(p.slides, (len(p.vertices), 1)) for p in pieces
    ]
    hangs = [np.zeros(len(body.vertices))] + [np.zeros(len(p.vertices)) if p.hangs is None else p.hangs for p in pieces]
    clears = np.concatenate([np.zeros(len(body.vertices))] + [np.full(len(p.vertices), p.clear_m) for p in pieces])
    weights = sparse.vstack([body.weights] + [p.weights for p in pieces]).tocsr()
    faces = np.ascontiguousarray(np.concatenate(triangles), np.int32)
    parts = np.concatenate([skin[seen]] + [p.parts for p in pieces]).astype(np.int32)
    kept = np.unique(faces)  # covered skin is not posed at all
    renumber = np.full(len(vertices), -1, np.int32)
    renumber[kept] = np.arange(len(kept), dtype=np.int32)
    names = np.array([name.startswith(("foot", "toe")) for name in body.skeleton.names])
    soles = names[np.asarray(weights[kept].argmax(axis=1)).ravel()]
    faces = renumber[faces]
    for array in (faces, parts):
        array.flags.writeable = False
    return Figure(
        body,
        vertices[kept],
        faces,
        parts,
        weights[kept],
        np.concatenate(slides)[kept],
        np.concatenate(hangs)[kept],
        clears[kept],
        soles,
        grip_of(character),
        next((p.flown.moved(renumber[c:]) for p, c in zip(pieces, counts[:-1], strict=True) if p.flown), None),
    )


def _made(character: Character, name: str, body: Body) -> list[Piece]:
    """One item of a character's kit, cut to fit the body."""
    if name == "banner":
        return banner(body, character.banner)
    return KIT[name](body, **dict(dict(character.sizes).get(name, ())))


def _under_skirt(body: Body, vertices: Array, bone_of: NDArray[np.int64], hem_m: float) -> NDArray[np.bool_]:
    """(V,) vertices of hips and thighs that a skirt with this hem always covers."""
    thigh = np.array([name.startswith(("upperleg", "pelvis", "root", "spine05")) for name in body.skeleton.names])
    return thigh[bone_of] & (vertices[:, 1] > hem_m + 0.09) & (vertices[:, 1] < body.skeleton.head("spine04")[1] + 0.01)


def _shortened(body: Body, piece: Piece, hem_m: float) -> Piece:
    """Trousers lose what the skirt over them covers, so that no knee pokes cloth through cloth."""
    if len(piece.parts) == 0 or piece.parts[0] != Part.TROUSERS:
        return piece
    covered = _under_skirt(body, piece.vertices, np.asarray(piece.weights.argmax(axis=1)).ravel(), hem_m)
    keep = ~covered[piece.triangles].all(axis=1)
    return replace(piece, triangles=piece.triangles[keep], parts=piece.parts[keep])


def grip_of(character: Character) -> Grip:
    """What the character's hands hold, read off its kit."""
    kit = set(character.kit)
    right = next((held for held in ("spear", "sword", "banner") if held in kit), "free")
    left = "shield" if "shield_tall" in kit else "strap" if "shield_round" in kit else "bow" if "bow" in kit else "free"
    return Grip(right, left)
