"""Cover before a layer: a column at a time by hand."""

import numpy as np
import pytest

from pipeline.kernels.cover import hide_behind_cover


def column(alpha, reach, detail, edge):
    """What is hidden of one column, from its edges up."""
    out = np.zeros(len(alpha))
    for y in range(len(alpha) - 1):
        if alpha[y] >= 0.5 and alpha[y + 1] < 0.5 and reach[y] > 0:
            for below in range(y + 1, min(y + 1 + edge, len(alpha))):
                if alpha[below] > alpha[below - 1]:
                    break
                out[below] = 1
            top = y
            while top >= 0 and alpha[top] >= 0.5:
                high = (y - top + 0.5) / reach[y]
                out[top] = np.clip((detail[top] - (high - 0.28) / 0.72) / 0.5 + 0.5, 0, 1)
                top -= 1
    return out


def test_each_column_is_hidden_from_its_edges_up():
    random = np.random.default_rng(1)
    alpha = np.clip(np.cumsum(random.normal(0, 0.3, (60, 40)), axis=0), 0, 1).astype(np.float32)
    reach = (8 * random.random((60, 40)) * (random.random((60, 40)) < 0.6)).astype(np.float32)
    detail, out = random.random((60, 40)).astype(np.float32), np.full((60, 40), 9, np.float32)

    hide_behind_cover(alpha, reach, detail, 3, out)

    wanted = np.stack([column(*(a[:, x] for a in (alpha, reach, detail)), 3) for x in range(40)], axis=1)
    assert 0.02 < wanted.mean() < 0.6
    np.testing.assert_allclose(out, wanted, atol=1e-5)


def test_other_shapes_are_refused():
    some = np.zeros((4, 5), np.float32)
    with pytest.raises(ValueError, match="detail"):
        hide_behind_cover(some, some, np.zeros((4, 6), np.float32), 2, some.copy())
