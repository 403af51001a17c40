"""A ComfyUI workflow in API format and its slots: which input of which node takes the prompt, the seed, a guide's picture.

A slot is found by a node's title (the title is the slot's name, or several parted by commas: "seed, steps"), or named in
show.toml as "NODE.INPUT". What is filled is a copy; the workflow with its slots left empty is what its digest stands for.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from assets.providers.http_answers import printable
from pipeline.errors import ProviderError

Graph = dict[str, dict[str, Any]]
MOST_BYTES = 16 * 2**20
GUIDES = ("depth", "normals", "pose", "edges", "mask", "init")
# slot: inputs that take it, first what is there; those in one group are filled together (two text encoders, say)
_INPUTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "prompt": (("text",), ("text_g", "text_l"), ("clip_l", "t5xxl"), ("prompt",), ("string",), ("value",)),
    "seed": (("seed",), ("noise_seed",), ("value",)),
    "steps": (("steps",), ("value",)),
    "strength": (("denoise",), ("strength",), ("value",)),
    "width": (("width",), ("value",)),
    "height": (("height",), ("value",)),
    "count": (("batch_size",), ("amount",), ("value",)),
    "frames": (("length",), ("frames",), ("batch_size",), ("value",)),
    "picture": (("image",),),
}
_KIND = {"negative": "prompt", "reference": "picture", **dict.fromkeys(GUIDES, "picture")}
_TITLES = {
    "positive": "prompt",
    "positive prompt": "prompt",
    "negative prompt": "negative",
    "denoise": "strength",
    "batch": "count",
    "batch size": "count",
    "takes": "count",
    "length": "frames",
    "normal": "normals",
    "openpose": "pose",
    **dict.fromkeys(("canny", "lineart", "softedge", "scribble", "hed"), "edges"),
    "reference1": "reference",
}
_EXPORT = "In ComfyUI use Workflow > Export (API); in older ones Save (API Format), once the dev mode options are on"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One input of one node."""

    node: str
    input: str


@dataclass(frozen=True, slots=True, eq=False)
class Workflow:
    """slots: where each slot's value goes. output: the node whose pictures are the answer. digest: hex SHA-256."""

    name: str
    graph: Graph
    slots: Mapping[str, tuple[Place, ...]]
    output: str
    digest: str

    @property
    def guides(self) -> frozenset[str]:
        """The guides that it takes as pictures."""
        return frozenset(GUIDES) & set(self.slots)

    @property
    def references(self) -> tuple[str, ...]:
        """The slots of reference pictures, in order."""
        return tuple(name for name in map(_reference, range(1, len(self.slots) + 1)) if name in self.slots)

    def filled(self, values: Mapping[str, Any], pictures: Mapping[str, Sequence[str]]) -> Graph:
        """The graph to queue. values: slot to number or text. pictures: slot to the names of uploaded pictures, one per
        frame; several frames become loaders of their own, joined by ImageBatch. Raises ProviderError when that cannot be.
        """
        graph = copy.deepcopy(self.graph)
        for slot, value in values.items():
            for place in self.slots[slot]:
                graph[place.node]["inputs"][place.input] = value
        for slot, names in pictures.items():
            for place in self.slots[slot]:
                graph[place.node]["inputs"][place.input] = names[0]
                if len(names) > 1:
                    self._spread(graph, place, slot, names)
        return graph

    def _spread(self, graph: Graph, place: Place, slot: str, names: Sequence[str]) -> None:
        loader = graph[place.node]
        uses = [link for node in graph.values() for link in node["inputs"].values() if _is_link(link)]
        if loader["class_type"] != "LoadImage" or any(n == place.node and index != 0 for n, index in uses):
            raise ProviderError(
                f"{self.name}: slot {slot} takes {len(names)} frames, which a {loader['class_type']} whose mask is wired "
                "cannot load. Use LoadImage's IMAGE, and ImageToMask behind it where a mask is wanted."
            )
        level = []
        for index, name in enumerate(names):
            level.append(f"{place.node}-{slot}{index}")
            graph[level[-1]] = {**loader, "inputs": {**loader["inputs"], place.input: name}}
        while len(level) > 1:  # in pairs, not in a row: a row would copy every frame once for each that follows
            pairs, joined = [level[i : i + 2] for i in range(0, len(level), 2)], []
            for pair in pairs:
                joined.append(f"{pair[0]}+" if len(pair) > 1 else pair[0])
                if len(pair) > 1:
                    links = {"image1": [pair[0], 0], "image2": [pair[1], 0]}
                    graph[joined[-1]] = {"class_type": "ImageBatch", "inputs": links}
            level = joined
        graph[place.node] = graph.pop(level[0])  # under the loader's own id: what was wired to it gets all frames


