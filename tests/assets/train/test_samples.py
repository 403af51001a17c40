"""Shards keep what a sample says; lights are plausible."""

import numpy as np

from assets.providers.request import Guides, Identity, PartLook, Request
from assets.train.samples import Sample, Shard, sample_light, write_shard


def sample(seed=1):
    rng = np.random.default_rng(seed)
    normals = rng.standard_normal((16, 8, 3))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    guides = Guides.image(
        coverage=rng.random((16, 8)),
        depth=rng.normal(0, 0.3, (16, 8)),
        normals=normals,
        parts=rng.integers(0, 20, (16, 8)),
        pose=rng.random((16, 8, 3)),
    )
    identity = Identity("guard", (PartLook(4, (0.25, 0.5, 0.125)), PartLook(9, (0.5, 0.5, 0.5), 1.0, 0.25)))
    request = Request(guides=guides, identity=identity, metres_per_px=0.03125, light=sample_light(rng))
    return Sample(request, rng.uniform(0, 4, (16, 8, 4)).astype(np.float32))


def test_a_shard_gives_back_what_was_kept(tmp_path):
    first, second = sample(1), sample(2)

    write_shard(tmp_path / "people_0000.npz", [first, second])
    shard = Shard(tmp_path / "people_0000.npz")
    back = shard[1]

    assert len(shard) == 2
    assert back.request.identity == second.request.identity
    assert back.request.metres_per_px == second.request.metres_per_px
    assert np.allclose(back.request.light.sun_direction, second.request.light.sun_direction, atol=1e-6)
    assert np.allclose(back.truth, second.truth, rtol=6e-3, atol=1e-3)
    for name, guide in second.request.guides.given().items():
        assert np.allclose(back.request.guides.given()[name], guide, atol=5e-3), name


def test_lights_come_from_above_and_stay_within_reason():
    lights = [sample_light(np.random.default_rng(seed)) for seed in range(200)]
    directions = np.array([light.sun_direction for light in lights])
    total = np.array([light.sun_rgb for light in lights]) + np.array([light.sky_rgb for light in lights])

    assert np.allclose(np.linalg.norm(directions, axis=1), 1, atol=1e-5)
    assert (directions[:, 1] < -0.2).all()
    assert (directions[:, 2] < 0).mean() > 0.6  # more often from the camera's side
    assert 0.6 < np.median(total) < 1.6
