"""A peasant in a tunic halved down the middle, which no palette can say: pictures to teach it from, and the truth."""

from dataclasses import replace

import numpy as np

from assets.people.characters import Part, load_character, recoloured
from assets.people.mesh import posed_mesh
from assets.providers.request import Light
from assets.sprites.guides import beauty
from assets.train.people import asked, drawn_light
from assets.train.samples import Sample
from pipeline.io.color import from_acescg
from pipeline.io.images import write_png

LEFT, RIGHT = (0.42, 0.06, 0.04), (0.62, 0.56, 0.40)
TOLD = (("idle", 0.0, 0.0), ("walk", 0.25, 45.0), ("idle", 0.0, 90.0), ("idle", 0.0, 180.0), ("walk", 0.75, 225.0),
        ("walk", 0.1, 315.0))  # fmt: skip
HELD = (
    ("march", 0.4, 20.0),
    ("march", 0.9, 200.0),
    ("cheer", 0.3, 285.0),
    ("idle", 0.5, 150.0),
    ("walk", 0.3, 60.0),
    ("walk", 0.7, 210.0),
)


def parted(motion, phase, yaw_deg, near=1):
    """A peasant in a tunic of two colours, halved down the middle: his request and his true picture."""
    who, yaw = load_character("peasant"), float(np.radians(yaw_deg))
    mesh = posed_mesh(who, motion, phase)
    left = mesh.rest[mesh.triangles].mean(1)[:, 0] > 0
    parts = np.where((mesh.parts == Part.TUNIC) & left, np.int32(Part.QUIVER), mesh.parts).astype(np.int32)
    worn = replace(recoloured(who, tunic=LEFT, quiver=RIGHT), made_of=(("quiver", "cloth"),))
    size, light = (128 * near, 64 * near), Light()
    truth = beauty(replace(mesh, parts=parts), worn, yaw, 0.05, drawn_light(light), *size)
    return Sample(asked(mesh, who, yaw, 0.05, light, near), truth)


def write_pictures(folder, told, say=True, near=1):
    folder.mkdir()
    lines = []
    for k, (motion, phase, yaw_deg) in enumerate(told):
        truth = parted(motion, phase, yaw_deg, near).truth
        straight = np.ascontiguousarray(truth[..., :3] / np.maximum(truth[..., 3:], 1e-3))
        shown = np.concatenate([from_acescg(straight, "sRGB Encoded Rec.709 (sRGB)"), truth[..., 3:]], -1)
        write_png(folder / f"p{k}.png", np.round(np.clip(shown, 0, 1) * 255).astype(np.uint8))
        lines.append(f'["p{k}.png"]\nmotion = "{motion}"\nphase = {phase}\nyaw_deg = {yaw_deg}\nelevation_deg = 2.9\n')
    if say:
        (folder / "pictures.toml").write_text("".join(lines))
    return folder
