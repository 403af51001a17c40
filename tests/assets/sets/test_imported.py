"""A file becomes a piece of the right size, upright, outside out, with the painter's parts and smooth curves."""

import numpy as np
import pytest
import trimesh

from assets.providers.request import SetPart
from assets.sets.imported import Fitting, import_piece, part_of
from assets.sets.inside import within
from pipeline.errors import AssetError, ConfigError

WEDGE = np.array([[0.0, 0, 0], [3, 0, 0], [0, 5, 0], [0, 0, 7]])
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def obj(path, points, faces=FACES, extra=""):
    lines = [f"v {x!r} {y!r} {z!r}" for x, y, z in np.asarray(points, float).tolist()]
    path.write_text("\n".join(lines) + "\n" + extra + "".join(f"f {a} {b} {c}\n" for a, b, c in np.asarray(faces) + 1))
    return path


def corners(mesh):
    return mesh.vertices[mesh.triangles].astype(np.float64)


def test_centimetres_with_z_up_are_the_same_piece_as_metres_with_y_up(tmp_path):
    upright = obj(tmp_path / "y.obj", WEDGE)
    lying = obj(tmp_path / "z.obj", 100 * np.stack([WEDGE[:, 0], -WEDGE[:, 2], WEDGE[:, 1]], axis=1))

    one, other = import_piece(upright, Fitting()).mesh, import_piece(lying, Fitting(unit="cm", up="Z")).mesh

    np.testing.assert_allclose(one.vertices, other.vertices, atol=1e-6)
    np.testing.assert_allclose(one.normals, other.normals, atol=1e-6)
    np.testing.assert_allclose(
        one.vertices.min(axis=0), [-1.5, 0, -3.5]
    )  # stands on its lowest point, on its plan's middle
    np.testing.assert_allclose(np.ptp(one.vertices, axis=0), [3, 5, 7])


@pytest.mark.parametrize(
    ("fitting", "size"),
    [
        (Fitting(scale=2), (6, 10, 14)),
        (Fitting(unit="ft"), (0.9144, 1.524, 2.1336)),
        (Fitting(width_m=30), (30, 50, 70)),
        (Fitting(height_m=10), (6, 10, 14)),
        (Fitting(width_m=30, height_m=10), (30, 10, 70)),
    ],
)
def test_sizes_as_asked(tmp_path, fitting, size):
    made = import_piece(obj(tmp_path / "wedge.obj", WEDGE), fitting)

    np.testing.assert_allclose(np.ptp(made.mesh.vertices, axis=0), size, rtol=1e-6)
    assert " x ".join(f"{v:.4g}" for v in size) in made.notes[0]


def test_origin_as_pivot_leaves_the_files_own(tmp_path):
    mesh = import_piece(obj(tmp_path / "wedge.obj", WEDGE + np.array([1, -2, 4])), Fitting(pivot="origin")).mesh

    np.testing.assert_allclose(mesh.vertices.min(axis=0), [1, -2, 4])


def test_a_piece_that_is_inside_out_is_turned_round_and_told(tmp_path):
    made = import_piece(obj(tmp_path / "wedge.obj", WEDGE, FACES[:, ::-1]), Fitting(pivot="origin"))

    c = corners(made.mesh)
    assert (c[:, 0] * np.cross(c[:, 1], c[:, 2])).sum() > 0
    assert "4 of 4 triangles faced inwards" in made.notes[1]


def test_a_drum_is_smooth_around_and_hard_at_its_rim(tmp_path):
    drum = trimesh.creation.cylinder(2.0, 6.0, sections=32)
    mesh = import_piece(obj(tmp_path / "drum.obj", drum.vertices, drum.faces), Fitting(up="Z")).mesh

    side = np.abs(mesh.normals[:, 1]) < 0.5
    places = corners(mesh)[side]
    truth = places * [1, 0, 1] / 2.0
    np.testing.assert_allclose(mesh.corner_normals[side], truth, atol=0.01)
    np.testing.assert_allclose(np.abs(mesh.corner_normals[~side][..., 1]), 1, atol=1e-6)


def test_flat_faces_need_no_normals_of_their_own(tmp_path):
    box = trimesh.creation.box((4, 5, 6))
    mesh = import_piece(obj(tmp_path / "box.obj", box.vertices, box.faces), Fitting()).mesh

    assert mesh.corner_normals is None


