"""The review database's tables.

Times are UTC, with their zone. Shots, versions and frames are named as on disk: shot "bp_010_0010", version 1, frame 1017.
A change here needs a migration beside it (pipeline/screening/migrations/versions); a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, ForeignKey, Index, MetaData, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


def now() -> datetime:
    """This moment, UTC, to the microsecond."""
    return datetime.now(UTC)


class Moment(TypeDecorator[datetime]):
    """A UTC time. SQLite keeps no zone: it is put back when read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value}: a time without its zone.")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {str: Text, datetime: Moment, Any: JSON}  # noqa: RUF012


def values_of(record: Table) -> dict[str, Any]:
    """What is set of a record, by column: for an insert without a session's bookkeeping."""
    columns = (column.key for column in record.__table__.columns)
    return {name: value for name in columns if (value := getattr(record, name)) is not None}


class User(Table):
    """Who signs in. role: artist, supervisor, client or admin. An empty password_hash: invited, not yet joined."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    password_hash: Mapped[str] = mapped_column(default="")
    disabled: Mapped[bool] = mapped_column(default=False)
    failures: Mapped[int] = mapped_column(default=0)  # wrong passwords since the last right one
    locked_until: Mapped[datetime | None]
    created: Mapped[datetime] = mapped_column(default=now)


class Invite(Table):
    """A link that lets one person choose a password, once. id: SHA-256 of its token. Without a user: the first admin's."""

    __tablename__ = "invites"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    expires: Mapped[datetime]


class Playlist(Table):
    """Versions of shots in an order, for a session or for guests."""

    __tablename__ = "playlists"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created: Mapped[datetime] = mapped_column(default=now)


class PlaylistItem(Table):
    """One version of a shot in a playlist."""

    __tablename__ = "playlist_items"

    playlist_id: Mapped[int] = mapped_column(ForeignKey("playlists.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    shot: Mapped[str]
    version: Mapped[int]


class GuestLink(Table):
    """A link for people without an account: one playlist, until it expires. token_hash: SHA-256 of the link's token."""

    __tablename__ = "guest_links"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    playlist_id: Mapped[int] = mapped_column(ForeignKey("playlists.id", ondelete="CASCADE"))
    label: Mapped[str]  # whom it was made for; stands under their notes
    commenting: Mapped[bool] = mapped_column(default=False)
    expires: Mapped[datetime]
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    revoked: Mapped[bool] = mapped_column(default=False)


class SessionRow(Table):
    """Who is signed in. id: SHA-256 of the cookie's token."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    guest_id: Mapped[int | None] = mapped_column(ForeignKey("guest_links.id", ondelete="CASCADE"), index=True)
    csrf: Mapped[str]
    created: Mapped[datetime] = mapped_column(default=now)
    expires: Mapped[datetime]


class Note(Table):
    """A note on frames of a version. drawing: JSON text of strokes, x and y 0..1 of the picture; empty: none.

    author_id or guest_id tells who wrote it. frame_out: last frame of a range.
    """

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    shot: Mapped[str]
    version: Mapped[int]
    frame: Mapped[int]
    frame_out: Mapped[int | None]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    guest_id: Mapped[int | None] = mapped_column(ForeignKey("guest_links.id"))
    text: Mapped[str]
    drawing: Mapped[str] = mapped_column(default="")
    created: Mapped[datetime] = mapped_column(default=now)
    resolved_at: Mapped[datetime | None]
    reply_to: Mapped[int | None] = mapped_column(ForeignKey("notes.id"))

    __table_args__ = (Index(None, "shot", "version", "frame"),)


class Decision(Table):
    """What was decided about a version. kind: approve, request_changes, withdraw, deliver or pick.

    digest: what the decision was about (decisions/subject.py). piece and take: a pick's. detail: what a void approval
    is told by, each file's size and time of change when it was approved.
    """

    __tablename__ = "decisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    shot: Mapped[str]
    version: Mapped[int]
    kind: Mapped[str]
    digest: Mapped[str] = mapped_column(default="")
    piece: Mapped[str | None]
    take: Mapped[str | None]
    text: Mapped[str] = mapped_column(default="")
    detail: Mapped[Any] = mapped_column(default=dict)
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    role: Mapped[str] = mapped_column(default="")  # of whoever decided, then; empty: as it is now
    at: Mapped[datetime] = mapped_column(default=now)

    __table_args__ = (Index(None, "shot", "version", "id"),)


class ChangeRequest(Table):
    """A value of the shot file that somebody asked for. state: open, applied, declined or stale."""

    __tablename__ = "change_requests"

    id: Mapped[int] = mapped_column(primary_key=True)
    shot: Mapped[str] = mapped_column(index=True)
    lever: Mapped[str]  # dotted path in the shot file
    value: Mapped[Any]
    was: Mapped[Any]
    text: Mapped[str] = mapped_column(default="")
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(default=now)
    state: Mapped[str] = mapped_column(default="open")
    applied_by: Mapped[str | None]  # the artist's name on their own machine
    applied_at: Mapped[datetime | None]


class AuditEntry(Table):
    """One thing that was done; hash covers it and the hash before it (people/audit.py)."""

    __tablename__ = "audit"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    who: Mapped[str]
    what: Mapped[str]
    detail: Mapped[Any]
    previous_hash: Mapped[str]
    hash: Mapped[str]


class Webhook(Table):
    """An address that is told of decisions. events: names, comma-separated; empty: all."""

    __tablename__ = "webhooks"

    id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str]
    secret: Mapped[str]
    events: Mapped[str] = mapped_column(default="")
    allow_private: Mapped[bool] = mapped_column(default=False)
    disabled: Mapped[bool] = mapped_column(default=False)


class WebhookCall(Table):
    """One telling that must arrive. state: waiting, done or failed."""

    __tablename__ = "webhook_calls"

    id: Mapped[int] = mapped_column(primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    event: Mapped[str]
    body: Mapped[str]
    state: Mapped[str] = mapped_column(default="waiting")
    tries: Mapped[int] = mapped_column(default=0)
    next_try: Mapped[datetime] = mapped_column(default=now)
    last_error: Mapped[str] = mapped_column(default="")

    __table_args__ = (Index(None, "state", "next_try"),)
