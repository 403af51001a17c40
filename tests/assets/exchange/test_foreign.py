"""Crowds of other programs, as their files tell them: units, axes, ids, clocks, names; and what is wrong with them."""

import numpy as np
import pytest

from assets.exchange.foreign import HIDDEN_M
from assets.exchange.layouts import read_crowd
from assets.motion.motions import load_motion
from pipeline.errors import AssetError, BattleplateError, FormatError
from pipeline.frames import FrameRange, FrameRate

FOUR = FrameRange(1001, 1004)
RATE = FrameRate(24)


def usda(tmp_path, body, head='metersPerUnit = 1\n    upAxis = "Y"\n    timeCodesPerSecond = 24', name="crowd.usda"):
    path = tmp_path / name
    path.write_text(f"#usda 1.0\n(\n    {head}\n    startTimeCode = 1001\n    endTimeCode = 1004\n)\n{body}")
    return path


def instancer(points="point3f[] positions = [(1, 0, 2), (3, 0, 4)]", extra="", name="Soldiers", prototype="legionary"):
    return f"""
def PointInstancer "{name}"
{{
    rel prototypes = [<Prototypes/{prototype}>, <Prototypes/archer>]
    int[] protoIndices = [0, 1]
    {points}
    {extra}
    def Scope "Prototypes"
    {{
        def Xform "{prototype}" {{}}
        def Xform "archer" {{}}
    }}
}}
"""


def test_the_least_that_a_file_may_say_is_enough(tmp_path):
    crowd = read_crowd(usda(tmp_path, instancer()), FOUR, RATE)

    assert crowd.ids.tolist() == [1, 2]
    assert crowd.characters == ("legionary", "archer")
    assert crowd.motion_names == ("idle",)
    assert crowd.positions.shape == (4, 2, 3)
    np.testing.assert_array_equal(crowd.positions[3], [[1, 0, 2], [3, 0, 4]])
    np.testing.assert_array_equal(crowd.yaws, 0)
    np.testing.assert_array_equal(crowd.scales, 1)
    assert crowd.positions.dtype == crowd.yaws.dtype == crowd.phases.dtype == np.float32


def test_centimetres_and_z_up_are_laid_back_into_metres_and_y_up(tmp_path):
    # Turned 90 degrees about Z: who looked along -Y looks along +X.
    half = np.sqrt(0.5)
    file = usda(
        tmp_path,
        instancer(
            "point3f[] positions = [(100, -250, 30), (0, 0, 0)]",
            f"quath[] orientations = [({half}, 0, 0, {half}), (1, 0, 0, 0)]\n    float3[] scales = [(1, 1, 1.05), (1, 1, 1)]",
        ),
        'metersPerUnit = 0.01\n    upAxis = "Z"\n    timeCodesPerSecond = 24',
    )

    crowd = read_crowd(file, FOUR, RATE)

    np.testing.assert_allclose(crowd.positions[0, 0], [1.0, 0.3, 2.5], atol=1e-6)
    np.testing.assert_allclose(crowd.yaws[0], [np.pi / 2, 0.0], atol=1e-3)
    np.testing.assert_allclose(crowd.scales, [1.05, 1.0], rtol=1e-6)


def test_a_parent_s_transform_moves_turns_and_stretches(tmp_path):
    inner = instancer()
    file = usda(
        tmp_path,
        'def Xform "World" {\n double3 xformOp:translate = (10, 0, 0)\n double xformOp:rotateY = 90\n'
        " double3 xformOp:scale = (1.1, 1.1, 1.1)\n"
        ' uniform token[] xformOpOrder = ["xformOp:translate", "xformOp:rotateY", "xformOp:scale"]\n'
        f"{inner}\n}}",
    )

    crowd = read_crowd(file, FOUR, RATE)

    np.testing.assert_allclose(crowd.positions[0, 0], [10 + 1.1 * 2, 0, -1.1 * 1], atol=1e-5)
    np.testing.assert_allclose(crowd.yaws[0], np.pi / 2, atol=1e-6)
    np.testing.assert_allclose(crowd.scales, 1.1, rtol=1e-6)


def test_prototypes_in_another_unit_do_not_make_giants(tmp_path):
    crowd = read_crowd(usda(tmp_path, instancer(extra="float3[] scales = [(98, 98, 98), (100, 100, 100)]")), FOUR, RATE)

    np.testing.assert_allclose(crowd.scales, [98 / 99, 100 / 99], rtol=1e-6)
    assert "another unit" in crowd.notes[0]


@pytest.mark.parametrize(("interpolation", "expected"), [("linear", [0, 0.8, 1.6, 2.4]), ("held", [0, 0, 1, 2])])
def test_samples_at_another_rate_come_onto_the_shot_s_frames(tmp_path, interpolation, expected):
    samples = "point3f[] positions.timeSamples = {1001: [(0, 0, 0), (0, 0, 9)], 1002: [(1, 0, 0), (0, 0, 9)], 1003: [(2, 0, 0), (0, 0, 9)], 1004: [(3, 0, 0), (0, 0, 9)]}"
    head = "timeCodesPerSecond = 19.2"

    crowd = read_crowd(usda(tmp_path, instancer(samples), head), FOUR, RATE, interpolation=interpolation)

    scale = 0.01  # a stage that names no unit is in centimetres, USD's default
    np.testing.assert_allclose(crowd.positions[:, 0, 0], np.multiply(expected, scale), atol=1e-6)


