"""Passwords: argon2id, a length that holds, and never two checks of one core's memory at once without bound.

Source: RFC 9106 (second recommended option: 64 MiB, 3 passes, 4 lanes); NIST SP 800-63B on length over rules.
"""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from pipeline.errors import ReviewRefused

LEAST, MOST = 12, 256  # letters
_hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_few = threading.BoundedSemaphore(2)  # 64 MiB each: a flood of logins must not take the machine's memory
# What is checked when nobody has that name: the answer takes as long as for a real one.
_nobody = _hasher.hash("nobody has this password")


def hash_password(password: str, name: str = "") -> str:
    """What is kept of a password. Raises ReviewRefused when it is too short, too long, or the name itself."""
    if not LEAST <= len(password) <= MOST:
        raise ReviewRefused(f"password: has {len(password)} letters, needs {LEAST} to {MOST}. Take a sentence.")
    if len(set(password)) < 4 or (name and password.casefold().replace(name.casefold(), "") == ""):
        raise ReviewRefused("password: is too easy to guess. Take a sentence that only you would write.")
    with _few:
        return _hasher.hash(password.encode("utf-8", "surrogatepass"))


def is_right(password: str, kept: str) -> bool:
    """Whether a password is the one that was kept. kept: empty for nobody; takes as long, and is wrong."""
    if len(password) > MOST:
        return False
    with _few:
        try:
            right = _hasher.verify(kept or _nobody, password.encode("utf-8", "surrogatepass"))
        except (VerificationError, InvalidHashError):
            return False
    return right and bool(kept)
