"""The model that ships: it loads offline, follows its guides, and equal requests get equal answers."""

from dataclasses import replace

import numpy as np
import pytest

from assets.people.characters import load_character, recoloured
from assets.people.looks import character_identity
from assets.people.mesh import posed_mesh
from assets.providers.builtin import FOLDER, Builtin
from assets.providers.opening import open_provider
from assets.providers.request import Guides, Light
from assets.sprites.sprite import Sight, figure_request
from assets.train.brought import bring
from assets.train.following import following
from assets.train.masonry import masonry_sample
from assets.train.measure import figures
from assets.train.people import kept_back, kept_pair
from pipeline.errors import ProviderError
from tests.sprites import sprite_request

FROM_LEFT, FROM_RIGHT = Light(sun_direction=(-0.8, -0.4, -0.45)), Light(sun_direction=(0.8, -0.4, -0.45))


@pytest.fixture(scope="module")
def model():
    return open_provider()


@pytest.fixture(scope="module")
def request_():
    return sprite_request(load_character("legionary"), "march", 0.25, Sight(0.4, 0.1), FROM_LEFT)


@pytest.fixture(scope="module")
def picture(model, request_):
    return model.generate([request_])[0].takes[0, 0]


def inside(request):
    return request.guides.coverage[0] > 0.99


def changed(a, b):
    """Mean absolute change of the encoded picture, per pixel (H, W)."""
    return np.abs(np.log2(1 + 16 * a[..., :3]) - np.log2(1 + 16 * b[..., :3])).mean(-1)


def test_the_shipped_model_is_small_and_safe():
    weights = [path for path in FOLDER.rglob("*") if path.suffix in (".safetensors", ".bin", ".pt", ".ckpt", ".py")]

    assert {path.suffix for path in weights} == {".safetensors"}
    assert sum(path.stat().st_size for path in weights) < 40e6
    assert (FOLDER / "README.md").exists()


def test_a_missing_model_is_one_line(tmp_path):
    with pytest.raises(ProviderError, match="no model can be loaded") as refused:
        Builtin.open(tmp_path)

    assert "\n" not in str(refused.value)


def test_people_kept_back_are_drawn_within_their_outline(model):
    """Phases, views and bodies that were never trained; the figures of all are in the model's card."""
    rng = np.random.default_rng(3)

    told = figures(model, [kept_back(rng) for _ in range(6)])

    assert told["iou"] >= 0.97
    assert told["psnr_db"] >= 24
    assert told["psnr_db"] > told["other_pose_db"] + 5
    assert told["part_delta_e"] <= 6
    assert told["shading_r2"] >= 0.5
    assert told["seeds_delta_e"] <= 2


def test_masonry_is_painted(model):
    rng = np.random.default_rng([9, 9])

    told = figures(model, [masonry_sample(rng, 64, 128) for _ in range(3)])

    assert told["psnr_db"] >= 23
    assert told["shading_r2"] >= 0.35


def test_another_pose_is_another_picture(model, request_, picture):
    other = sprite_request(load_character("legionary"), "march", 0.75, Sight(0.4, 0.1), FROM_LEFT)

    stepped = model.generate([other])[0].takes[0, 0]

    assert np.array_equal(stepped[..., 3] > 0.5, (other.guides.coverage[0] > 0.5) & (stepped[..., 3] > 0.5))
    assert (
        changed(stepped, picture)[(other.guides.coverage[0] > 0.5) ^ (request_.guides.coverage[0] > 0.5)].mean() > 0.5
    )


def test_the_sun_moves_the_light_to_its_side(model, request_, picture):
    """On surfaces that face left (normal x < 0) the left sun is brighter, and the other way round."""
    moved = model.generate([replace(request_, light=FROM_RIGHT)])[0].takes[0, 0]
    facing = request_.guides.given()["normals"][0][..., 0]
    left, right = inside(request_) & (facing < -0.5), inside(request_) & (facing > 0.5)

    assert picture[left, :3].mean() > 1.3 * moved[left, :3].mean()
    assert moved[right, :3].mean() > 1.3 * picture[right, :3].mean()


def test_flat_normals_lose_the_form(model, request_, picture):
    """The normals are read, not only the colours: a cuirass without them is a plain patch."""
    given = {name: guide[0] for name, guide in request_.guides.given().items()}
    given["normals"] = np.where(given["coverage"][..., None] > 0, [0.0, 0.0, -1.0], 0.0)

    flat = model.generate([replace(request_, guides=Guides.image(**given))])[0].takes[0, 0]
    cuirass = inside(request_) & (given["parts"] == 9)

    assert flat[cuirass, :3].std() < 0.5 * picture[cuirass, :3].std()


def test_depth_is_read(model, request_, picture):
    """A shield that stands on the tunic's plane takes other light and shadow than one held in front."""
    given = {name: guide[0] for name, guide in request_.guides.given().items()}
    given["depth"] = np.zeros_like(given["depth"])

    flat = model.generate([replace(request_, guides=Guides.image(**given))])[0].takes[0, 0]

    assert changed(flat, picture)[inside(request_)].mean() > 0.02


