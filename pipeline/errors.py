"""The error tree. An error of ours prints one line and exits 1; any other exception is a bug.

BattleplateError
├── ConfigError        a show or shot file is wrong: names the file and the field
├── PlateError         the camera original cannot be used: names the frame
├── CalibrationError   camera, depth, matte or grain could not be measured
├── AssetError         a character, set piece or model folder is wrong
├── ProviderError      a generator refused or failed
├── StageError         a stage is declared or used wrongly, or a worker died
├── StoreError         a result on disk is missing, damaged, or cannot be written
└── FormatError        a file of a known format cannot be read or written

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


class StageError(BattleplateError):
    """A stage is declared or used wrongly, or its worker died."""


class StoreError(BattleplateError):
    """A result on disk is missing or damaged, or cannot be written."""


class FormatError(BattleplateError):
    """A file of a known format cannot be read or written."""
