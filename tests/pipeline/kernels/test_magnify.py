"""A picture a little larger about a point: against its own drawing, and at the ends."""

import numpy as np
import pytest

from pipeline.kernels.magnify import magnify

CENTRE = (30.0, 22.0)


def waves(share, size=(44, 64)):
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    u, v = (x - CENTRE[0]) / (1 + share), (y - CENTRE[1]) / (1 + share)
    plane = 0.5 + 0.3 * np.sin(u * 0.5) * np.cos(v * 0.4)
    return np.repeat(plane[..., None], 4, axis=2).astype(np.float32)


@pytest.mark.parametrize("share", [0.015, -0.02])
def test_it_is_the_larger_picture(share):
    out = np.empty((44, 64, 4), np.float32)

    magnify(waves(0.0), share, CENTRE, out)

    inner = (slice(3, -3), slice(3, -3))
    assert np.abs(out - waves(share))[inner].max() < 0.015
    assert np.abs(out - waves(share))[inner].mean() < 0.05 * np.abs(waves(0.0) - waves(share))[inner].mean()


def test_edges_do_not_overshoot_and_borders_go_on():
    step = np.zeros((20, 30, 4), np.float32)
    step[:, 15:] = 1
    out = np.empty_like(step)

    magnify(step, 0.013, (4.0, 10.0), out)

    assert out.min() >= 0
    assert out.max() <= 1
    assert (out[:, -1] == 1).all()
    assert out[10, :, 3].sum() == pytest.approx(15 - 0.013 * 11, abs=0.15)


def test_no_share_copies_nan_stays_and_itself_is_refused():
    layer = waves(0.0)
    out = np.empty_like(layer)
    magnify(layer, 0.0, CENTRE, out)
    assert out.tobytes() == layer.tobytes()

    layer[20, 30, 1] = np.nan
    magnify(layer, 0.01, CENTRE, out)
    assert np.isnan(out[20, 30, 1])
    assert np.isfinite(out[..., 0]).all()
    with pytest.raises(ValueError, match="itself"):
        magnify(layer, 0.01, CENTRE, layer)