def test_normals_of_the_file_are_kept_through_an_uneven_scale(tmp_path):
    points = "v 0 0 0\nv 4 0 0\nv 4 4 4\nv 0 4 4\n"
    file = tmp_path / "ramp.obj"
    file.write_text(points + "vn 0 -0.7071 0.7071\nvn 0 -0.6 0.8\nf 1//1 2//2 3//1\nf 1//2 3//2 4//1\n")

    mesh = import_piece(file, Fitting(width_m=4, height_m=12)).mesh

    np.testing.assert_allclose(mesh.corner_normals[0, 0], np.array([0, -1, 3]) / np.sqrt(10), atol=1e-3)


@pytest.mark.parametrize(
    ("name", "part"),
    [("OakDoor", SetPart.WOOD), ("roof_tiles.001", SetPart.ROOF), ("Merlons", SetPart.TOP), ("rubble", SetPart.GROUND),
     ("Wall stone", SetPart.WALL), ("Material.003", SetPart.WALL), ("stoppage", SetPart.WALL)],
)  # fmt: skip
def test_names_tell_parts(name, part):
    assert part_of(name) == part


def test_unnamed_level_faces_are_tops_and_upright_ones_walls(tmp_path):
    box = trimesh.creation.box((4, 5, 6))
    mesh = import_piece(obj(tmp_path / "box.obj", box.vertices, box.faces), Fitting()).mesh
    door = import_piece(obj(tmp_path / "door.obj", box.vertices, box.faces, "usemtl Door\n"), Fitting()).mesh

    assert ((mesh.parts == SetPart.TOP) == (mesh.normals[:, 1] > 0.5)).all()
    assert set(door.parts) == {SetPart.WOOD}


def test_triangles_without_area_are_left_out_and_told(tmp_path):
    faces = [*FACES.tolist(), [0, 0, 1], [1, 1, 1]]

    made = import_piece(obj(tmp_path / "wedge.obj", WEDGE, faces), Fitting())

    assert len(made.mesh.triangles) == 4
    assert "2 of 6 triangles have no area" in made.notes[1]


@pytest.mark.parametrize(
    ("factor", "fitting", "error", "words"),
    [
        (700, Fitting(), ConfigError, 'likely cm: write unit = "cm"'),
        (2500, Fitting(), ConfigError, 'likely mm: write unit = "mm"'),
        (0.001, Fitting(unit="m"), ConfigError, 'likely km: write unit = "km"'),
        (1, Fitting(unit="mm"), ConfigError, 'must be 0.05 to 2000 m.*likely m'),
        (1, Fitting(width_m=5000), ConfigError, "5000 x 8333 x 1.167e"),
    ],
)  # fmt: skip
def test_sizes_that_no_set_piece_has_name_the_likely_unit(tmp_path, factor, fitting, error, words):
    with pytest.raises(error, match=words) as caught:
        import_piece(obj(tmp_path / "wedge.obj", factor * WEDGE), fitting)

    assert "\n" not in str(caught.value)


def test_nothing_but_needles_is_an_error(tmp_path):
    with pytest.raises(AssetError, match="none of its 2 triangles has an area"):
        import_piece(obj(tmp_path / "wedge.obj", WEDGE, [[0, 1, 1], [2, 2, 0]]), Fitting())


def test_points_are_told_from_within_and_without():
    ball, box = trimesh.creation.icosphere(3, 2.0), trimesh.creation.box((3, 3, 3))
    box.apply_translation((1.5, 0, 0))
    both = np.concatenate([ball.triangles, box.triangles])
    points = np.random.default_rng(1).uniform(-3.5, 3.5, (400, 3))

    inside = within(points, both)

    truth = (np.linalg.norm(points, axis=1) < 1.99) | (np.abs(points - [1.5, 0, 0]) < 1.5).all(axis=1)
    clear = np.abs(np.linalg.norm(points, axis=1) - 1.98) > 0.05
    assert (inside == truth)[clear].all()
    assert inside.any()
    assert not within(np.array([[0.0, 1, 0], [0, -1, 0]]), both[:1] * [1, 0, 1]).any()  # a lone sheet holds nobody
