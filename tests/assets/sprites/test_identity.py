"""Characters of one shot beside the same ones in the show's other shots."""

import json

import pytest

from assets.sprites.identity import casts_of_show, compared


def person(red, head_m=1.7):
    part = {"rgb": [red, 0.2, 0.1], "lab": [50.0, 20.0, 30.0], "spread": 2.0, "px": 900}
    return {"parts": {"tunic": part}, "shape": {"march": {"0": [head_m, 0.6]}}}


def entry(*people, recipe="r1"):
    persons = {str(variant): each for variant, each in enumerate(people)}
    return {"version": 1, "recipe": recipe, "take": "", "seed": 1, "persons": persons}


def made(build, shot, cast, fingerprint="abc"):
    folder = build / shot / "generate_crowd" / fingerprint
    folder.mkdir(parents=True)
    (folder / "index.json").write_text(json.dumps({"characters": cast}))
    (folder / "receipt.json").write_text("{}")
    (folder.parent / "latest.json").write_text(json.dumps({"fingerprint": fingerprint}))


def test_every_shot_gives_the_atlas_that_is_in_use(tmp_path):
    made(tmp_path, "sh_0010", {"guard": entry(person(0.9))}, "old")
    made(tmp_path, "sh_0010", {"guard": entry(person(0.3))}, "new")
    made(tmp_path, "sh_0020", {})
    (tmp_path / "_show").mkdir()
    (tmp_path / "sh_0030/generate_crowd").mkdir(parents=True)  # begun, never finished

    found = casts_of_show(tmp_path)

    assert list(found) == ["sh_0010", "sh_0020"]
    assert found["sh_0010"]["guard"]["persons"]["0"]["parts"]["tunic"]["rgb"][0] == 0.3


def test_persons_are_compared_with_themselves_only():
    own = {"guard": entry(person(0.3), person(0.5))}
    others = {"a": {"guard": entry(person(0.3), person(0.5, 1.87), recipe="r2")}, "b": {"other": entry(person(0.9))}}

    found = compared(own, others)["guard"]

    assert list(found["shots"]) == ["a"]
    assert found["shots"]["a"]["delta_e"] == 0
    assert found["shots"]["a"]["head"] == pytest.approx(0.05, abs=1e-3)
    assert "another recipe" in found["shots"]["a"]["recipe"]
    assert found["views"] == 2.0


def test_nobody_is_compared_with_nobody():
    assert compared({}, {"a": {"guard": entry(person(0.3))}}) == {}
