"""Pages from templates: escaped always, with who is signed in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.screening.web.access import Person

HERE = Path(__file__).parent
_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(request: Request, template: str, person: Person | None, status: int = 200, **shown: Any) -> HTMLResponse:
    """A page. Templates see person (None: nobody), csrf, show_name, path and what is given here."""
    everywhere = {
        "person": person,
        "csrf": person.csrf if person else "",
        "show_name": request.app.state.show_name,
        "path": request.url.path,
    }
    return HTMLResponse(_templates.get_template(template).render({**everywhere, **shown}), status)


def part(template: str, **shown: Any) -> Markup:
    """A part of a page that is the same for everybody who sees it."""
    return Markup(_templates.get_template(template).render(shown))