def test_another_costume_changes_that_part_and_little_else(model, request_, picture):
    blue = recoloured(load_character("legionary"), shield=(0.03, 0.08, 0.3))

    dyed = model.generate([replace(request_, identity=character_identity(blue))])[0].takes[0, 0]
    change = changed(dyed, picture)
    shield = inside(request_) & (request_.guides.given()["parts"][0] == 15)
    elsewhere = inside(request_) & (request_.guides.given()["parts"][0] == 1)

    assert change[shield].mean() > 5 * change[elsewhere].mean()
    assert dyed[shield, 2].mean() > 2 * dyed[shield, 0].mean()


@pytest.fixture(scope="module")
def walker():
    return sprite_request(load_character("peasant"), "walk", 0.3, Sight(1.2, 0.1), FROM_LEFT)


def test_a_pose_map_alone_is_followed(model):
    """Held-out people in pairs: the same person, view and light in two poses. The card has the figures of many."""
    rng = np.random.default_rng(31)

    told = following(model, [kept_pair(rng) for _ in range(6)])

    assert told["follows"] >= 0.9
    assert told["own_iou"] > told["other_iou"] + 0.15
    assert told["own_db"] > told["other_db"] + 1.5
    assert told["told_apart"] > 0.65  # 0.5: the map is not looked at


def test_a_pose_map_that_moves_moves_the_figure(model, walker):
    few = bring(walker, {"pose"})
    pose = few.guides.given()["pose"]
    moved = replace(few, guides=Guides(pose=np.roll(pose, 8, axis=2)))

    here, there = (np.argwhere(model.generate([r])[0].takes[0, 0, ..., 3] > 0.5).mean(0) for r in (few, moved))

    assert np.allclose(there - here, (0, 8), atol=1.5)


def test_a_pose_map_alone_finds_an_outline_of_its_own(model, walker):
    alpha = model.generate([bring(walker, {"pose"})])[0].takes[0, 0, ..., 3]
    covered = walker.guides.coverage[0] > 0.5

    assert ((alpha > 0.5) & covered).sum() > 0.65 * ((alpha > 0.5) | covered).sum()
    assert alpha[:, [0, -1]].max() < 0.1  # nobody there


def test_depth_alone_keeps_to_its_outline(model, request_):
    depth = request_.guides.given()["depth"]

    picture = model.generate([bring(request_, {"depth"})])[0].takes[0, 0]

    assert not picture[depth[0] == 0].any()
    assert (picture[..., 3] > 0.5)[depth[0] != 0].mean() > 0.9


def test_neither_pose_nor_depth_is_refused(model, request_):
    with pytest.raises(ProviderError, match="builtin: needs one of the guides depth, pose"):
        model.generate([replace(request_, guides=request_.guides.only({"coverage", "parts"}))])


def test_equal_requests_get_equal_bytes_alone_or_in_company(model, request_, picture):
    others = [replace(request_, seed=seed) for seed in (2, 3)]

    among = model.generate([others[0], request_, others[1]])[1].takes[0, 0]

    assert among.tobytes() == picture.tobytes()


def test_takes_differ_by_seed_and_are_numbered_from_it(model, request_):
    takes = model.generate([replace(request_, count=2)])[0].takes
    second = model.generate([replace(request_, seed=request_.seed + 1)])[0].takes

    assert takes.shape == (2, 1, 128, 64, 4)
    assert not np.array_equal(takes[0], takes[1])
    assert np.array_equal(takes[1], second[0])


def test_odd_sizes_are_padded_by_the_provider(model):
    sample = masonry_sample(np.random.default_rng(2), 50, 37)

    picture = model.generate([sample.request])[0].takes[0, 0]

    assert picture.shape == (37, 50, 4)
    assert np.isfinite(picture).all()


def test_nothing_is_painted_outside_the_coverage(picture, request_):
    assert (picture[..., 3] <= request_.guides.coverage[0] + 1e-6).all()
    assert not picture[request_.guides.coverage[0] == 0].any()


def test_low_strength_keeps_the_picture_to_start_from(model, request_):
    given = {name: guide[0] for name, guide in request_.guides.given().items()}
    init = np.concatenate([np.full((128, 64, 3), 0.02), np.ones((128, 64, 1))], -1) * given["coverage"][..., None]
    guides = Guides.image(**given, init=init)

    faint, bold = (
        model.generate([replace(request_, guides=guides, strength=strength)])[0].takes[0, 0] for strength in (0.15, 1.0)
    )

    assert changed(faint, init)[inside(request_)].mean() < changed(bold, init)[inside(request_)].mean()


def test_the_answer_says_what_made_it(model, request_):
    result = model.generate([request_])[0]

    assert result.request_digest == request_.digest()
    assert result.model_digest == model.model_digest
    assert len(model.model_digest) == 64
    assert result.cost_usd == 0
    assert "Battleplate" in result.licence


def test_a_figure_looks_the_same_in_a_wider_frame(model):
    """Motions whose weapons reach far have wide frames: nobody's clothes may flicker where the frame changes."""
    who = load_character("legionary")
    mesh = posed_mesh(who, "march", 0.25)
    narrow, wide = (figure_request(who, mesh, width, Sight(0.4, 0.1), FROM_LEFT) for width in (64, 128))

    first, second = (model.generate([request])[0].takes[0, 0] for request in (narrow, wide))

    solid = inside(narrow)
    reseeded = model.generate([replace(narrow, seed=9)])[0].takes[0, 0]
    assert changed(first, second[:, 32:96])[solid].mean() < 0.5 * changed(first, reseeded)[solid].mean()
