"""Stages are written whole, to the same bytes in every process, and only then."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pxr import Usd

from pipeline.errors import FormatError
from pipeline.frames import FrameRange, FrameRate
from pipeline.io import usd

ROOT = Path(__file__).parents[3]
WRITE = """
import sys
from pathlib import Path
import numpy as np
from pipeline.io import usd
from pipeline.frames import FrameRange, FrameRate

rng = np.random.default_rng(1)
with usd.writing(Path(sys.argv[1]), FrameRange(1001, 1004), FrameRate(24)) as stage:
    body = usd.Surface(rng.random((6, 3)), np.array([[0, 1, 2], [3, 4, 5]]), rng.random((2, 3)))
    usd.add_mesh(stage, "/Shot/Crowd/Prototypes/one", body)
    crowd = usd.add_instancer(
        stage, "/Shot/Crowd", ["/Shot/Crowd/Prototypes/one"], np.zeros(5, int), np.arange(5),
        rng.random((4, 5, 3)), rng.random((4, 5)), np.ones(5),
    )
    for name in ("zone", "motion", "agentname"):
        usd.add_words(stage, crowd, name, usd.Words((name, "other"), np.array([0, 1, 0, 1, 1])))
    usd.add_numbers(stage, crowd, "phase", rng.random((4, 5)))
"""


@pytest.mark.parametrize("suffix", [".usdc", ".usda"])
def test_equal_inputs_give_equal_bytes_in_every_process(tmp_path, suffix):
    files = [tmp_path / f"{seed}{suffix}" for seed in (1, 2)]

    for seed, file in enumerate(files):
        command = [sys.executable, "-c", WRITE, str(file)]
        subprocess.run(command, check=True, cwd=ROOT, env={"PYTHONHASHSEED": str(seed)})

    assert files[0].read_bytes() == files[1].read_bytes()


def test_what_never_changes_is_written_once(tmp_path):
    still = np.ones((4, 5, 3))

    with usd.writing(tmp_path / "a.usda", FrameRange(1001, 1004), FrameRate(24)) as stage:
        usd.add_instancer(stage, "/Shot/Crowd", [], np.zeros(5), np.arange(5), still, np.zeros((4, 5)), np.ones(5))

    stage = Usd.Stage.Open(str(tmp_path / "a.usda"))
    attribute = stage.GetAttributeAtPath("/Shot/Crowd.positions")
    assert attribute.GetNumTimeSamples() == 0
    assert len(attribute.Get()) == 5


def test_a_failed_stage_leaves_the_old_file(tmp_path):
    file = tmp_path / "a.usda"
    file.write_text("old")

    with pytest.raises(KeyError), usd.writing(file, FrameRange(1, 2), FrameRate(24)):
        raise KeyError

    assert file.read_text() == "old"


def test_another_ending_is_refused(tmp_path):
    with (
        pytest.raises(FormatError, match=r"written as \.usdc, \.usda, \.usd"),
        usd.writing(tmp_path / "a.fbx", FrameRange(1, 2), FrameRate(24)),
    ):
        pass


def test_prim_names_are_valid_and_never_alike():
    assert usd.identifiers(["a b", "a-b", "a_b", "7x", "a_b_2"]) == ["a_b", "a_b_2", "a_b_3", "_x", "a_b_2_2"]
