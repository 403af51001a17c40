"""Bedrock keeps the contract of every provider: pictures in one call, videos as jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pytest

from pipeline.provider_sections import BedrockModel, Conduct, ProviderEntry
from tests.assets.providers.aws.awsserver import MOODS, environment, running
from tests.assets.providers.aws.awsstate import AwsServer
from tests.assets.providers.contract import ProviderContract

PICTURE = "us.stability.stable-image-control-structure-v1:0"
VIDEO = "amazon.nova-reel-v1:1"


@pytest.fixture(scope="module")
def amazon() -> Iterator[AwsServer]:
    with running() as server:
        yield server


@dataclass
class BedrockService:
    """The server, seen as one model of Bedrock."""

    entry: ProviderEntry
    moods: frozenset[str]
    server: AwsServer

    @property
    def done(self) -> list[str]:
        return self.server.done

    @property
    def strayed(self) -> list[str]:
        return self.server.strayed

    def plan(self, *moods: str) -> None:
        self.server.plan(*moods)


def service_of(amazon: AwsServer, model: str, moods: frozenset[str]) -> BedrockService:
    settings = BedrockModel(model, region="us-west-2", s3_output="s3://answers/show", endpoint=amazon.url)
    return BedrockService(
        ProviderEntry("aws", settings, Conduct(wait_s=0.01, timeout_s=2.0, usd_per_picture=0.07)), moods, amazon
    )


class TestPicture(ProviderContract):
    @pytest.fixture
    def service(self, amazon: AwsServer, monkeypatch: pytest.MonkeyPatch) -> BedrockService:
        environment(monkeypatch)
        amazon.reset()
        return service_of(amazon, PICTURE, MOODS)


@pytest.mark.slow  # every answer is a movie of 1280 x 720
class TestVideo(ProviderContract):
    size_px = (64, 48)
    frames = 2
    never: ClassVar = {"gigapixels": "an MP4's size stands in its every frame"}

    @pytest.fixture
    def service(self, amazon: AwsServer, monkeypatch: pytest.MonkeyPatch) -> BedrockService:
        environment(monkeypatch)
        amazon.reset()
        return service_of(amazon, VIDEO, MOODS - {"gigapixels"})
