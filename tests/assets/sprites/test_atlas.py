"""Which sprite an agent shows."""

import json
from pathlib import Path

import numpy as np
import pytest

from assets.sprites.atlas import (
    HELD,
    VIEWS,
    bin_phase,
    load_atlas,
    phase_bin,
    phases_of,
    variant_of,
    view_bin,
    view_yaw,
)
from pipeline.errors import AssetError
from pipeline.types import CharacterAtlas

CAMERA = np.array([0.0, 2.0, 10.0])


def test_who_faces_the_camera_is_seen_from_the_front():
    yaws = view_yaw(np.array([0.0, np.pi / 2]), np.array([[0.0, 0, 0], [-10.0, 0, 10.0]]), CAMERA)

    assert np.allclose(yaws, 0)


def test_who_walks_to_the_right_of_the_picture_is_seen_at_a_quarter_turn():
    """Seen from +Z, the picture's right is +X."""
    assert np.allclose(view_yaw(np.array(np.pi / 2), np.zeros(3), CAMERA), np.pi / 2)


def test_views_wrap_around():
    step = 2 * np.pi / VIEWS

    assert view_bin(np.array([0, 0.49 * step, 0.51 * step, -0.51 * step, 2 * np.pi])).tolist() == [
        0,
        0,
        1,
        VIEWS - 1,
        0,
    ]


def test_phases_wrap_around():
    last = phases_of("march") - 1

    assert phase_bin("march", np.array([0.0, 0.999, last / (last + 1), 1.0, -0.001])).tolist() == [0, 0, last, 0, 0]


def test_the_held_end_of_a_clip_is_not_its_beginning():
    last = phases_of("fall") - 1

    assert phase_bin("fall", np.array([0.0, 0.02, 0.5, 0.98, HELD])).tolist() == [0, 0, round(last / 2), last, last]
    assert bin_phase("fall", last) == HELD
    assert bin_phase("march", last) == last / (last + 1)


def test_variants_are_spread_evenly():
    counts = np.bincount(variant_of(np.arange(3000), 3))

    assert (abs(counts - 1000) < 100).all()


@pytest.fixture
def atlas(tmp_path: Path) -> CharacterAtlas:
    """Two views of one moment of a march, one of them in a second variant."""
    rows = [("legionary", "march", 0, 4, 0), ("legionary", "march", 0, 4, 6), ("legionary", "march", 1, 4, 0)]
    index = {
        "metres_per_px": 0.02,
        "root_px": [4.0, 14.0],
        "elevation_rad": 0.1,
        "variants": 2,
        "sprites": [dict(zip(("character", "motion", "variant", "phase", "view"), row, strict=True)) for row in rows],
    }
    (tmp_path / "index.json").write_text(json.dumps(index))
    np.save(tmp_path / "sprites.npy", np.zeros((3, 16, 8, 4), np.float16))
    np.save(tmp_path / "reliefs.npy", np.zeros((3, 16, 8), np.float16))
    names = ("sprites.npy", "reliefs.npy", "index.json", "sheet.png")
    return CharacterAtlas(*(tmp_path / name for name in names), provider="p", model_digest="d", licence="l")


def test_an_agent_finds_its_own_sprite(atlas):
    angles = np.array([0.0, np.pi / 2])

    rows = load_atlas(atlas).sprite_index(["legionary"] * 2, ["march"] * 2, np.array([0.25, 0.26]), angles)

    assert rows.tolist() == [0, 1]


def test_a_view_that_was_not_made_is_replaced_by_the_nearest(atlas):
    angles = np.radians([30.0, 75.0])

    rows = load_atlas(atlas).sprite_index(["legionary"] * 2, ["march"] * 2, np.array([0.25, 0.25]), angles)

    assert rows.tolist() == [0, 1]


def test_agents_of_other_seeds_wear_other_variants(atlas):
    seeds = np.array([int(np.flatnonzero(variant_of(np.arange(50), 2) == variant)[0]) for variant in (0, 1)])

    rows = load_atlas(atlas).sprite_index(["legionary"] * 2, ["march"] * 2, np.full(2, 0.25), np.zeros(2), seeds)

    assert rows.tolist() == [0, 2]


def test_a_character_without_sprites_is_an_error(atlas):
    with pytest.raises(AssetError, match="no sprite of archer in march"):
        load_atlas(atlas).sprite_index(["archer"], ["march"], np.zeros(1), np.zeros(1))


def test_files_that_do_not_belong_together_are_an_error(atlas):
    np.save(atlas.sprites, np.zeros((2, 16, 8, 4), np.float16))

    with pytest.raises(AssetError, match="lists 3 sprites, 2 are there"):
        load_atlas(atlas)
