"""Meshes of files are read as another writer wrote them: places, axes, units, instances, holes, polygons."""

import base64
import json

import numpy as np
import pytest
import trimesh
from pxr import Gf, Sdf, Usd, UsdGeom, UsdShade

from pipeline.errors import FormatError
from pipeline.io import geometry
from pipeline.io.geometry import read_geometry
from pipeline.io.polygons import ears, polygons_of

WEDGE = np.array([[0.0, 0, 0], [3, 0, 0], [0, 5, 0], [0, 0, 7]])
FACES = [[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]
DART = np.array(
    [[0.0, 0, 0], [4, 0, 0], [4, 4, 0], [2, 1, 0], [0, 4, 0]]
)  # area 10: its fan from corner 0 would be wrong


def volume(parts):
    corners = np.concatenate([part.corners for part in parts])
    return float((corners[:, 0] * np.cross(corners[:, 1], corners[:, 2])).sum() / 6)


def area(corners):
    return float(
        np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2
    )


def usd_stage(path, up="Y", metres=1.0):
    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, up)
    UsdGeom.SetStageMetersPerUnit(stage, metres)
    return stage


def usd_mesh(stage, place, points=WEDGE, faces=FACES):
    mesh = UsdGeom.Mesh.Define(stage, place)
    mesh.CreatePointsAttr(np.asarray(points, np.float32))
    mesh.CreateFaceVertexCountsAttr([len(face) for face in faces])
    mesh.CreateFaceVertexIndicesAttr([corner for face in faces for corner in face])
    return mesh


@pytest.mark.parametrize("name", ["wedge.obj", "wedge.stl", "text.stl", "wedge.ply", "text.ply", "wedge.glb"])
def test_a_mesh_is_read_as_trimesh_wrote_it(tmp_path, name):
    kind = {"text.stl": {"file_type": "stl_ascii"}, "text.ply": {"encoding": "ascii"}}.get(name, {})
    trimesh.Trimesh(WEDGE, FACES, process=False).export(tmp_path / name, **kind)

    [part] = read_geometry(tmp_path / name).parts

    truth = WEDGE[np.array(FACES)]
    assert volume([part]) == pytest.approx(17.5, abs=1e-5)
    np.testing.assert_allclose(
        part.corners[np.lexsort(part.corners.mean(1).T)], truth[np.lexsort(truth.mean(1).T)], atol=1e-6
    )


def test_obj_knows_groups_materials_backward_indices_and_hollow_polygons(tmp_path):
    places = "\n".join("v " + " ".join(map(str, v)) for v in DART)
    file = tmp_path / "dart.obj"
    file.write_text(
        f"{places}\nvn 0 0 1\ng Roof\nusemtl Tiles\nf 1//1 2//1 3//1 4//1 5//1\ng Wall\nf -5 -4 \\\n-3 # a face\n"
    )

    roof, wall = read_geometry(file).parts

    assert (roof.name, wall.name) == ("Roof Tiles", "Wall Tiles")
    assert area(roof.corners) == pytest.approx(10)
    assert (roof.normals == [0, 0, 1]).all()
    assert wall.normals is None
    assert (wall.corners[0] == DART[:3]).all()


def test_ply_of_five_corners_is_cut_into_its_own_area(tmp_path):
    head = "ply\nformat ascii 1.0\nelement vertex 5\nproperty float x\nproperty float y\nproperty float z\n"
    rows = "\n".join(" ".join(map(str, v)) for v in DART)
    file = tmp_path / "dart.ply"
    file.write_text(f"{head}element face 1\nproperty list uchar int vertex_indices\nend_header\n{rows}\n5 0 1 2 3 4\n")

    assert area(read_geometry(file).parts[0].corners) == pytest.approx(10)


def test_polygons_that_bend_inwards_keep_area_and_sense():
    rng = np.random.default_rng(3)
    for _ in range(40):
        turns = np.sort(rng.uniform(0, 2 * np.pi, 9))
        star = np.stack([np.cos(turns), np.sin(turns)], axis=1) * rng.uniform(0.2, 1, 9)[:, None]
        if np.diff([*turns, turns[0] + 2 * np.pi]).max() > 2.8:  # the middle must be inside, or it is no star
            continue
        outline = np.insert(star, rng.integers(3), 0.3, axis=1)
        truth = np.cross(outline, np.roll(outline, -1, axis=0)).sum(axis=0)

        for one, sense in ((outline, 1), (outline[::-1], -1)):
            corners = one[ears(one)]
            made = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
            np.testing.assert_allclose(made.sum(axis=0), sense * (truth - 0), atol=1e-9)
            assert (made @ made.sum(axis=0) >= -1e-12).all()


def test_convex_quads_and_triangles_are_cut_together():
    cube = trimesh.creation.box((1, 1, 1))
    quads = [[0, 2, 6, 4], [1, 5, 7, 3], [0, 4, 5, 1], [2, 3, 7, 6], [0, 1, 3, 2], [4, 6, 7], [4, 7, 5]]
    polygons = polygons_of("", np.asarray(cube.vertices), quads)

    assert polygons.triangle_count == len(polygons.triangles()) == 12
    assert area(polygons.points[polygons.corners[polygons.triangles()]]) == pytest.approx(6)


