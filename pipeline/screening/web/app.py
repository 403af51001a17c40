"""The review server: every router of web/routes, each route with its declared access, behind the shield."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import ModuleType

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from pipeline.config import load_show
from pipeline.errors import BattleplateError, ConfigError, ReviewForbidden, ReviewRefused, StoreError
from pipeline.screening.database import Database
from pipeline.screening.people.audit import Seal
from pipeline.screening.people.present import Present
from pipeline.screening.shows import Shows
from pipeline.screening.standings import Standings
from pipeline.screening.web import routes
from pipeline.screening.web.access import SignInFirst, check_declared
from pipeline.screening.web.pages import HERE, page
from pipeline.screening.web.settings import Services, Settings
from pipeline.screening.web.shield import HEADERS, Shield

LARGEST_BODY = 4_000_000  # bytes: a drawing of thousands of points
STATUS = {ReviewForbidden: 403, ReviewRefused: 409, ConfigError: 422, StoreError: 404}


def create_app(settings: Settings) -> FastAPI:
    """The server of a show. Raises BattleplateError when show, database or audit are wrong, TypeError for a route
    without a declared access.

    A module of web/routes has a `router`, and may have `lifespan(app)`, an async context manager around the serving
    (workers, pollers). app.state.services is there before it begins; app.state.routes lists every route.
    """
    show, _shared = load_show(settings.show)
    database = Database(settings.database_url)
    seal = Seal(database, settings.seal_folder)
    modules = [importlib.import_module(f"{routes.__name__}.{m.name}") for m in pkgutil.iter_modules(routes.__path__)]

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for module in modules:
                if hasattr(module, "lifespan"):
                    await stack.enter_async_context(module.lifespan(app))
            yield
        database.close()

    app = FastAPI(
        title="Battleplate review",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        max_body_size=LARGEST_BODY,
    )
    app.state.services = Services(settings, database, seal, Present(database))
    app.state.shows = Shows(settings.show)
    app.state.standings = Standings(database)
    app.state.show_name = show.name
    app.state.routes = [route for module in modules for route in _include(app, module)]
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.add_middleware(Shield, hosts=settings.hosts, secure=settings.secure)
    app.add_exception_handler(SignInFirst, _to_login)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(BattleplateError, _refused)
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(Exception, _broken)
    database.after_commit.append(seal.sign)
    return app


def _include(app: FastAPI, module: ModuleType) -> list[APIRoute]:
    found = check_declared(module.router)
    app.include_router(module.router)
    return found


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")


async def _to_login(request: Request, error: Exception) -> Response:
    assert isinstance(error, SignInFirst)
    return RedirectResponse(error.where, 303)


async def _refused(request: Request, error: Exception) -> Response:
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 409)
    return _say(request, status, " ".join(str(error).split()))


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = _say(request, error.status_code, str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


async def _not_understood(request: Request, error: Exception) -> Response:
    """Where and what, without repeating what was sent: that may not even be text."""
    assert isinstance(error, RequestValidationError)
    told = "; ".join(f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors())
    return _say(request, 422, told.encode("utf-8", "replace").decode("utf-8"))


async def _broken(request: Request, error: Exception) -> Response:
    """A bug of ours: the log has it, the page says so. It is answered outside the shield, so its headers are set here."""
    answer = _say(request, 500, "This is a fault of the server; its log tells more. Load the page again.")
    answer.headers.update({**HEADERS, "Cache-Control": "no-store"})
    return answer


def _say(request: Request, status: int, line: str) -> Response:
    if not _wants_page(request):
        return JSONResponse({"detail": line}, status)
    return page(request, "said.html", getattr(request.state, "person", None), status, told=status, line=line)
