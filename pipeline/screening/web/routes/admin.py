"""People and guests: who may come in, and as what."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["people"])
