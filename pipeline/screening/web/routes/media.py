"""Proxies, stills and thumbnails of a version, and the player's page."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import anyio
from fastapi import APIRouter, FastAPI, HTTPException, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response

from pipeline.config import load_show
from pipeline.errors import FormatError
from pipeline.io.exr import MAX_SIDE_PX
from pipeline.screening.media import stills
from pipeline.screening.media.desk import Desk
from pipeline.screening.media.probe import Tile
from pipeline.screening.media.rendering import rendering
from pipeline.screening.media.stills import EXPOSURES_EV, GAMMAS, WIDTHS_PX, Still
from pipeline.screening.media.views import COMP
from pipeline.screening.web.access import Person, may
from pipeline.screening.web.fields import Frame, Name, Number, ShotName
from pipeline.screening.web.onshow import shows
from pipeline.screening.web.pages import page
from pipeline.screening.web.settings import Services
from pipeline.sections import DeliveryBrief

router = APIRouter(tags=["media"])
T = TypeVar("T")

RENDERING_PX = 640
_FOREVER = "private, max-age=31536000, immutable"  # its name tells its content
_CHECKED = "private, no-cache"
_AT_ONCE = anyio.CapacityLimiter(6)  # readers of pictures must not hold every thread of the server


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The makers of proxies and stills, as long as the server runs. Proxies lie beside the show's builds: they can be made again."""
    services: Services = app.state.services
    show = services.settings.show
    app.state.media = Desk(app.state.shows.footage, load_show(show)[1].parent / "_review")
    yield
    app.state.media.close()


def desk(request: Request) -> Desk:
    """The show's media."""
    found: Desk = request.app.state.media
    return found


@router.get("/shots/{shot}/play", response_class=HTMLResponse)
async def play(request: Request, shot: ShotName, person: Annotated[Person, may("look", guests=True)]) -> HTMLResponse:
    """The player, with every version of the shot that this person may see."""
    person.must_see(shot)
    known = await _found(lambda: [v.number for v in shows(request).shot(shot).versions])
    seen = [version for version in known if person.sees(shot, version)]
    if not seen:
        raise HTTPException(404, f"{shot} has no delivered version yet.")
    return page(request, "player.html", person, shot=shot, versions=seen)


@router.get("/api/shots/{shot}/versions/{version}/media", dependencies=[may("look")])
async def media(request: Request, shot: ShotName, version: Number) -> JSONResponse:
    """What the player needs to know of a version: frames, rate as a ratio, timecode, size, views."""

    def told() -> dict[str, Any]:
        footage = desk(request).footage(shot, version)
        return {
            "shot": footage.shot,
            "version": footage.version,
            "first": footage.frames.first,
            "last": footage.frames.last,
            "rate": f"{footage.rate.numerator}/{footage.rate.denominator}",
            "timecode": footage.timecode,
            "width": round(footage.width * footage.pixel_aspect),
            "height": footage.height,
            "pixels": [footage.width, footage.height],
            "views": [{"name": v.name, "label": v.label, "graded": v.graded} for v in desk(request).views(footage)],
        }

    return JSONResponse(await _found(told))


@router.get("/api/shots/{shot}/versions/{version}/proxy/{view}", dependencies=[may("look")])
async def proxy(request: Request, shot: ShotName, version: Number, view: Name) -> JSONResponse:
    """How the proxy of a view stands; one that is missing is begun. url: where the movie is, once ready."""

    def told() -> dict[str, Any]:
        state = desk(request).proxy(shot, version, view)
        url = f"/media/{shot}/v{version:03d}/{state.file.name}" if state.file else ""
        return {
            "state": state.state,
            "done": state.done,
            "total": state.total,
            "url": url,
            "message": state.message,
        }

    return JSONResponse(await _found(told))


