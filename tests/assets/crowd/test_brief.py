"""Words of the brief that make no sense get one line each: where, what, the limit, the next step."""

import pytest

from assets.crowd.brief import changes_of, check_brief, check_override_zones
from pipeline import codec
from pipeline.crowd_sections import CrowdBrief
from pipeline.errors import BattleplateError

FIELD = [[-9, -9], [9, -9], [9, 9], [-9, 9]]


def brief(*overrides, **zone):
    words = {"name": "north", "count": 20, "polygon_m": FIELD} | zone
    words = {name: value for name, value in words.items() if value is not None}
    data = {"zones": [words], "overrides": list(overrides)}
    return codec.build(CrowdBrief, data, "shot.toml [crowd]")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"density": 0.5}, r"zones\[0\]: crowd zone north: both count and density are given. Write one"),
        ({"count": None}, "neither count nor density"),
        ({"formation": "square"}, "formation 'square' is not known. Use one of phalanx, line"),
        ({"facing": "backwards"}, "facing 'backwards' is not known. Use one of camera"),
        ({"facing": "camera", "facing_deg": 3}, "both facing and facing_deg are given. Remove one"),
        ({"facing": "centre"}, "ranks look one way"),
        ({"facing": "path"}, "facing 'path' needs a path"),
        ({"polygon_px": FIELD}, "both polygon_px and polygon_m are given"),
        ({"wave": {"towards_deg": 3}, "ripple": {"from_m": [0, 0]}}, "both wave and ripple"),
        ({"ripple": {}}, "Write from_px or from_m, not both"),
        ({"wave": {"towards_deg": 3, "speed_mps": 0}}, "wave.speed_mps is 0, must be above 0"),
        ({"wave": {}}, r"wave: 'towards_deg' is missing"),
        ({"count": 100_000}, "count is 100000, must be below 100000. Split the zone"),
        ({"count": None, "density": 6}, "density 6 leaves 0.41 m between people"),
        ({"count": None, "density": 1, "formation": "path"}, "a path has no area"),
        ({"spacing_m": 0.1}, "spacing_m is 0.1, must be above 0.2"),
        ({"start_spread_s": -1}, "start_spread_s is -1, must be 0 or more"),
        ({"motions": {"levitate": 1}}, "motion 'levitate' is not known"),
        (
            {"motion": "mocap/walk.bvh"},
            r"'mocap/walk.bvh' is a file, a motion has a name. Write it under \[crowd.captures\]",
        ),
        ({"motion": "kick"}, "crowd zone north: motion 'kick' is not known. Use one of blow, brace"),
        ({"waits": "kick"}, "crowd zone north: motion 'kick' is not known"),
        ({"fights": "kick"}, "crowd zone north: motion 'kick' is not known"),
        ({"characters": {"dragon": 1}}, "'dragon' is not known"),
    ],
)
def test_a_zone_that_makes_no_sense_is_named(words, said):
    with pytest.raises(BattleplateError, match=said) as caught:
        check_brief(brief(**words))

    assert "\n" not in str(caught.value)


def check_all(change):
    """With a keep-out area over the third place."""
    words = brief(change)
    check_brief(words)
    check_override_zones(words)
    changes_of(words, 1, dict.fromkeys(place for place in range(20) if place != 2))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"id": 100_021, "remove": True},
            "override 100021: nobody has this id; zone north has 100001 to 100020. Correct",
        ),
        ({"id": 100_003, "remove": True}, "100003: nobody has this id; .* or its place lies in a keep-out area"),
        ({"id": 412}, "override 412: no zone has this id; zones have north from 100001"),
        ({"id": 300_001}, "override 300001: no zone has this id"),
        ({"id": 100_001, "motion": "levitate"}, "motion 'levitate' is not known"),
        ({"id": 100_001, "character": "dragon"}, "'dragon' is not known"),
        ({"id": 100_001, "scale": 9}, "override 100001: scale is 9, must be 0.5 to 2"),
    ],
)
def test_an_override_that_makes_no_sense_is_named(change, said):
    with pytest.raises(BattleplateError, match=said):
        check_all(change)


def test_one_agent_has_one_override():
    with pytest.raises(BattleplateError, match="100004: the id is named 2 times"):
        check_brief(brief({"id": 100_004, "remove": True}, {"id": 100_004, "scale": 1.1}))


def test_overrides_find_their_zone_and_place():
    words = brief({"id": 100_004, "remove": True})

    assert changes_of(words, 1, dict.fromkeys(range(20))) == {3: words.overrides[0]}


def test_a_capture_is_a_motion_by_its_name():
    from pathlib import Path

    from pipeline.crowd_sections import CaptureFile

    data = {
        "zones": [{"name": "north", "count": 3, "polygon_m": FIELD, "motion": "kick", "waits": "sulk"}],
        "overrides": [{"id": 100_001, "motion": "kick"}],
        "layout_motions": {"Kick_01": "kick"},
        "captures": {"kick": "kick.bvh", "sulk": {"file": "sulk.glb", "clip": "Take 2", "loop": True}},
    }
    words = codec.build(CrowdBrief, data, "shot.toml [crowd]", Path("/shot").joinpath)

    check_brief(words)
    assert words.capture("kick") == CaptureFile(Path("/shot/kick.bvh"))
    assert words.capture("sulk") == CaptureFile(Path("/shot/sulk.glb"), "Take 2", loop=True)


@pytest.mark.parametrize(
    ("capture", "said"),
    [
        (
            {"file": "a.bvh", "start_s": 3.0, "end_s": 2.0},
            r"captures.kick: start_s is 3, end_s is 2: a cut begins at 0",
        ),
        ({"file": "a.bvh", "looped": True}, r"captures.kick: unknown key 'looped'. Did you mean 'loop'"),
        ({"loop": True}, r"captures.kick: 'file' is missing"),
        (3, r"captures.kick: expected a path in quotes"),
    ],
)
def test_a_capture_that_makes_no_sense_is_named(capture, said):
    with pytest.raises(BattleplateError, match=said):
        codec.build(CrowdBrief, {"captures": {"kick": capture}}, "shot.toml [crowd]")
