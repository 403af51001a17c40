"""The comp on tensors agrees with the compiled one: the same noise, the same bits outside, a half's last place inside."""

import numpy as np
import pytest
import torch

from pipeline.kernels import fused, fused_torch, grain
from pipeline.kernels.fused_torch import Beside
from tests.pipeline.kernels.test_fused import LINEAR, WARM, comped, profile, scene
from tests.pipeline.kernels.test_grain import film, wide
from tests.pipeline.kernels.test_grainpatches import patchy

DEVICES = [
    "cpu",
    *(["cuda"] if torch.cuda.is_available() else []),
    *(["mps"] if torch.backends.mps.is_available() else []),
]


def on_tensors(front, plate, beside, by, device, origin=(0, 0)):
    front, plate = (torch.from_numpy(a).to(device) for a in (front, plate))
    return fused_torch.comp(front, plate, profile(), 7, 1010, by, beside, origin).cpu().numpy()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("stock", [profile(), film(), patchy(film()), wide()], ids=["mixed", "film", "patchy", "wide"])
def test_noise_is_the_same(stock, device):
    like = torch.zeros((3, 21, 34), device=device)

    made = fused_torch.noise(like, stock, 3, 1005, (70, -4)).cpu().numpy()

    wanted = np.moveaxis(grain.noise(21, 34, stock, 3, 1005, (70, -4)), 2, 0)
    np.testing.assert_allclose(made, wanted, atol=2e-6)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("by", [WARM, LINEAR, None], ids=["power", "linear", "ungraded"])
def test_comps_agree(by, device):
    front, plate, beside = scene()
    front[1, 20, 5] = np.nan

    made, wanted = on_tensors(front, plate, beside, by, device), comped(front, plate, beside, by)

    untouched = (front == 0).all(axis=0) & (beside.shadow >= 1)
    assert made[:, untouched].tobytes() == wanted[:, untouched].tobytes()
    assert np.isnan(made[1, 20, 5])
    one, other = (a.astype(np.float32) for a in (made, wanted))
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=2e-6)  # one unit in a half's last place
    assert (made.view(np.uint16) == wanted.view(np.uint16)).mean() > 0.99


def test_tiles_fit():
    front, plate, _ = scene()
    cut = (slice(None), slice(9, 30), slice(200, 430))

    part = on_tensors(
        np.ascontiguousarray(front[cut]), np.ascontiguousarray(plate[cut]), Beside(), WARM, "cpu", (200, 9)
    )

    assert part.tobytes() == on_tensors(front, plate, Beside(), WARM, "cpu")[cut].tobytes()


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="wanted"):
        fused_torch.comp(torch.zeros(4, 5, 6), torch.zeros(3, 5, 6), profile(), 1, 1)


def test_grain_that_lacks_is_the_same():
    random = np.random.default_rng(6)
    plate, picture = random.random((2, 3, 17, 29), np.float32)
    kept = np.clip(random.random((17, 29), np.float32) * 1.5, 0, 1)
    made = fused_torch.add_grain(*(torch.from_numpy(a) for a in (plate, picture, kept)), profile(), 3, 1005).numpy()

    pixels, out = (
        [np.ascontiguousarray(np.moveaxis(a, 0, 2)) for a in (plate, picture)],
        np.empty((17, 29, 3), np.float32),
    )
    grain.add_grain(*pixels, kept, profile(), 3, 1005, out)
    np.testing.assert_allclose(made, np.moveaxis(out, 2, 0), atol=1e-5)
    np.testing.assert_array_equal(made[:, kept == 1], picture[:, kept == 1])


@pytest.mark.parametrize("device", DEVICES)
def test_what_leaves_is_the_same(device):
    random = np.random.default_rng(7)
    plate = random.random((40, 70, 3), np.float32).astype(np.float16)
    picture, kept = plate * np.float32(1.2), fused.held(np.clip(2 * random.random((40, 70), np.float32), 0, 1))
    kept[:9] = 1
    picture[12, 3], picture[13, 4] = np.nan, 1e9

    made = fused_torch.finish(plate, picture, kept, film(), 3, 1005, device)

    wanted = fused.finish(plate, picture, kept, film(), 3, 1005)
    np.testing.assert_allclose(made[0], wanted[0], rtol=1e-5, atol=2e-6)
    np.testing.assert_allclose(made[1].astype(np.float32), wanted[1].astype(np.float32), rtol=1e-3, atol=2e-6)
    untouched = kept == 1
    assert made[1][untouched].tobytes() == plate[untouched].tobytes()
    np.testing.assert_array_equal(made[0][untouched], picture[untouched])
    assert np.isnan(made[1][12, 3]).all()
    assert np.isfinite(made[1][13, 4]).all()


def test_finish_refuses_other_shapes():
    plate, kept = np.zeros((5, 6, 3), np.float16), np.zeros((5, 6), np.float16)
    with pytest.raises(ValueError, match="wanted"):
        fused_torch.finish(plate.astype(np.float32), plate.astype(np.float32), kept, profile(), 1, 1, "cpu")
