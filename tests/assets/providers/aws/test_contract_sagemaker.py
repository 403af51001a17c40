"""An endpoint of one's own on SageMaker keeps the contract of every provider: in one call, and over S3."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from pipeline.provider_sections import Conduct, ProviderEntry, SageMakerEndpoint
from tests.assets.providers.aws.awsserver import MOODS, environment, running
from tests.assets.providers.aws.awsstate import AwsServer
from tests.assets.providers.contract import ProviderContract


@pytest.fixture(scope="module")
def amazon() -> Iterator[AwsServer]:
    with running() as server:
        yield server


@dataclass
class SageMakerService:
    """The server, seen as one endpoint of SageMaker."""

    entry: ProviderEntry
    server: AwsServer
    moods: frozenset[str] = MOODS

    @property
    def done(self) -> list[str]:
        return self.server.done

    @property
    def strayed(self) -> list[str]:
        return self.server.strayed

    def plan(self, *moods: str) -> None:
        self.server.plan(*moods)


class TestInOneCall(ProviderContract):
    asynchronous = False

    @pytest.fixture
    def service(self, amazon: AwsServer, monkeypatch: pytest.MonkeyPatch) -> SageMakerService:
        environment(monkeypatch)
        amazon.reset()
        settings = SageMakerEndpoint(
            "painter",
            region="us-west-2",
            asynchronous=self.asynchronous,
            s3_input="s3://questions/show",
            endpoint=amazon.url,
            s3_endpoint=amazon.url,
        )
        conduct = Conduct(wait_s=0.01, timeout_s=2.0, usd_per_picture=0.01)
        return SageMakerService(ProviderEntry("farm", settings, conduct), amazon)


class TestOverS3(TestInOneCall):
    asynchronous = True
