"""What every request of one identity carries besides what it shows: its seed, and words and pictures for who reads them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from assets.providers.request import Request
from assets.takes.variation import Dye, dyed

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Telling:
    """Said to the provider with every request of one identity. dyes: of the take, to who paints by looks."""

    seed: int
    prompt: str = ""
    negative: str = ""
    references: tuple[Array, ...] = ()
    dyes: tuple[Dye, ...] = ()

    def told(self, request: Request) -> Request:
        """The request with all of it."""
        identity = dyed(request.identity, self.dyes) if self.dyes else request.identity
        return replace(
            request,
            identity=identity,
            seed=self.seed,
            prompt=self.prompt,
            negative=self.negative,
            references=self.references,
        )