@router.head("/media/{shot}/v{version}/thumbnail.jpg", dependencies=[may("look")], include_in_schema=False)
@router.get("/media/{shot}/v{version}/thumbnail.jpg", dependencies=[may("look")])
async def thumbnail(request: Request, shot: ShotName, version: Number) -> Response:
    """A small JPEG of the version's middle frame."""
    found = desk(request).thumbnail_of_late(shot, version)
    if found is None:
        found = await _found(lambda: desk(request).thumbnail(shot, version))
    headers = _named(found.name, _CHECKED)
    if _has(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(found.data, media_type="image/jpeg", headers=headers)


@router.get("/media/{shot}/rendering/{frame}.jpg", dependencies=[may("look")])
async def rendered(request: Request, shot: ShotName, frame: Frame) -> Response:
    """A frame of the comp that is being rendered, small: no version holds it yet."""

    def made() -> bytes:
        found = shows(request).shot(shot).shot
        brief: DeliveryBrief = found.sections[DeliveryBrief]
        footage = rendering(shot, found.build, frame, display=brief.display, view=brief.view)
        return desk(request).stills.get(footage, Still(COMP, frame, width_px=RENDERING_PX, form="jpg"))

    return Response(await _found(made), media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.head("/media/{shot}/v{version}/{name}", dependencies=[may("look")], include_in_schema=False)
@router.get("/media/{shot}/v{version}/{name}", dependencies=[may("look")])
async def movie(request: Request, shot: ShotName, version: Number, name: Name) -> Response:
    """A finished proxy, whole or by ranges. name: VIEW.KEY.mp4, as its proxy's url has it."""
    return _file(request, await _found(lambda: desk(request).movie(shot, version, name)), "video/mp4", _FOREVER)


@router.head("/media/{shot}/v{version}/{view}/{frame}.{form}", dependencies=[may("look")], include_in_schema=False)
@router.get("/media/{shot}/v{version}/{view}/{frame}.{form}", dependencies=[may("look")])
async def still(
    request: Request,
    shot: ShotName,
    version: Number,
    view: Name,
    frame: Frame,
    form: Literal["png", "jpg"],
    exposure: Annotated[float, Query(ge=EXPOSURES_EV[0], le=EXPOSURES_EV[1], allow_inf_nan=False)] = 0.0,
    gamma: Annotated[float, Query(ge=GAMMAS[0], le=GAMMAS[1], allow_inf_nan=False)] = 1.0,
    width: Annotated[int, Query(ge=WIDTHS_PX[0], le=WIDTHS_PX[1])] = WIDTHS_PX[1],
) -> Response:
    """A view of one frame. exposure: stops in scene light; gamma: of the display picture; width: at most, pixels."""
    asked = Still(view, frame, exposure, gamma, width, form)

    def known() -> tuple[Any, str]:
        footage = desk(request).framed(shot, version, asked)
        return footage, stills.tag(footage, asked)

    footage, tag = await _found(known)
    headers = {"Cache-Control": _CHECKED, "ETag": f'"{tag}"'}
    if _has(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    data = await _found(lambda: desk(request).stills.get(footage, asked))
    return Response(data, media_type="image/png" if form == "png" else "image/jpeg", headers=headers)


@router.get("/api/shots/{shot}/versions/{version}/light/{view}/{frame}", dependencies=[may("look")])
async def light(
    request: Request,
    shot: ShotName,
    version: Number,
    view: Name,
    frame: Frame,
    x: Annotated[int, Query(ge=0, le=MAX_SIDE_PX)] = 0,
    y: Annotated[int, Query(ge=0, le=MAX_SIDE_PX)] = 0,
) -> Response:
    """Values of the pixels from x, y (top left) on, 32 x 32 at most, as the files hold them: little-endian float64, row by
    row; the header X-Channels names the channels."""

    def read() -> Tile:
        return desk(request).stills.tile(desk(request).framed(shot, version, Still(view, frame)), view, frame, x, y)

    tile = await _found(read)
    headers = {"Cache-Control": _CHECKED, "X-Channels": ",".join(tile.names)}
    return Response(tile.values, media_type="application/octet-stream", headers=headers)


def _file(request: Request, file: Path, kind: str, kept: str) -> Response:
    """A file, whole or by ranges; 304 where the browser has it. Its name tells its content."""
    headers = _named(file.name, kept)
    if _has(request, headers["ETag"]) and "range" not in request.headers:
        return Response(status_code=304, headers=headers)
    return FileResponse(file, media_type=kind, headers=headers)


def _named(name: str, kept: str) -> dict[str, str]:
    """The headers of what its name tells."""
    return {"Cache-Control": kept, "ETag": f'"{hashlib.sha256(name.encode()).hexdigest()[:32]}"'}


def _has(request: Request, etag: str) -> bool:
    """Whether the browser says that it holds this already (RFC 9110, 13.1.2: a list, compared weakly)."""
    held = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    return etag in held or held == ["*"]


async def _found(work: Callable[[], T]) -> T:
    """Do it in a thread. 404 for what is not there, 422 for a file that cannot be shown."""
    try:
        return await anyio.to_thread.run_sync(work, limiter=_AT_ONCE)
    except LookupError as error:
        raise HTTPException(404, str(error.args[0] if error.args else error)) from error
    except FormatError as error:
        raise HTTPException(422, str(error)) from error
