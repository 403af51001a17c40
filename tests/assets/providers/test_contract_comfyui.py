"""A ComfyUI server passes the contract of every provider."""

import json
from pathlib import Path

import pytest

from tests.assets.providers.comfyserver import running
from tests.assets.providers.contract import ProviderContract

WORKFLOW = Path(__file__).parents[3] / "docs/workflows/comfyui_depth_pose.json"


class TestComfyUI(ProviderContract):
    @pytest.fixture
    def service(self, tmp_path):
        with running(tmp_path / "comfy", json.loads(WORKFLOW.read_text("utf-8"))) as service:
            yield service