@pytest.mark.parametrize(
    ("frames", "expected"), [(FrameRange(1002, 1003), [1, 2]), (FrameRange(101, 104), [0, 1, 2, 3])]
)
def test_frame_numbers_are_time_codes_when_the_stage_reaches_them(tmp_path, frames, expected):
    samples = "point3f[] positions.timeSamples = {1001: [(0, 0, 0), (0, 0, 9)], 1004: [(3, 0, 0), (0, 0, 9)]}"

    crowd = read_crowd(usda(tmp_path, instancer(samples)), frames, RATE)

    np.testing.assert_allclose(crowd.positions[:, 0, 0], expected, atol=1e-6)
    assert len(crowd.notes) == (frames.first == 101)


def test_a_stage_that_ends_early_holds_its_last_pose_and_says_so(tmp_path):
    crowd = read_crowd(usda(tmp_path, instancer()), FrameRange(1001, 1010), RATE)

    assert len(crowd.positions) == 10
    assert "ends at time code 1004" in crowd.notes[0]


def test_headings_turn_the_short_way_between_samples(tmp_path):
    def about_y(degrees):
        return f"({np.cos(np.radians(degrees / 2))}, 0, {np.sin(np.radians(degrees / 2))}, 0)"

    turns = f"quatf[] orientationsf.timeSamples = {{1001: [{about_y(170)}, {about_y(0)}], 1003: [{about_y(-170)}, {about_y(0)}]}}"

    crowd = read_crowd(usda(tmp_path, instancer(extra=turns)), FOUR, RATE)

    np.testing.assert_allclose(np.degrees(crowd.yaws[:, 0]) % 360, [170, 180, 190, 190], atol=1e-3)


def test_agents_come_go_and_change_places_by_their_ids(tmp_path):
    samples = """int64[] ids.timeSamples = {1001: [7, 9], 1002: [9, 7], 1003: [9]}
    point3f[] positions.timeSamples = {1001: [(7, 0, 1), (9, 0, 1)], 1002: [(9, 0, 2), (7, 0, 2)], 1003: [(9, 0, 3)]}
    int[] protoIndices.timeSamples = {1001: [0, 1], 1002: [1, 0], 1003: [1]}"""

    crowd = read_crowd(usda(tmp_path, instancer(samples).replace("    int[] protoIndices = [0, 1]\n", "")), FOUR, RATE)

    assert crowd.ids.tolist() == [7, 9]
    assert crowd.characters == ("legionary", "archer")
    np.testing.assert_array_equal(crowd.positions[:, 1], [[9, 0, 1], [9, 0, 2], [9, 0, 3], [9, 0, 3]])
    np.testing.assert_array_equal(crowd.positions[:2, 0], [[7, 0, 1], [7, 0, 2]])
    np.testing.assert_array_equal(crowd.positions[2:, 0, 1], HIDDEN_M)


def test_invisible_and_inactive_agents_stay_away(tmp_path):
    points = "int64[] ids = [4, 5, 6]\n    int[] protoIndices = [0, 0, 1]\n    point3f[] positions = [(1, 0, 0), (2, 0, 0), (3, 0, 0)]"
    body = instancer(points, "int64[] invisibleIds.timeSamples = {1001: [], 1003: [4]}").replace(
        "    int[] protoIndices = [0, 1]\n", ""
    )
    body = body.replace('"Soldiers"\n{', '"Soldiers" (\n    inactiveIds = [5]\n)\n{')

    crowd = read_crowd(usda(tmp_path, body), FOUR, RATE)

    assert crowd.ids.tolist() == [4, 6]
    np.testing.assert_array_equal(crowd.positions[:, 0, 1], [0, 0, HIDDEN_M, HIDDEN_M])


def test_switched_off_instancers_are_not_read_and_the_others_share_no_id(tmp_path):
    off = instancer(name="Off").replace('"Off"\n{', '"Off" (\n    active = false\n)\n{')
    hidden = instancer(extra='token visibility = "invisible"', name="Hidden")

    crowd = read_crowd(usda(tmp_path, instancer() + off + hidden + instancer(name="Second")), FOUR, RATE)

    assert crowd.zones == ("Soldiers", "Soldiers", "Second", "Second")
    assert len(set(crowd.ids.tolist())) == 4


@pytest.mark.parametrize(("ids", "expected"), [("[0, 5]", [1, 6]), ("[-3, 9]", [1, 13]), ("[8000000000, 3]", [2, 1])])
def test_ids_that_our_id_channel_cannot_hold_are_raised_or_renumbered(tmp_path, ids, expected):
    crowd = read_crowd(usda(tmp_path, instancer(extra=f"int64[] ids = {ids}")), FOUR, RATE)

    assert crowd.ids.tolist() == expected
    assert len(crowd.notes) == 1


