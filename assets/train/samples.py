"""What the model learns from: a request and the true picture; kept in shards of small numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assets.providers.conditioning import decode, encode
from assets.providers.request import Guides, Identity, Light, PartLook, Request

Array = np.ndarray[Any, Any]
_LOOKS = 24


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A request and the picture it should get. truth: (H, W, 4) float32 RGBA, premultiplied ACEScg."""

    request: Request
    truth: Array


def sample_light(rng: np.random.Generator) -> Light:
    """A light of some hour and weather, more often from the front than from behind."""
    azimuth, elevation = rng.normal(0, 1.3), np.radians(rng.uniform(12, 72))
    cover = rng.choice([0.0, rng.uniform(0, 1)], p=[0.6, 0.4])  # clouds
    low = np.clip((np.radians(40) - elevation) / np.radians(30), 0, 1)
    warm = np.array([1.0, 0.93 - 0.16 * low, 0.82 - 0.32 * low]) * rng.uniform(0.95, 1.05, 3)
    blue = np.array([0.80, 0.93, 1.15]) * (1 - cover) + np.array([0.98, 1.0, 1.03]) * cover
    exposure = np.exp(rng.normal(0, 0.25))
    sun = warm * exposure * (1 - 0.92 * cover) * rng.uniform(0.75, 1.1)
    sky = blue * exposure * (rng.uniform(0.16, 0.36) + 0.4 * cover)
    flat = np.cos(elevation)
    return Light(
        sun_direction=_three([flat * np.sin(azimuth), -np.sin(elevation), -flat * np.cos(azimuth)]),
        sun_rgb=_three(sun),
        sky_rgb=_three(sky),
    )


def write_shard(path: Path, samples: Sequence[Sample]) -> None:
    """Keep samples of one size in an .npz: bytes and halves."""
    guides = [sample.request.guides for sample in samples]
    looks = np.zeros((len(samples), _LOOKS, 6), np.float32)
    for row, sample in zip(looks, samples, strict=True):
        for cell, look in zip(row, sample.request.identity.looks, strict=False):
            cell[:] = (look.part, *look.albedo, look.metallic, look.roughness)
    lights = [sample.request.light for sample in samples]
    np.savez(
        path,
        coverage=np.stack([_bytes(g.given()["coverage"][0]) for g in guides]),
        depth=np.stack([np.float16(g.given()["depth"][0]) for g in guides]),
        normals=np.stack([np.round(g.given()["normals"][0] * 127).astype(np.int8) for g in guides]),
        parts=np.stack([g.given()["parts"][0].astype(np.uint8) for g in guides]),
        pose=np.stack([_bytes(g.given()["pose"][0]) for g in guides]),
        truth=np.stack([np.float16(encode(sample.truth)) for sample in samples]),
        looks=looks,
        light=np.array([[light.sun_direction, light.sun_rgb, light.sky_rgb] for light in lights], np.float32),
        metres_per_px=np.array([sample.request.metres_per_px for sample in samples], np.float32),
        names=np.array([sample.request.identity.name for sample in samples]),
    )


class Shard:
    """A shard in memory, small; a sample grows to floats when it is taken out."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as shard:
            self._columns: dict[str, Array] = {name: shard[name] for name in shard.files}

    def __len__(self) -> int:
        return len(self._columns["names"])

    def __getitem__(self, i: int) -> Sample:
        row = {name: column[i] for name, column in self._columns.items()}
        looks = tuple(PartLook(int(x[0]), _three(x[1:4]), float(x[4]), float(x[5])) for x in row["looks"] if x[0])
        guides = Guides.image(
            coverage=row["coverage"].astype(np.float32) / 255,
            depth=row["depth"].astype(np.float32),
            normals=row["normals"].astype(np.float32) / 127,
            parts=row["parts"].astype(np.int32),
            pose=row["pose"].astype(np.float32) / 255,
        )
        request = Request(
            guides=guides,
            identity=Identity(str(row["names"]), looks),
            metres_per_px=float(row["metres_per_px"]),
            light=Light(*(_three(x) for x in row["light"])),
        )
        return Sample(request, decode(row["truth"]))


def _bytes(picture: Array) -> Array:
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def _three(values: Sequence[float] | Array) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
