"""A ComfyUI workflow and its slots: found by titles or names, filled in a copy, told clearly when they are not there."""

import copy
import json
from pathlib import Path

import pytest

from assets.providers.comfy.workflow import Place, read_workflow
from pipeline.errors import ProviderError

SHIPPED = Path(__file__).parents[4] / "docs/workflows/comfyui_depth_pose.json"


def shipped():
    return json.loads(SHIPPED.read_text("utf-8"))


def titled(**titles):
    """The shipped workflow with other titles: node n5 and so on."""
    graph = shipped()
    for node, title in titles.items():
        graph[node.removeprefix("n")]["_meta"]["title"] = title
    return graph


def read(tmp_path, graph, **named):
    (file := tmp_path / "workflow.json").write_text(json.dumps(graph), "utf-8")
    return read_workflow(file, named, "provider 'comfy'")


def refused(tmp_path, graph, **named):
    with pytest.raises(ProviderError) as error:
        read(tmp_path, graph, **named)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("provider 'comfy': ")
    return str(error.value)


# ---------------------------------------------------------------- found


def test_the_shipped_workflow_has_its_slots():
    workflow = read_workflow(SHIPPED, {}, "provider 'comfy'")

    assert workflow.slots == {
        "prompt": (Place("2", "text"),),
        "negative": (Place("3", "text"),),
        "depth": (Place("5", "image"),),
        "pose": (Place("8", "image"),),
        "width": (Place("10", "width"),),
        "height": (Place("10", "height"),),
        "seed": (Place("11", "seed"),),
    }
    assert workflow.output == "13"
    assert workflow.guides == {"depth", "pose"}
    assert workflow.references == ()


@pytest.mark.parametrize(
    ("node", "title", "slots"),
    [
        ("n2", "Positive  Prompt", {"prompt"}),
        ("n3", "NEGATIVE prompt", {"negative"}),
        ("n5", "Normal", {"normals"}),
        ("n8", "openpose", {"pose"}),
        ("n8", "Canny", {"edges"}),
        ("n5", "lineart", {"edges"}),
        ("n8", "reference", {"reference"}),
        ("n8", "reference1", {"reference"}),
        ("n11", "seed, steps, denoise", {"seed", "steps", "strength"}),
        ("n10", "width, height, takes", {"width", "height", "count"}),
        ("n10", "width, height, frames", {"width", "height", "frames"}),
    ],
)
def test_titles_are_read_as_people_write_them(tmp_path, node, title, slots):
    workflow = read(tmp_path, titled(**{node: title}))

    places = {slot for slot, group in workflow.slots.items() if any(p.node == node[1:] for p in group)}
    assert places == slots


def test_titles_that_comfyui_gives_by_itself_name_no_slot(tmp_path):
    workflow = read(tmp_path, titled(n2="CLIP Text Encode (Prompt)", n10="Empty Latent Image, width"))

    assert not {"prompt", "width"} & set(workflow.slots)


def test_a_name_in_the_show_file_goes_before_a_title(tmp_path):
    workflow = read(tmp_path, shipped(), depth="8.image", pose="5.image", steps="11.steps")

    assert workflow.slots["depth"] == (Place("8", "image"),)
    assert workflow.slots["steps"] == (Place("11", "steps"),)


def test_two_text_encoders_in_one_node_are_filled_together(tmp_path):
    graph = shipped()
    graph["2"] = {
        "class_type": "CLIPTextEncodeSDXL",
        "inputs": {"text_g": "", "text_l": "", "width": 1024, "clip": ["1", 1]},
        "_meta": {"title": "prompt"},
    }

    filled = read(tmp_path, graph).filled({"prompt": "fog"}, {})

    assert (filled["2"]["inputs"]["text_g"], filled["2"]["inputs"]["text_l"]) == ("fog", "fog")


def test_several_places_may_be_named(tmp_path):
    workflow = read(tmp_path, shipped(), strength="6.strength, 9.strength")

    assert workflow.slots["strength"] == (Place("6", "strength"), Place("9", "strength"))


def test_references_are_numbered(tmp_path):
    graph = shipped()
    for node, title in (("20", "reference2"), ("21", "reference")):
        graph[node] = copy.deepcopy(graph["5"]) | {"_meta": {"title": title}}

    assert read(tmp_path, graph).references == ("reference", "reference2")


def test_the_only_node_that_saves_is_the_output(tmp_path):
    assert read(tmp_path, titled(n13="Save Image")).output == "13"


def test_ids_of_subgraphs_and_inputs_with_dots_are_found(tmp_path):
    graph = shipped()
    graph["7:12"] = {"class_type": "Detail", "inputs": {"model.steps": 3}}

    assert read(tmp_path, graph, steps="7:12.model.steps").slots["steps"] == (Place("7:12", "model.steps"),)


# ---------------------------------------------------------------- filled


