"""Objects on S3, where Amazon's services leave answers that come later, and patience until they are there."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from assets.providers.aws.client import MOST_ANSWER_BYTES, asked, whole
from assets.providers.base import Watch
from pipeline.errors import ProviderBusy, ProviderDown, ProviderError, ProviderRefused, ProviderUnsure

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Place:
    """s3://bucket/key."""

    bucket: str
    key: str

    @classmethod
    def of(cls, text: str, what: str) -> Place:
        """Raises ProviderError naming `what` when it is no place on S3."""
        found = re.fullmatch(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/?(.*)", text)
        if not found or ".." in found[2].split("/"):
            raise ProviderError(f'{what} is {text!r}, must be a place on S3. Write it as "s3://bucket/folder".')
        return cls(found[1], found[2].strip("/"))

    def under(self, name: str) -> Place:
        return Place(self.bucket, f"{self.key}/{name}" if self.key else name)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Bucket:
    """Objects on S3. client: boto3's. name: who asks, for messages."""

    client: Any
    name: str
    timeout_s: float

    def write(self, place: Place, data: bytes) -> None:
        with asked(f"{self.name}: {place}"):
            self.client.put_object(Bucket=place.bucket, Key=place.key, Body=data, ContentType="application/json")

    def write_first(self, place: Place, data: bytes) -> bool:
        """Write where nothing is yet; says whether that was so. Of two who try at once, one does."""
        from botocore.exceptions import ClientError

        with asked(f"{self.name}: {place}"):
            try:
                self.client.put_object(Bucket=place.bucket, Key=place.key, Body=data, IfNoneMatch="*")
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in (
                    "PreconditionFailed",
                    "ConditionalRequestConflict",
                    "412",
                ):
                    return False
                raise
        return True

    def remove(self, place: Place) -> None:
        with asked(f"{self.name}: {place}"):
            self.client.delete_object(Bucket=place.bucket, Key=place.key)

    def read(self, place: Place, most: int = MOST_ANSWER_BYTES) -> bytes | None:
        """An object's bytes; None while there is none. Raises ProviderNonsense when it is larger than `most`."""
        from botocore.exceptions import ClientError

        where = f"{self.name}: {place}"
        with asked(where):
            try:
                answer = self.client.get_object(Bucket=place.bucket, Key=place.key)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in ("NoSuchKey", "404"):
                    return None
                raise
        return whole(answer, answer["Body"], where, self.timeout_s, most)

    def first_in(self, place: Place) -> Place | None:
        """The first object whose key begins with the place's; None when there is none."""
        with asked(f"{self.name}: {place}"):
            answer = self.client.list_objects_v2(Bucket=place.bucket, Prefix=place.key, MaxKeys=1)
        found = answer.get("Contents", [])
        return Place(place.bucket, found[0]["Key"]) if found else None


@dataclass
class Patience:
    """Looks after work that was begun elsewhere, less and less often, until timeout_s have passed."""

    name: str
    watch: Watch
    timeout_s: float
    pause_s: float = 0.05
    longest_s: float = 5.0

    def __post_init__(self) -> None:
        self.until_s = time.monotonic() + self.timeout_s

    def until(self, look: Callable[[], Found | None]) -> Found:
        """What `look` finds, once it finds something. What fails while one only looks does not undo the work.

        Raises ProviderUnsure when it may not be looked at or the time is over, ProviderCancelled when the asker had enough,
        and what `look` raises of other kinds.
        """
        trouble = ""
        while True:
            try:
                if (found := look()) is not None:
                    return found
            except (ProviderBusy, ProviderDown, ProviderUnsure) as error:
                trouble = f" Last it said: {error}"
            except ProviderRefused as error:
                raise ProviderUnsure(
                    f"{error} It was begun and may be billed; ask again, it is not begun anew."
                ) from error
            self._wait(trouble)

    def _wait(self, trouble: str) -> None:
        again = time.monotonic() + self.pause_s
        if again > self.until_s:
            raise ProviderUnsure(
                f"{self.name}: not done after {self.timeout_s:g} s; it goes on there and will be billed. Raise timeout_s and "
                f"ask again: it is not begun anew.{trouble}"
            )
        while (left := again - time.monotonic()) > 0:
            self.watch.check(self.name)
            time.sleep(min(left, 0.2))
        self.pause_s = min(self.longest_s, self.pause_s * 1.5)
