"""Whether a character looks the same in every shot of a show: its likeness in one atlas beside those in the others'."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assets.sprites.embedding import apart, from_references
from assets.sprites.likeness import distance
from pipeline.errors import StoreError
from pipeline.latest import latest_folder

STAGE = "generate_crowd"
Cast = dict[str, dict[str, Any]]  # as assets.sprites.cast.cast_of makes it


def cast_in(index: Path) -> Cast:
    """Who is in an atlas; nobody in one from before that was written down."""
    cast: Cast = json.loads(index.read_text("utf-8")).get("characters", {})
    return cast


def casts_of_show(build: Path) -> dict[str, Cast]:
    """By shot, who is in its atlas in use. build: the show's folder of results; shots without an atlas are left out."""
    found: dict[str, Cast] = {}
    for shot in sorted(folder for folder in build.glob("*") if (folder / STAGE).is_dir()):
        try:
            found[shot.name] = cast_in(latest_folder(shot, STAGE) / "index.json")
        except (StoreError, OSError, ValueError):  # a shot that another run is making just now
            continue
    return found


def compared(own: Cast, others: Mapping[str, Cast]) -> dict[str, dict[str, Any]]:
    """By character: version, recipe and take as in the atlas; `views`, how far a part's colour strays from its mean over views and phases (CIELAB, by area), and
    `shots`, by other shot: delta_e and stops (means over the persons that both show), the worst part, head and area (by
    which share they are larger there), recipe (whether it is the same), take. With an image encoder: `seen`, 1 - cosine to
    the same persons in a shot; of the character, to its `references` and to the `nearest_other` character of the atlas.
    """
    return {
        name: {
            "version": entry["version"],
            "recipe": entry["recipe"],
            "take": entry["take"],
            "views": round(_spread(entry), 2),
            **_seen(name, own),
            "shots": {
                shot: _between(entry, cast[name])
                for shot, cast in others.items()
                if name in cast and set(entry["persons"]) & set(cast[name]["persons"])
            },
        }
        for name, entry in own.items()
    }


def _spread(entry: Mapping[str, Any]) -> float:
    parts = [part for person in entry["persons"].values() for part in person["parts"].values()]
    return float(np.average([p["spread"] for p in parts], weights=[p["px"] for p in parts])) if parts else 0.0


def _between(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    both = sorted(set(one["persons"]) & set(other["persons"]))
    looks = _apart(one, other, both)
    found = [distance(one["persons"][variant], other["persons"][variant]) for variant in both]
    part, apart = max((each.worst for each in found), key=lambda worst: worst[1])
    return {
        "delta_e": round(float(np.mean([each.delta_e for each in found])), 2),
        "worst_part": part,
        "worst_delta_e": round(apart, 2),
        "stops": round(float(np.mean([each.stops for each in found])), 2),
        "head": round(float(np.mean([each.head for each in found])), 3),
        "area": round(float(np.mean([each.area for each in found])), 3),
        "recipe": "same" if one["recipe"] == other["recipe"] else f"version {other['version']}, another recipe",
        "take": other["take"],
        **({"seen": looks} if looks is not None else {}),
    }


def _seen(name: str, own: Cast) -> dict[str, Any]:
    """How far a character's sprites are, to the image encoder, from its references and from the nearest other character."""
    entry = own[name]
    if "seen" not in entry:
        return {}
    persons = entry["seen"]["persons"].values()
    said = [from_references(points, entry["seen"]["references"]) for points in persons]
    others = [
        _apart(entry, other, sorted(set(entry["seen"]["persons"]) & set(other["seen"]["persons"])))
        for who, other in own.items()
        if who != name and "seen" in other
    ]
    far, near = ([away for away in each if away is not None] for each in (said, others))
    told = {"references": float(np.mean(far))} if far else {}
    told |= {"nearest_other": min(near)} if near else {}
    return {"seen": {key: round(value, 4) for key, value in told.items()}}


def _apart(one: Mapping[str, Any], other: Mapping[str, Any], persons: Sequence[str]) -> float | None:
    """Mean distance of persons to an image encoder; None where it did not see both, or another encoder did."""
    if "seen" not in one or "seen" not in other or one["seen"]["encoder"] != other["seen"]["encoder"]:
        return None
    each = [apart(one["seen"]["persons"].get(who, {}), other["seen"]["persons"].get(who, {})) for who in persons]
    there = [far for far in each if far is not None]
    return round(float(np.mean(there)), 4) if there else None
