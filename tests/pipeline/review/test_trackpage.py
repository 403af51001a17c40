"""The facts of a camera's page in words."""

from __future__ import annotations

from typing import Any

from pipeline.review.trackpage import facts

LENS = {"focal_x_px": 960.0, "width": 1920, "k1": -0.1, "k2": 0.0, "centre_x_px": 960.0, "centre_y_px": 540.0}


def told(**fast: Any) -> dict[str, str]:
    judged = {
        "frames": [{"at_m": [0, 1.7, 0]}, {"at_m": [0, 2.0, 0]}],
        "fast": fast,
        "tracks": {"explained": 90, "left_out": 7, "short": 3},
        "lens_bends_px": 12.0,
    }
    return facts(judged, {"scale_from": "a gate", "points": 5, "smooth": {"note": "nothing smoothed"}}, LENS, 18.0)


def test_lens_and_world_are_told_with_their_sources_and_what_is_unknown_is_left_out():
    said = told()

    assert said["lens"] == "960.0 px, 18 mm, 90 degrees wide"
    assert said["camera above y = 0"] == "1.7 to 2 m"
    assert said["metre from"] == "a gate"
    assert "90 tracks explained, 7 left out" in said["points, tracks"]
    assert said["smoothed"] == "nothing smoothed"
    assert not {"parallax", "up from", "jitter", "shake", "rolling shutter"} & set(said)


def test_shake_is_called_real_only_where_there_is_some():
    turn = {"all": 0.02, "jitter": 0.01, "jitter_px": 0.17, "shake": 0.017, "shake_px": 0.28}

    assert told(turn_deg=turn)["shake"] == "0.017 degrees (0.28 px): seen by the points, so real"
    assert told(turn_deg=turn)["jitter"] == "0.01 degrees (0.17 px)"
    assert told(turn_deg={**turn, "shake": 0.0})["shake"] == "none beyond it"
