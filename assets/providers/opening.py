"""Open a provider by its entry in the show file. What a kind needs is imported only when it is wanted."""

from __future__ import annotations

from typing import assert_never

from assets.providers.base import Provider
from pipeline.provider_sections import (
    BUILTIN,
    BedrockModel,
    BuiltinModel,
    ComfyServer,
    DiffusersFolder,
    ProviderEntry,
    SageMakerEndpoint,
)


def open_provider(entry: ProviderEntry = BUILTIN) -> Provider:
    """The provider of an entry, ready to be asked. Raises ProviderError when it cannot be opened."""
    settings = entry.settings
    if isinstance(settings, BuiltinModel):
        from assets.providers.builtin import FOLDER, Builtin  # torch loads here, when a picture is wanted

        return Builtin.open(settings.folder or FOLDER, entry.name)
    if isinstance(settings, DiffusersFolder):
        from assets.providers.diffusion.folder import Folder

        return Folder.open(settings, entry.name)
    if isinstance(settings, ComfyServer):
        from assets.providers.comfy.comfyui import open_comfyui

        return open_comfyui(entry, settings)
    if isinstance(settings, BedrockModel):
        from assets.providers.aws.bedrock import Bedrock

        return Bedrock.open(settings, entry.conduct, entry.name)
    if isinstance(settings, SageMakerEndpoint):
        from assets.providers.aws.sagemaker import SageMaker

        return SageMaker.open(settings, entry.conduct, entry.name)
    assert_never(settings)  # a further kind is opened here too, or mypy says so
