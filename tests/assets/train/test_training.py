"""The training script, on a few small samples: it learns and writes a folder that the provider opens."""

from xml.etree import ElementTree as xml_tree

import numpy as np
import pytest

from assets.providers.builtin import Builtin, folder_digest, one_thread
from assets.train.curve import draw_curve, read_curve
from assets.train.masonry import masonry_sample
from assets.train.recipe import Recipe
from assets.train.samples import write_shard
from assets.train.sprites import train


def test_a_few_steps_lower_the_loss_and_leave_a_model_folder(tmp_path):
    rng = np.random.default_rng(5)
    write_shard(tmp_path / "tall_0000.npz", [masonry_sample(rng, 64, 128) for _ in range(3)])
    recipe = Recipe(steps=40, batch=2, window_share=1.0, whole_noise=1.0, warm_up_steps=5, seed=3)
    losses = []

    with one_thread():
        train(tmp_path, tmp_path / "model", recipe, minutes=60, tell=losses.append, tell_every=10)
    words = [float(line.split()[-1]) for line in losses]
    model = Builtin.open(tmp_path / "model")
    picture = model.generate([masonry_sample(rng, 48, 32).request])[0].takes[0, 0]

    assert words[-1] < words[0]
    assert (tmp_path / "model" / "unet" / "diffusion_pytorch_model.safetensors").stat().st_size < 40e6
    assert picture.shape == (32, 48, 4)
    assert np.isfinite(picture).all()


def test_a_training_that_was_stopped_ends_with_the_same_bytes(tmp_path):
    rng = np.random.default_rng(5)
    write_shard(tmp_path / "tall_0000.npz", [masonry_sample(rng, 64, 128) for _ in range(2)])
    write_shard(tmp_path / "kept_0000.npz", [masonry_sample(rng, 64, 128)])
    recipe = Recipe(steps=4, batch=1, window_share=1.0, warm_up_steps=5, seed=3)

    class Stopped(Exception):
        """Somebody pulls the plug."""

    def stop(line):
        if line.startswith("step 3"):
            raise Stopped

    with one_thread():
        train(tmp_path, tmp_path / "whole", recipe, minutes=1e6, tell=str, save_every=2)
        with pytest.raises(Stopped):
            train(tmp_path, tmp_path / "stopped", recipe, minutes=1e6, tell=stop, tell_every=1, save_every=2)
        train(tmp_path, tmp_path / "stopped", recipe, minutes=1e6, tell=str, tell_every=1, save_every=2)
    whole, stopped = (folder_digest(tmp_path / name / "unet") for name in ("whole", "stopped"))

    assert stopped == whole
    assert [look.step for look in read_curve(tmp_path / "stopped")] == [1, 2, 3, 4]
    assert read_curve(tmp_path / "stopped")[-1].kept_loss == read_curve(tmp_path / "whole")[-1].kept_loss
    assert xml_tree.parse(draw_curve(tmp_path / "stopped")).getroot().tag.endswith("svg")