def read_workflow(path: Path, named: Mapping[str, str], where: str) -> Workflow:
    """The workflow in `path`. named: slot to "NODE.INPUT", before what titles say. where: for messages.

    Raises ProviderError, one line: no such file, the editor's format, a slot that leads nowhere, no seed, no guide, no
    output.
    """
    name = f"{where}: {path}"
    graph = _graph(path, name)
    places: dict[str, tuple[Place, ...]] = {}
    for slot, text in named.items():
        if slot != "output":
            places[_known(slot, name)] = tuple(_place(graph, part.strip(), slot, name) for part in text.split(","))
    for slot, nodes in _titled(graph).items():
        if slot not in places and slot != "output":
            places[slot] = tuple(place for node in nodes for place in _found(graph, node, slot, name))
    if "seed" not in places:
        raise ProviderError(f"{name}: no slot for the seed, so all takes would be one. {_how('seed', 'KSampler')}")
    if not set(GUIDES) & set(places):
        raise ProviderError(f"{name}: no slot for a guide ({', '.join(GUIDES)}). {_how('depth', 'LoadImage')}")
    references = sum(slot.startswith("reference") for slot in places)
    if missing := [_reference(i) for i in range(1, references + 1) if _reference(i) not in places]:
        raise ProviderError(
            f"{name}: there are {references} slots for references and none called {missing[0]}. Name it."
        )
    output = _output(graph, named.get("output", ""), name)
    return Workflow(name, graph, places, output, _digest(graph, places, output))


def _graph(path: Path, name: str) -> Graph:
    try:
        data = path.read_bytes() if path.stat().st_size <= MOST_BYTES else b""
        graph = json.loads(data, parse_constant=_no_number)
    except OSError as error:
        raise ProviderError(f"{name}: cannot be read ({error.strerror}). Check `workflow` in show.toml.") from error
    except (ValueError, RecursionError) as error:
        raise ProviderError(f"{name}: is no JSON under {MOST_BYTES:,} bytes. {_EXPORT}.") from error
    if isinstance(graph, dict) and isinstance(graph.get("nodes"), list):
        raise ProviderError(f"{name}: is the editor's own format, which only the editor can run. {_EXPORT}.")
    if not isinstance(graph, dict) or not graph or not all(_is_node(node) for node in graph.values()):
        raise ProviderError(f"{name}: is no workflow in API format (nodes with class_type and inputs). {_EXPORT}.")
    for node in graph:
        for link in graph[node]["inputs"].values():
            if _is_link(link) and link[0] not in graph:
                raise ProviderError(
                    f"{name}: node {node} is wired to node {link[0]}, which is not there. {_EXPORT} again."
                )
    return graph


def _is_node(node: Any) -> bool:
    return isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)


def _is_link(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int)


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)  # NaN and Infinity: Python writes and reads them, JSON has none


def _title(node: dict[str, Any]) -> str:
    meta = node.get("_meta")
    title = meta.get("title") if isinstance(meta, dict) else ""
    return title if isinstance(title, str) else ""


