"""What the report page tells, chapter by chapter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from pipeline.io import exr
from pipeline.review import figures
from pipeline.review.gather import Sources, Watched
from pipeline.review.page import Compared, Picture, Report, Section, plain, render, words
from pipeline.review.screen import Screen, depth_picture, inline, inline_file, matte_picture

Array = np.ndarray[Any, Any]


def page(
    sources: Sources,
    screen: Screen,
    plates: dict[int, Array],
    watched: Watched,
    measured: dict[str, Any],
    checks: tuple[figures.Check, ...],
    hashes: dict[str, str],
    movie: str,
) -> str:
    """The report page as HTML. plates: display pictures by frame; hashes: delivered file to SHA-256; movie: its name."""
    middle = list(plates)[len(plates) // 2]
    order = sorted(plates, key=lambda frame: (frame != middle, frame))  # the middle frame is seen first
    compared = tuple(Compared(f, sources.timecode(f), inline(plates[f]), inline(watched.shown[f])) for f in order)
    report = Report(
        title=sources.name,
        subtitle=sources.subtitle,
        movie=movie,
        poster=compared[0].comp,
        checks=checks,
        compared=compared,
        sections=tuple(sections(sources, screen, plates[middle], middle, measured)),
        files=hashes,
    )
    return render(report)


def sections(sources: Sources, screen: Screen, plate: Array, frame: int, measured: dict[str, Any]) -> Iterator[Section]:
    """The chapters in the order of the work. plate: the display picture of `frame`."""
    s, camera = sources, measured["camera"]
    solve = {k: v for k, v in camera["solve"].items() if k not in ("frames", "lens", "keyframes")}
    solved = {int(row["frame"]): row for row in camera["solve"].get("frames", []) if "frame" in row}
    yield Section(
        "Camera",
        "Solved from the plate. The error is the distance between where a point was tracked and where the solve sees it.",
        _facts(
            {"reprojection error, px": s.track.reprojection_error_px, "scale from": s.track.scale_from, **solve}
            | {"lens": asdict(s.track.lens)}
        ),
        tuple(figures.series_of(solved)),
        (Picture("Tracks on the plate", inline_file(s.track.overlay)),),
    )
    matte = screen.fit(exr.read(s.mattes.files.path(frame)).channels["A"].astype(np.float32))
    yield Section(
        "Depth and holdouts",
        "",
        _facts({"holdout mattes": s.mattes.source, "depth error, m, median": s.depth.error_m or "see the plots"}),
        tuple(figures.series_of(measured["depth"]["frames"])),
        (
            Picture(f"Depth of frame {frame}", inline(depth_picture(s.depth.files.path(frame))), "near is bright"),
            Picture(
                f"Holdout of frame {frame}", inline(matte_picture(plate, matte)), "tinted: in front of every layer"
            ),
        ),
    )
    yield Section("Crowd", "", _facts(measured["crowd"]), (), (Picture("Atlas", inline_file(s.atlas.contact_sheet)),))
    yield Section("Set extension", "", None, (), (Picture("Paintings", inline_file(s.paintings.contact_sheet)),))
    yield Section(
        "Look of the plate",
        "Measured once, and given to every layer.",
        _facts(_look_facts(measured["look"])),
        (),
        (Picture("Grain", inline_file(s.look.swatch), "the plate's beside ours"),),
    )
    yield Section("Comp, frame by frame", "", None, tuple(figures.series_of(measured["comp"]["frames"])))
    told = measured["plate"]
    yield Section(
        "Provenance",
        "",
        _facts(
            {
                "plate": told["metadata"].get("source", ""),
                "colour space": f"{told['colorspace']} ({told['metadata'].get('colorspace chosen', 'declared')})",
                "timecode": told["timecode"] or "none",
                "pixel aspect": told["pixel_aspect"],
                **{
                    f"{kind} {plain(k)}": v
                    for kind, origin in measured["generation"].items()
                    for k, v in origin.items()
                },
            }
        ),
    )


def _look_facts(look: dict[str, Any]) -> dict[str, Any]:
    """The look without its tables: kernels and curves are for report.json."""
    return {
        f"{part} {plain(key)}": value
        for part, found in look.items()
        if isinstance(found, dict)
        for key, value in found.items()
        if not (isinstance(value, list) and value and isinstance(value[0], list))
    }


def _facts(found: dict[str, Any]) -> dict[str, str]:
    return {plain(name): words(value) for name, value in found.items() if value not in (None, "", [], {})}
