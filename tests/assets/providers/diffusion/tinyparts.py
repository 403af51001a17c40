"""Tiny parts of models from configuration, with random weights: tokenizers of letters, text and image encoders, VAEs."""

from __future__ import annotations

import string
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

LETTERS = string.ascii_lowercase + string.ascii_uppercase + string.digits + string.punctuation
TEXT = 32  # width of all text encoders


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def lively(module: Any, spread: float = 0.1, gain: float = 1.0) -> Any:
    """Weights that begin as zero (ControlNets' last layers do) or uninitialised are drawn, so that they count.

    gain: of the matrices: untrained ones are so small that what is said hardly matters.
    """
    with torch.no_grad():
        for value in module.parameters():
            if value.ndim > 1:
                value.mul_(gain)
            if not value.abs().sum() > 0 or not torch.isfinite(value).all():
                value.normal_(0, spread)
    return module


def clip_tokenizer() -> Any:
    from transformers import CLIPTokenizer

    words = ["<|startoftext|>", "<|endoftext|>", *LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
    return CLIPTokenizer({word: i for i, word in enumerate(words)}, [], model_max_length=77)


def clip_text(kind: str = "CLIPTextModel") -> Any:
    import transformers

    config = transformers.CLIPTextConfig(
        vocab_size=2 + 2 * len(LETTERS), hidden_size=TEXT, intermediate_size=TEXT, num_hidden_layers=2,
        num_attention_heads=4, bos_token_id=0, eos_token_id=1, pad_token_id=1, projection_dim=TEXT,
    )  # fmt: skip
    return getattr(transformers, kind)(config).eval()


def t5_tokenizer() -> Any:
    from transformers import T5Tokenizer

    pieces = ["<pad>", "</s>", "<unk>", "▁", *LETTERS]
    return T5Tokenizer([(piece, -float(i)) for i, piece in enumerate(pieces)], extra_ids=0, model_max_length=512)


def t5_text(kind: str = "T5EncoderModel", config: str = "T5Config") -> Any:
    import transformers

    made = getattr(transformers, config)(
        vocab_size=4 + len(LETTERS), d_model=TEXT, d_kv=8, d_ff=TEXT, num_layers=1, num_heads=2
    )
    return getattr(transformers, kind)(made).eval()


def qwen_tokenizer() -> Any:
    from transformers import Qwen2Tokenizer

    words = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *LETTERS, "Ġ", "Ċ"]
    made = Qwen2Tokenizer(
        {word: i for i, word in enumerate(words)}, [], additional_special_tokens=["<|im_start|>", "<|im_end|>"]
    )
    made.chat_template = "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}"
    return made


QWEN_TEXT = {
    "vocab_size": 8 + len(LETTERS), "hidden_size": TEXT, "intermediate_size": TEXT, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 2048,
    "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0,
}  # fmt: skip


def vae_of(flow: bool = False) -> Any:
    import diffusers

    own: dict[str, Any] = {"shift_factor": 0.1, "scaling_factor": 0.4} if flow else {}
    return diffusers.AutoencoderKL(
        block_out_channels=(8, 16), down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
        layers_per_block=1, latent_channels=4, norm_num_groups=4, **own,
    )  # fmt: skip


def ddim() -> Any:
    import diffusers

    return diffusers.DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False,
        steps_offset=1,
    )  # fmt: skip


def eyes_config() -> Any:
    from transformers import CLIPVisionConfig

    return CLIPVisionConfig(
        hidden_size=TEXT, intermediate_size=TEXT, num_hidden_layers=1, num_attention_heads=4, image_size=16,
        patch_size=8, projection_dim=TEXT,
    )  # fmt: skip


def eyes() -> Any:
    from transformers import CLIPImageProcessor

    return CLIPImageProcessor(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})


def checker_of() -> Any:
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig

    config = CLIPConfig(vision_config=eyes_config().to_dict(), projection_dim=TEXT)
    return StableDiffusionSafetyChecker(config).eval()