def test_usd_units_axes_holes_left_handed_meshes_and_mirrors(tmp_path):
    stage = usd_stage(tmp_path / "set.usda", "Z", 0.01)
    plain = usd_mesh(stage, "/Set/Tower")
    plain.AddScaleOp().Set(Gf.Vec3f(2, 1, -1))
    turned = usd_mesh(stage, "/Set/Other", faces=[face[::-1] for face in FACES])
    turned.CreateOrientationAttr("leftHanded")
    usd_mesh(stage, "/Set/Flat", DART, [[0, 1, 2, 3, 4], [0, 1, 2]]).CreateHoleIndicesAttr([1])
    stage.Save()

    read = read_geometry(tmp_path / "set.usda")

    tower, other, flat = read.parts
    assert (read.up, read.metres_per_unit) == ("Z", 0.01)
    assert volume([tower]) == pytest.approx(35)  # mirrored, and still outside out
    assert volume([other]) == pytest.approx(17.5)
    assert area(flat.corners) == pytest.approx(10)


def test_usd_instances_prototypes_and_what_is_not_rendered(tmp_path):
    path = tmp_path / "set.usdc"
    stage = usd_stage(path)
    UsdGeom.Xform.Define(stage, "/Kit").CreatePurposeAttr("guide")
    UsdGeom.Xform.Define(stage, "/Kit/Post").AddTranslateOp().Set((1, 0, 0))
    usd_mesh(stage, "/Kit/Post/Wedge").AddTranslateOp().Set((0, 10, 0))
    for i in range(2):  # scene-graph instances of a reference
        prim = stage.DefinePrim(f"/Set/Copy{i}", "Xform")
        prim.GetReferences().AddInternalReference("/Kit/Post")
        prim.SetInstanceable(True)
        UsdGeom.XformCommonAPI(prim).SetTranslate((100 * i, 0, 0))
    crowd = UsdGeom.PointInstancer.Define(stage, "/Set/Many")
    UsdGeom.XformCommonAPI(crowd).SetTranslate((0, 0, 1000))
    usd_mesh(stage, "/Set/Many/Kinds/Wedge").AddTranslateOp().Set((0, 0, 1))
    crowd.CreatePrototypesRel().AddTarget("/Set/Many/Kinds/Wedge")
    crowd.CreateProtoIndicesAttr([0, 0, 0])
    crowd.CreatePositionsAttr([(0, 0, 10), (0, 0, 20), (0, 0, 30)])
    crowd.CreateScalesAttr([(1, 1, 1), (2, 2, 2), (1, 1, 1)])
    crowd.CreateInvisibleIdsAttr([2])
    usd_mesh(stage, "/Set/Hidden").CreateVisibilityAttr("invisible")
    usd_mesh(stage, "/Set/Rough").CreatePurposeAttr("proxy")
    stage.Save()

    parts = read_geometry(path).parts

    corner = sorted(tuple(np.round(part.corners.reshape(-1, 3).min(axis=0), 4).tolist()) for part in parts)
    assert corner == [(0, 0, 1011), (0, 0, 1022), (0, 10, 0), (100, 10, 0)]
    assert volume(parts) == pytest.approx(17.5 * (1 + 1 + 1 + 8), rel=1e-5)


def test_usd_materials_of_parts_of_a_mesh_and_normals(tmp_path):
    stage = usd_stage(tmp_path / "set.usda")
    mesh = usd_mesh(stage, "/House")
    mesh.CreateNormalsAttr([(0, 0, -1), (0, -1, 0), (-1, 0, 0), (0.6, 0.8, 0)])
    mesh.SetNormalsInterpolation("uniform")
    subset = UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).CreateMaterialBindSubset("half", [3])
    UsdShade.MaterialBindingAPI.Apply(subset.GetPrim()).Bind(UsdShade.Material.Define(stage, "/Looks/RoofTiles"))
    stage.Save()

    roof, rest = read_geometry(tmp_path / "set.usda").parts

    assert (roof.name, len(roof.corners), rest.name, len(rest.corners)) == ("House half RoofTiles", 1, "House", 3)
    np.testing.assert_allclose(roof.normals[0], [[0.6, 0.8, 0]] * 3, atol=1e-6)


