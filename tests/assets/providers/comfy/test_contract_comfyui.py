"""A ComfyUI server passes the contract of every provider; an old one and one that paints videos do, too."""

import pytest

from tests.assets.providers.comfy.comfyasking import SHIPPED, workflow
from tests.assets.providers.comfy.comfyserver import running
from tests.assets.providers.contract import ProviderContract


class TestComfyUI(ProviderContract):
    @pytest.fixture
    def service(self, tmp_path):
        with running(tmp_path / "comfy", SHIPPED) as service:
            yield service


@pytest.mark.slow
class TestOldComfyUI(ProviderContract):
    """It chooses its jobs' ids itself."""

    @pytest.fixture
    def service(self, tmp_path):
        with running(tmp_path / "comfy", SHIPPED, old=True) as service:
            yield service


@pytest.mark.slow
class TestComfyUIVideo(ProviderContract):
    frames = 3

    @pytest.fixture
    def service(self, tmp_path):
        with running(tmp_path / "comfy", workflow(n10="width, height, frames", n11="seed, steps")) as service:
            yield service
