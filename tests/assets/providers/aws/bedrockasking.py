"""Models on Bedrock as a show opens them, and what is asked of them."""

from __future__ import annotations

from assets.providers.opening import open_provider
from assets.providers.request import Request
from pipeline.provider_sections import BedrockModel, Conduct, ProviderEntry
from tests.assets.providers.aws.awsstate import AwsServer
from tests.assets.providers.contract_service import ask

STRUCTURE = "us.stability.stable-image-control-structure-v1:0"
CANVAS = "amazon.nova-canvas-v1:0"
TITAN = "amazon.titan-image-generator-v2:0"
REEL = "amazon.nova-reel-v1:1"
LUMA = "luma.ray-v2:0"


def model(amazon: AwsServer, name: str, timeout_s: float = 20.0, **settings: str):
    told = {"region": "us-west-2", "s3_output": "s3://answers/show", "endpoint": amazon.url, **settings}
    return open_provider(
        ProviderEntry("aws", BedrockModel(name, **told), Conduct(timeout_s=timeout_s, usd_per_picture=0.07))
    )


def order(provider, seed: int = 1, frames: int = 1, size_px: tuple[int, int] = (48, 64), **changes) -> Request:
    return ask(provider.capabilities, size_px, frames, seed=seed, **changes)
