"""Amazon on loopback, as it was before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.assets.providers.aws.awsserver import environment, running
from tests.assets.providers.aws.awsstate import AwsServer


@pytest.fixture(scope="module")
def listening() -> Iterator[AwsServer]:
    with running() as server:
        yield server


@pytest.fixture
def amazon(listening: AwsServer, monkeypatch: pytest.MonkeyPatch) -> AwsServer:
    environment(monkeypatch)
    listening.reset()
    return listening
