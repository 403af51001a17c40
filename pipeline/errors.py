"""The error tree. An error of ours prints one line and exits 1; any other exception is a bug.

BattleplateError
├── ConfigError        a show or shot file is wrong: names the file and the field
├── PlateError         the camera original cannot be used: names the frame
├── CalibrationError   camera, depth, matte or grain could not be measured
├── AssetError         a character, set piece or model folder is wrong
├── ProviderError      a generator refused or failed; its kinds say whether asking again can help, and what was paid
│   ├── ProviderBusy       asked too often (429) or no room: nothing was done; ask again after retry_after_s
│   ├── ProviderDown       it could not be reached, or failed before it did anything (connect, 500): ask again
│   ├── ProviderUnsure     the request left and no answer came: it may have been done and billed
│   ├── ProviderRefused    it will not (content rules, a bad request, no rights): asking again is no use
│   ├── ProviderNonsense   the answer came and cannot be used (truncated, oversized, another size): it may be billed
│   ├── ProviderBudget     the show's budget or policy does not allow it: nothing left the machine
│   └── ProviderCancelled  the asker stopped it
├── StageError         a stage is declared or used wrongly, or a worker died
├── StoreError         a result on disk is missing, damaged, or cannot be written
├── FormatError        a file of a known format cannot be read or written
└── ReviewError        the review page will not: what was asked
    ├── ReviewRefused      is not possible as things stand (a wrong password's length, a step that its status does not allow)
    └── ReviewForbidden    is not this person's to do or to see

Every message says where, what, the limit, and the next step.
"""

from __future__ import annotations


class BattleplateError(Exception):
    """Base of every error that a person can mend."""


class ConfigError(BattleplateError):
    """A show or shot file is wrong."""


class PlateError(BattleplateError):
    """The camera original cannot be used as it is."""


class CalibrationError(BattleplateError):
    """Camera, depth, matte, colour or grain could not be measured."""


class AssetError(BattleplateError):
    """A character, set piece or model folder is wrong."""


class ProviderError(BattleplateError):
    """A generator refused, failed or answered nonsense."""


class ProviderBusy(ProviderError):
    """Nothing was done: asked too often, or no room. retry_after_s: what it asks to wait, 0 when it does not say."""

    def __init__(self, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ProviderDown(ProviderError):
    """Nothing was done: it could not be reached, or failed on its side before it began."""


class ProviderUnsure(ProviderError):
    """The request left and no answer came back: it may have been done, and billed."""


class ProviderRefused(ProviderError):
    """It will not do this, now or later: content rules, a bad request, missing rights."""


class ProviderNonsense(ProviderError):
    """It answered, and the answer cannot be used: truncated, too large, no picture, another size."""


class ProviderBudget(ProviderError):
    """The show's budget or policy does not allow it; nothing left the machine."""


class ProviderCancelled(ProviderError):
    """The asker stopped it."""


class StageError(BattleplateError):
    """A stage is declared or used wrongly, or its worker died."""


class StoreError(BattleplateError):
    """A result on disk is missing or damaged, or cannot be written."""


class FormatError(BattleplateError):
    """A file of a known format cannot be read or written."""


class ReviewError(BattleplateError):
    """The review page will not do what was asked."""


class ReviewRefused(ReviewError):
    """It is not possible as things stand."""


class ReviewForbidden(ReviewError):
    """It is not this person's to do or to see."""