def test_names_are_mapped_by_the_table_with_wildcards(tmp_path):
    body = instancer(
        extra='string[] primvars:clip = ["walk_slow"] (interpolation = "vertex")\n    int[] primvars:clip:indices = [0, 0]',
        prototype="soldierA_07",
    )

    crowd = read_crowd(
        usda(tmp_path, body), FOUR, RATE, characters={"soldierA_*": "spearman"}, motions={"walk_slow": "walk"}
    )

    assert crowd.characters == ("spearman", "archer")
    assert crowd.motion_names == ("walk",)


def path_of(motion_m, frames=48):
    return (
        "point3f[] positions.timeSamples = {"
        + ", ".join(f"{1001 + i}: [(0, 0, {motion_m * i / 24}), (5, 0, 0)]" for i in range(frames))
        + "}"
    )


def test_without_motions_speed_decides_and_the_distance_walked_turns_the_cycle(tmp_path):
    frames = FrameRange(1001, 1048)
    file = usda(tmp_path, instancer(path_of(1.0), "float3[] scales = [(1.05, 1.05, 1.05), (1, 1, 1)]"))

    crowd = read_crowd(file, frames, RATE)

    names = np.array(crowd.motion_names)[crowd.motions]
    assert (names[:, 0] == "walk").all()
    assert (names[:, 1] == "idle").all()
    walk = load_motion("walk")
    turned = (np.diff(crowd.phases[:, 0].astype(np.float64)) + 0.5) % 1 - 0.5
    np.testing.assert_allclose(turned * walk.cycle_s * walk.speed_mps * 1.05, 1.0 / 24, atol=2e-6)
    assert (np.diff(crowd.phases[:, 1]) % 1 > 0).all()


def test_who_steps_back_turns_the_cycle_back(tmp_path):
    crowd = read_crowd(usda(tmp_path, instancer(path_of(-1.0, 24))), FrameRange(1001, 1024), RATE)

    turned = (np.diff(crowd.phases[:, 0]) + 0.5) % 1 - 0.5
    assert (turned < 0).all()


def test_a_clip_that_does_not_loop_runs_once_from_where_it_begins(tmp_path):
    words = (
        'string[] primvars:motion = ["idle", "fall"] (interpolation = "vertex")\n'
        "    int[] primvars:motion:indices.timeSamples = {1001: [0, 0], 1011: [1, 0]}"
    )

    crowd = read_crowd(usda(tmp_path, instancer(extra=words)), FrameRange(1001, 1240), RATE)

    fall = crowd.phases[10:, 0]
    assert (np.array(crowd.motion_names)[crowd.motions[:, 0]] == ["idle"] * 10 + ["fall"] * 230).all()
    assert fall[0] == 0
    assert (np.diff(fall) >= 0).all()
    np.testing.assert_allclose(fall[12], 12 / 24 / load_motion("fall").cycle_s, atol=1e-6)
    assert fall[-1] == pytest.approx(0.999)


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ('def Xform "World" {}', FormatError, "no visible PointInstancer"),
        (
            instancer(prototype="marsman"),
            AssetError,
            r'unknown prototype marsman. Write layout_characters = \{ "marsman" =',
        ),
        (
            instancer("point3f[] positions = [(1, 0, nan), (1, 2, 3)]"),
            FormatError,
            "position of agent 0 is not a number",
        ),
        (instancer("point3f[] positions = [(1, 0, 2)] "), FormatError, "1 values for 2 agents|Export"),
        (instancer(extra="int64[] ids = [3, 3]"), FormatError, "two agents have the same id"),
        (instancer("int[] x = []"), FormatError, "positions is missing"),
        (instancer().replace("protoIndices = [0, 1]", "protoIndices = [0, 7]"), FormatError, "past its 2 prototypes"),
        (instancer().replace("int[] protoIndices = [0, 1]", ""), FormatError, "protoIndices is missing"),
        (
            instancer(extra='string[] primvars:motion = ["swim", "idle"] (interpolation = "vertex")'),
            AssetError,
            "unknown motion swim. Write layout_motions =",
        ),
    ],
)
def test_a_file_that_cannot_be_a_crowd_is_told_in_one_line(tmp_path, body, error, words):
    with pytest.raises(error, match=words) as caught:
        read_crowd(usda(tmp_path, body), FOUR, RATE)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"not a stage at all", b"PXR-USDC" + bytes(100), b"#usda 1.0\ndef {"])
def test_a_missing_or_damaged_file_is_told_in_one_line(tmp_path, content):
    path = tmp_path / "crowd.usdc"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(FormatError, match=r"crowd\.usdc") as caught:
        read_crowd(path, FOUR, RATE)

    assert isinstance(caught.value, BattleplateError)
    assert "\n" not in str(caught.value)