def _titled(graph: Graph) -> dict[str, list[str]]:
    """Slot to the nodes whose titles name it. A title counts only when every part of it is a slot's name."""
    found: dict[str, list[str]] = {}
    for node in graph:
        words = [" ".join(word.lower().split()) for word in _title(graph[node]).split(",")]
        slots = [_TITLES.get(word, word) for word in words]
        if all(_is_slot(slot) for slot in slots):
            for slot in slots:
                found.setdefault(slot, []).append(node)
    return found


def _is_slot(word: str) -> bool:
    numbered = word.removeprefix("reference").isdecimal() and word.startswith("reference")
    return (word in _INPUTS and word != "picture") or word in _KIND or word == "output" or numbered


def _known(slot: str, name: str) -> str:
    if not _is_slot(slot):
        known = sorted({*_INPUTS, *_KIND, "output"} - {"picture"})
        raise ProviderError(f"{name}: there is no slot {printable(slot)!r}. Known: {', '.join(known)}, reference2 ...")
    return _TITLES.get(slot, slot)


def _reference(number: int) -> str:
    return "reference" if number == 1 else f"reference{number}"


def _place(graph: Graph, text: str, slot: str, name: str) -> Place:
    for node in graph:
        if text.startswith(f"{node}.") and (wanted := text[len(node) + 1 :]) in graph[node]["inputs"]:
            if _is_link(graph[node]["inputs"][wanted]):
                raise ProviderError(
                    f"{name}: slot {slot} is {text}, which is wired to another node. Name that one's input."
                )
            return Place(node, wanted)
    raise ProviderError(
        f"{name}: slot {slot} is {printable(text)!r}, no NODE.INPUT of this workflow. Look it up in the file."
    )


def _found(graph: Graph, node: str, slot: str, name: str) -> list[Place]:
    inputs = graph[node]["inputs"]
    kind = "picture" if slot.startswith("reference") else _KIND.get(slot, slot)
    for group in _INPUTS[kind]:
        if places := [Place(node, text) for text in group if text in inputs and not _is_link(inputs[text])]:
            return places
    wanted = ", ".join(text for group in _INPUTS[kind] for text in group)
    raise ProviderError(
        f"{name}: node {node} ({graph[node]['class_type']}) is titled {slot} and has no unwired input for it ({wanted}). "
        f'Name the input: slots.{slot} = "{node}.INPUT".'
    )


def _output(graph: Graph, named: str, name: str) -> str:
    """The node whose pictures are the answer: named, else titled "output", else the only one that saves pictures."""
    if named:
        for node in (named, named.rpartition(".")[0]):
            if node in graph:
                return node
        raise ProviderError(
            f"{name}: slot output is {printable(named)!r}, no node of this workflow. Look it up in the file."
        )
    saving = [node for node in graph if graph[node]["class_type"] in ("SaveImage", "PreviewImage")]
    nodes = _titled(graph).get("output") or saving
    if len(nodes) != 1:
        found = f"{len(nodes)} nodes may be ({', '.join(nodes)})" if nodes else "no node saves pictures"
        raise ProviderError(f"{name}: which node answers? {found}. {_how('output', 'SaveImage')}")
    return nodes[0]


def _how(slot: str, class_type: str) -> str:
    return f'Title its {class_type} "{slot}" and export again, or write slots.{slot} = "NODE.INPUT" in show.toml.'


def _digest(graph: Graph, places: Mapping[str, tuple[Place, ...]], output: str) -> str:
    empty = {node: {"class_type": graph[node]["class_type"], "inputs": dict(graph[node]["inputs"])} for node in graph}
    for place in (place for group in places.values() for place in group):
        empty[place.node]["inputs"][place.input] = None
    where = {slot: [f"{place.node}.{place.input}" for place in sorted(group)] for slot, group in places.items()}
    text = json.dumps([empty, where, output], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(b"battleplate workflow 1\n" + text.encode()).hexdigest()
