"""Which other files a USD file is made of: sublayers, references, payloads, value clips, textures. Needs usd-core (pxr)."""

from __future__ import annotations

from pathlib import Path


def parts_of(path: Path) -> tuple[list[Path], list[Path]]:
    """(the files that `path` names, directly or through others, without itself; those of them that are not there), sorted.

    Of a file that cannot be read as USD none is known: ([], []).
    """
    from pxr import Sdf, Tf, UsdUtils

    try:
        Sdf.Layer.FindOrOpen(str(path)).Reload()  # USD keeps what it once opened, also after the file was replaced
        for layer in UsdUtils.ComputeAllDependencies(str(path))[0]:
            layer.Reload()
        layers, assets, missing = UsdUtils.ComputeAllDependencies(str(path))
    except (Tf.ErrorException, AttributeError):
        return [], []
    named = {Path(layer.realPath) for layer in layers} | {Path(str(asset)) for asset in assets}
    there = {file.resolve() for file in named if file.is_file()}
    return sorted(there - {path.resolve()}), sorted(Path(file) for file in missing)
