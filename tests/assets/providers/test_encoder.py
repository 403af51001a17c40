"""An image encoder of the show's own: the same picture is at 0, others are not, whatever it is asked with."""

from __future__ import annotations

import numpy as np
import pytest

from assets.providers.encoder import Encoder
from pipeline.errors import ProviderError
from tests.assets.providers.tinyencoders import KINDS, tiny_encoder


def figure(colour, tall=60, wide=20, gain=1.0, left=10):
    picture = np.zeros((80, 64, 4), np.float32)
    picture[5 : 5 + tall, left : left + wide] = (*np.multiply(gain, colour), 1.0)
    picture[5 : 5 + tall // 3, left : left + wide, :3] *= 0.4
    return picture


RED, BLUE = (0.3, 0.05, 0.03), (0.03, 0.05, 0.3)


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_same_figure_is_at_nought_and_another_is_not(tmp_path, kind):
    """Where it stands in its frame and how bright the shot is count for nothing."""
    encoder = Encoder.open(tiny_encoder(tmp_path / kind, kind))

    same, moved, brighter, blue, stout = encoder.embed(
        [figure(RED), figure(RED, left=30), figure(RED, gain=2.0), figure(BLUE), figure(RED, wide=50)]
    )

    assert np.allclose(np.linalg.norm([same, blue], axis=1), 1, atol=1e-5)
    assert 1 - same @ same == pytest.approx(0, abs=1e-6)
    assert 1 - same @ moved == pytest.approx(0, abs=1e-6)
    nearest_other = min(1 - same @ blue, 1 - same @ stout)
    assert 1 - same @ brighter < 0.02 * nearest_other
    assert nearest_other > 1e-5


def test_answers_do_not_depend_on_who_else_is_asked_about(tmp_path):
    encoder, pictures = Encoder.open(tiny_encoder(tmp_path)), [figure(RED, tall=30 + k) for k in range(20)]

    together, alone = encoder.embed(pictures), encoder.embed(pictures[17:18])

    assert together.shape == (20, 24)
    assert np.array_equal(together[17], alone[0])
    assert encoder.embed([]).shape[0] == 0


def test_its_digest_is_of_its_weights(tmp_path):
    one, same, other = (Encoder.open(tiny_encoder(tmp_path / f"{k}", seed=k // 2)).digest for k in range(3))

    assert one == same != other


@pytest.mark.parametrize("wrong", ["nothing", "kind", "pickle", "code", "cut"])
def test_what_is_no_encoder_or_more_than_weights_is_refused(tmp_path, wrong):
    folder = tiny_encoder(tmp_path / "model")
    weights, config = folder / "model.safetensors", folder / "config.json"
    if wrong == "kind":
        config.write_text(config.read_text().replace("clip_vision_model", "bert"))
    elif wrong == "pickle":
        weights.rename(folder / "pytorch_model.bin")
    elif wrong == "code":
        config.write_text(config.read_text().replace("{", '{"auto_map": {"AutoModel": "own.Model"},', 1))
    elif wrong == "cut":
        weights.write_bytes(weights.read_bytes()[:-100])
    words = {
        "nothing": "no such model folder",
        "kind": "is a 'bert'. Name an image encoder: clip",
        "pickle": "is a pickle",
        "code": "auto_map",
        "cut": "no sound safetensors",
    }

    with pytest.raises(ProviderError, match=words[wrong]):
        Encoder.open(tmp_path / "none" if wrong == "nothing" else folder)
