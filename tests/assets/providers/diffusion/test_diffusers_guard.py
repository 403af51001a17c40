"""Model folders that would harm: real pickles that run, code, paths that lead out. Refused, and nothing of them has run."""

from __future__ import annotations

import json
import pickle
import shutil
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from assets.providers.diffusion.digest import remembered_sha256
from assets.providers.diffusion.folder import Folder
from assets.providers.diffusion.guard import check_safetensors
from assets.providers.diffusion.licence import UNKNOWN
from assets.providers.request import Guides, Identity, Request
from pipeline.errors import ProviderError
from pipeline.io.files import sha256
from tests.assets.providers.diffusion import tinymodels

WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("BATTLEPLATE_CACHE", str(tmp_path / "cache"))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    return tinymodels.stable_diffusion(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def model(sound, tmp_path):
    """Settings of a copy that may be spoilt."""
    shutil.copytree(sound.folder.parent, tmp_path / "copy")
    nets = {guide: tmp_path / "copy" / guide for guide in sound.controlnets}
    return replace(sound, folder=tmp_path / "copy" / "model", controlnets=nets)


class Bomb:
    """Unpickled, it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def refused(settings, said):
    with pytest.raises(ProviderError, match=said) as error:
        Folder.open(settings)
    assert "\n" not in str(error.value)


def paint(provider):
    block = np.zeros((16, 16), np.float32)
    block[4:12, 4:12] = 1
    asked = Request(Guides.image(coverage=block, depth=block), Identity("walker", ()), 0.02, prompt="a man", steps=1)
    return provider.generate([asked])[0].takes


def edit(file: Path, **changes):
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_the_bomb_is_real(tmp_path):
    pickle.loads(pickle.dumps(Bomb(tmp_path / "mark")))

    assert (tmp_path / "mark").exists()


@pytest.mark.parametrize("name", ["diffusion_pytorch_model.bin", "model.ckpt", "model.pt", "model.pth", "model.pkl"])
@pytest.mark.parametrize("place", ["model/unet", "depth"])
def test_weights_that_are_only_a_pickle_are_refused_and_not_run(model, tmp_path, place, name):
    folder = tmp_path / "copy" / place
    (folder / WEIGHTS).unlink()
    (folder / name).write_bytes(pickle.dumps(Bomb(tmp_path / "mark")))

    refused(model, f"{name}: is a pickle")

    assert not (tmp_path / "mark").exists()


def test_pickles_beside_safetensors_are_never_read(model, sound, tmp_path):
    for component, name in (("unet", "diffusion_pytorch_model.bin"), ("text_encoder", "pytorch_model.bin")):
        (model.folder / component / name).write_bytes(pickle.dumps(Bomb(tmp_path / "mark")))
    (model.controlnets["depth"] / "diffusion_pytorch_model.bin").write_bytes(pickle.dumps(Bomb(tmp_path / "mark")))

    picture = paint(Folder.open(model))

    assert np.array_equal(picture, paint(Folder.open(sound)))
    assert not (tmp_path / "mark").exists()


def test_weights_of_other_programs_beside_the_parts_are_no_matter(model):
    (model.folder / "vae_decoder").mkdir()
    (model.folder / "vae_decoder" / "openvino_model.bin").write_bytes(b"graph")

    assert paint(Folder.open(model)).any()


def test_a_folder_of_one_pickle_is_refused_by_its_name(model, tmp_path):
    single = tmp_path / "single"
    single.mkdir()
    (single / "v1-5-pruned.ckpt").write_bytes(pickle.dumps(Bomb(tmp_path / "mark")))

    refused(replace(model, folder=single), r"v1-5-pruned\.ckpt: is a pickle")

    assert not (tmp_path / "mark").exists()


def test_pickles_are_refused_where_an_adapter_or_a_lora_is_named(model, tmp_path):
    adapter = tinymodels.ip_adapter(tmp_path / "adapter", model.folder, 32)
    encoder = adapter / "image_encoder"
    (encoder / "model.safetensors").unlink()
    (encoder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(tmp_path / "mark")))
    (tmp_path / "lora.bin").write_bytes(pickle.dumps(Bomb(tmp_path / "mark")))

    refused(replace(model, ip_adapter=adapter), "pytorch_model.bin: is a pickle")
    refused(replace(model, loras={"walker": tmp_path / "lora.bin"}), "safetensors only")

    assert not (tmp_path / "mark").exists()


def test_a_pickle_under_the_name_of_safetensors_is_refused(model, tmp_path):
    (model.folder / "unet" / WEIGHTS).write_bytes(pickle.dumps(Bomb(tmp_path / "mark")))

    refused(model, "no sound safetensors file")

    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("name", ["pipeline.py", "unet/modeling.py", "unet/fast.so"])
def test_code_in_the_folder_is_refused_and_not_run(model, tmp_path, name):
    (model.folder / name).write_text(f"from pathlib import Path\nPath({str(tmp_path / 'mark')!r}).touch()\n")

    refused(model, "is code")

    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"_class_name": ["pipeline", "MyPipeline"]}, "a pipeline of its own"),
        (
            {"_class_name": "StableAudioPipeline"},
            "StableAudioPipeline, which is not known here. Known: Stable Diffusion 1",
        ),
        ({"unet": ["modeling", "MyUNet"]}, "not of diffusers or transformers"),
        ({"unet": ["os", "system"]}, "not of diffusers or transformers"),
        ({"unet": ["diffusers", "__import__('os')"]}, "not of diffusers or transformers"),
        ({"../evil": ["diffusers", "UNet2DConditionModel"]}, "no plain name"),
        ({"custom_pipeline": "evil"}, "code of the model's own"),
    ],
)
def test_an_index_that_asks_for_code_or_leads_out_is_refused(model, changes, said):
    edit(model.folder / "model_index.json", **changes)

    refused(model, said)


def test_an_auto_map_is_refused_however_it_is_written_and_wherever(model):
    config = model.folder / "text_encoder" / "config.json"
    config.write_text(config.read_text().replace("{", '{"inner": {"\\u0061uto_map": {"AutoModel": "evil.Model"}},', 1))

    refused(model, "auto_map")


def test_an_adapter_configuration_that_names_another_model_is_refused(model):
    (model.folder / "text_encoder" / "adapter_config.json").write_text('{"base_model_name_or_path": "/elsewhere"}')

    refused(model, "names another model")


@pytest.mark.parametrize("name", ["../../secret.safetensors", "/etc/passwd", "..", "sub/part.safetensors"])
def test_names_that_lead_out_of_the_folder_are_refused(model, name):
    (model.folder / "unet" / f"{WEIGHTS}.index.json").write_text(json.dumps({"weight_map": {"conv_in.weight": name}}))

    refused(model, "not one beside it")


def test_a_tokenizer_that_names_a_file_elsewhere_is_refused(model):
    edit(model.folder / "tokenizer" / "tokenizer_config.json", vocab_file="/etc/passwd")

    refused(model, "/etc/passwd")


@pytest.mark.parametrize("what", ["file", "folder"])
def test_links_that_lead_out_are_refused(model, tmp_path, what):
    link = model.folder / "unet" / WEIGHTS if what == "file" else model.folder / "unet"
    (link.unlink if what == "file" else lambda: shutil.rmtree(link))()
    link.symlink_to(tmp_path / "elsewhere")

    refused(model, "leads out of the model folder")


def test_a_link_within_the_folder_is_followed(model, sound):
    file = model.folder / "unet" / WEIGHTS
    file.rename(model.folder / "unet" / "real.safetensors")
    file.symlink_to("real.safetensors")

    assert np.array_equal(paint(Folder.open(model)), paint(Folder.open(sound)))


def test_unsound_weights_are_refused_before_they_are_read(model, tmp_path):
    file = model.folder / "unet" / WEIGHTS
    whole = file.read_bytes()
    spoilt = {
        "short": whole[: len(whole) // 2],
        "long": whole + b"more",
        "bomb": (1 << 62).to_bytes(8, "little") + whole[8:],
        "empty": b"",
        "words": (5).to_bytes(8, "little") + b"hello",
        "list": (2).to_bytes(8, "little") + b"[]",
    }

    check_safetensors(file)
    for data in spoilt.values():
        file.write_bytes(data)
        refused(model, "no sound safetensors file")


def test_nothing_is_asked_of_a_network(model, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection"))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("a look-up"))

    assert paint(Folder.open(model)).any()


# ---------------------------------------------------------------- what it says of itself


def test_the_digest_is_of_what_decides_the_picture(model):
    digest = Folder.open(model).model_digest
    (model.folder / "README.md").write_text("words")

    assert Folder.open(model).model_digest == digest
    assert Folder.open(replace(model, guidance=3.0)).model_digest != digest
    assert Folder.open(replace(model, offload=True)).model_digest == digest
    weights = model.controlnets["pose"] / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert Folder.open(model).model_digest != digest


def test_large_files_are_hashed_once_and_again_when_they_change(tmp_path):
    file = tmp_path / "large.safetensors"
    file.write_bytes(bytes(2 << 20))
    first = remembered_sha256(file)
    (note,) = (tmp_path / "cache" / "file-digests").iterdir()
    kept = json.loads(note.read_text())

    note.write_text(json.dumps({**kept, "sha256": "f" * 64}))
    remembered = remembered_sha256(file)
    note.write_text("damaged")
    mended = remembered_sha256(file)
    file.write_bytes(b"1" + bytes(2 << 20))

    assert first == mended == kept["sha256"]
    assert remembered == "f" * 64, "read from the note, not from the file"
    assert remembered_sha256(file) == sha256(file)


@pytest.mark.parametrize(
    ("name", "text", "licence"),
    [
        ("README.md", "---\nlanguage: en\nlicense: openrail++\n---\nwords\n", "openrail++"),
        ("README.md", "---\nlicense: other\nlicense_name: flux-1-dev\n---\n", "flux-1-dev"),
        ("LICENSE", "\n# Apache License 2.0\nmore\n", "Apache License 2.0"),
        ("README.md", "license: not in the front\n", UNKNOWN),
    ],
)
def test_the_licence_is_read_from_the_folder(model, name, text, licence):
    (model.folder / name).write_text(text)
    assert Folder.open(model).licence == licence

    edit(model.folder / "model_index.json", licence="ours")
    assert Folder.open(model).licence == "ours"