def test_filling_leaves_the_workflow_as_it_is(tmp_path):
    workflow = read(tmp_path, shipped())

    filled = workflow.filled({"prompt": "軍隊", "seed": 7}, {"depth": ["d.png"], "pose": ["p.png"]})

    assert filled["2"]["inputs"] == {"text": "軍隊", "clip": ["1", 1]}
    assert filled["11"]["inputs"]["seed"] == 7
    assert (filled["5"]["inputs"]["image"], filled["8"]["inputs"]["image"]) == ("d.png", "p.png")
    assert workflow.graph == shipped()


@pytest.mark.parametrize("frames", [2, 3, 5, 8])
def test_frames_become_loaders_joined_in_order(tmp_path, frames):
    names = [f"{index}.png" for index in range(frames)]

    filled = read(tmp_path, shipped()).filled({}, {"depth": names})

    def order(node):
        wired = filled[node]
        if wired["class_type"] == "LoadImage":
            return [wired["inputs"]["image"]]
        assert wired["class_type"] == "ImageBatch"
        return [name for side in ("image1", "image2") for name in order(wired["inputs"][side][0])]

    assert order("5") == names
    assert filled["6"]["inputs"]["image"] == ["5", 0]


def test_frames_cannot_go_through_a_wired_mask(tmp_path):
    graph = shipped()
    graph["14"] = {"class_type": "VAEEncodeForInpaint", "inputs": {"mask": ["5", 1]}}
    workflow = read(tmp_path, graph)

    workflow.filled({}, {"depth": ["one.png"]})
    with pytest.raises(ProviderError, match="slot depth takes 2 frames"):
        workflow.filled({}, {"depth": ["one.png", "two.png"]})


# ---------------------------------------------------------------- its digest


def test_the_digest_stands_for_what_paints_not_for_what_is_filled(tmp_path):
    graph = shipped()
    graph["2"]["inputs"]["text"] = "what stood there when it was exported"
    graph["11"]["inputs"]["seed"] = 99
    graph["4"]["_meta"]["title"] = "another title"

    assert read(tmp_path, graph).digest == read(tmp_path, shipped()).digest


@pytest.mark.parametrize(
    ("node", "key", "value"), [("1", "ckpt_name", "b"), ("11", "steps", 29), ("6", "strength", 0.7)]
)
def test_the_digest_changes_with_what_paints(tmp_path, node, key, value):
    graph = shipped()
    graph[node]["inputs"][key] = value

    assert read(tmp_path, graph).digest != read(tmp_path, shipped()).digest


def test_the_digest_changes_with_the_slots(tmp_path):
    assert read(tmp_path, shipped(), steps="11.steps").digest != read(tmp_path, shipped()).digest


# ---------------------------------------------------------------- told clearly


def test_the_editors_format_says_how_to_export(tmp_path):
    assert "Export (API)" in refused(tmp_path, {"nodes": [{"id": 1, "type": "KSampler"}], "links": [], "version": 0.4})


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"[]", b"{}", b'{"1": {"class_type": "X"}}', b'{"1": NaN}', b"\xff", b"[" * 99_999]
)
def test_what_is_no_workflow_is_refused(tmp_path, content):
    (file := tmp_path / "workflow.json").write_bytes(content)

    with pytest.raises(ProviderError, match=r"Export \(API\)") as error:
        read_workflow(file, {}, "provider 'comfy'")

    assert "\n" not in str(error.value)


def test_a_workflow_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ProviderError, match="cannot be read"):
        read_workflow(tmp_path / "none.json", {}, "provider 'comfy'")


@pytest.mark.parametrize(
    ("titles", "words"),
    [
        ({"n11": "KSampler"}, "no slot for the seed"),
        ({"n5": "Load Image", "n8": "Load Image"}, "no slot for a guide"),
        ({"n1": "depth"}, "node 1 (CheckpointLoaderSimple) is titled depth and has no unwired input for it (image)"),
        ({"n8": "reference2"}, "none called reference"),
    ],
)
def test_a_missing_slot_says_what_to_title(tmp_path, titles, words):
    assert words in refused(tmp_path, titled(**titles))


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({"steps": "99.steps"}, "no NODE.INPUT of this workflow"),
        ({"steps": "11.stepz"}, "no NODE.INPUT of this workflow"),
        ({"steps": "11.model"}, "wired to another node"),
        ({"sepia": "11.steps"}, "no slot 'sepia'"),
        ({"output": "99"}, "no node of this workflow"),
    ],
)
def test_a_slot_that_leads_nowhere_is_refused(tmp_path, named, words):
    assert words in refused(tmp_path, shipped(), **named)


def test_several_nodes_that_save_need_a_name(tmp_path):
    graph = titled(n13="Save Image")
    graph["14"] = copy.deepcopy(graph["13"])

    assert "2 nodes may be (13, 14)" in refused(tmp_path, graph)
    assert read(tmp_path, graph, output="14").output == "14"
    assert read(tmp_path, graph, output="13.images").output == "13"


def test_no_node_that_saves_is_refused(tmp_path):
    graph = shipped()
    del graph["13"]

    assert "no node saves pictures" in refused(tmp_path, graph)


def test_a_wire_to_nowhere_is_refused(tmp_path):
    graph = shipped()
    del graph["1"]

    assert "wired to node 1, which is not there" in refused(tmp_path, graph)