def gltf(**more):
    points, corners = WEDGE.astype("<f4").tobytes(), np.array(FACES, "<u2").tobytes()
    uri = "data:application/octet-stream;base64," + base64.b64encode(points + corners).decode()
    document = {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": len(points + corners), "uri": uri}],
        "bufferViews": [{"buffer": 0, "byteLength": 48}, {"buffer": 0, "byteOffset": 48, "byteLength": 24}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5123, "count": 12, "type": "SCALAR"},
        ],
        "materials": [{"name": "OldOak"}],
        "meshes": [{"name": "gate", "primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
        "nodes": [
            {
                "name": "yard",
                "translation": [10, 0, 0],
                "rotation": [0, np.sqrt(0.5), 0, np.sqrt(0.5)],
                "children": [1, 2],
            },
            {"mesh": 0, "scale": [2, 2, 2]},
            {"mesh": 0, "matrix": [1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 50, 1]},
        ],
        "scenes": [{"nodes": [0]}],
    }
    return json.dumps({**document, **more})


def test_gltf_nodes_are_laid_out(tmp_path):
    file = tmp_path / "set.gltf"
    file.write_text(gltf())

    twice, mirrored = read_geometry(file).parts

    quarter = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]])  # about +Y: +Z becomes +X
    np.testing.assert_allclose(twice.corners, (2 * WEDGE[np.array(FACES)]) @ quarter.T + [10, 0, 0], atol=1e-5)
    np.testing.assert_allclose(mirrored.corners.reshape(-1, 3).max(axis=0), [67, 0, 0], atol=1e-5)
    assert volume([mirrored]) == pytest.approx(17.5)
    assert twice.name == "gate OldOak"


def test_textures_that_are_not_there_are_told(tmp_path):
    file = tmp_path / "set.gltf"
    file.write_text(gltf(images=[{"uri": "stone%20wall.png"}, {"uri": "data:image/png;base64,"}]))
    stage = usd_stage(tmp_path / "set.usda")
    usd_mesh(stage, "/Set")
    shader = UsdShade.Shader.Define(stage, "/Looks/Stone/Texture")
    shader.CreateInput("file", Sdf.ValueTypeNames.Asset).Set("./tex/bricks.png")
    stage.Save()

    assert read_geometry(file).missing == ("stone wall.png",)
    assert read_geometry(tmp_path / "set.usda").missing == ("bricks.png",)


def written(path, kind):
    if kind in ("usda", "usdc"):
        stage = usd_stage(path)
        usd_mesh(stage, "/Set")
        stage.Save()
    elif kind == "gltf":
        path.write_text(gltf())
    else:
        trimesh.creation.icosphere(2).export(path)


@pytest.mark.parametrize("kind", ["usda", "usdc", "gltf", "glb", "ply", "stl"])
def test_a_file_that_is_cut_off_is_told_in_one_line(tmp_path, kind):
    file = tmp_path / f"cut.{kind}"
    written(tmp_path / f"whole.{kind}", kind)
    data = (tmp_path / f"whole.{kind}").read_bytes()
    file.write_bytes(data[: len(data) * 2 // 3])

    with pytest.raises(FormatError, match=r"cut\.") as caught:
        read_geometry(file)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.fbx", "", "is read from"),
        ("gone.obj", None, "no such file"),
        ("a.obj", "v 0 0 0\nv 1 0 0\nl 1 2\n", "holds no mesh"),
        ("a.obj", "v 0 0 0\nv 1 0 0\nv nan 1 0\nv 0 0 1\nf 1 2 3\nf 1 2 4\n", "1 of 2 triangles .* no number"),
        ("a.obj", "v 0 0 0\nv 1 0 0\nv inf 1 0\nf 1 2 3\n", "NaN or infinite"),
        ("a.obj", "v 0 0 0\nf 1 2 3\n", "broken obj file.*line 2 names 2 of 1"),
        ("a.obj", "v 0 0\n", "line 1 has 2 numbers"),
        ("a.obj", "", "holds no mesh"),
        ("a.stl", "", "cut off|broken|empty"),
        ("a.ply", "", "cut off|broken|empty"),
        ("a.usda", "", "not a USD file"),
        ("a.glb", "", "cut off|broken|empty"),
        ("a.gltf", "{", "broken gltf file"),
        ("a.gltf", gltf(extensionsUsed=["KHR_draco_mesh_compression"]), "KHR_draco_mesh_compression"),
        ("a.usda", '#usda 1.0\ndef Cube "a" {}\n', "holds no mesh .*only Cube"),
        ("a.usda", '#usda 1.0\ndef Xform "a" (references = @gone.usda@) {}\n', "gone.usda, which is not there"),
        ("a.stl", "solid a\nfacet", "cut off"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(tmp_path, name, text, words):
    file = tmp_path / name
    if text is not None:
        file.write_text(text)

    with pytest.raises(FormatError, match=words) as caught:
        read_geometry(file)

    assert "\n" not in str(caught.value)


def test_too_many_triangles_are_refused_before_they_are_laid_out(tmp_path, monkeypatch):
    stage = usd_stage(tmp_path / "set.usda")
    many = UsdGeom.PointInstancer.Define(stage, "/Many")
    usd_mesh(stage, "/Many/Wedge")
    many.CreatePrototypesRel().AddTarget("/Many/Wedge")
    many.CreateProtoIndicesAttr([0] * 30)
    many.CreatePositionsAttr([(i, 0, 0) for i in range(30)])
    stage.Save()
    monkeypatch.setattr(geometry, "MOST_TRIANGLES", 119)

    with pytest.raises(FormatError, match="more than 119 triangles"):
        read_geometry(tmp_path / "set.usda")
