"""Roles, what each may do, and the person who asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.errors import ReviewForbidden


class Role(StrEnum):
    """What someone is on the show. GUEST: holds a link to one playlist, has no account."""

    ARTIST = "artist"
    SUPERVISOR = "supervisor"
    CLIENT = "client"
    ADMIN = "admin"
    GUEST = "guest"


A, S, C, X, G = Role.ARTIST, Role.SUPERVISOR, Role.CLIENT, Role.ADMIN, Role.GUEST
# action: who may. An action that is not here may nobody.
ACTIONS: dict[str, frozenset[Role]] = {
    "look": frozenset({A, S, C, X, G}),
    "note": frozenset({A, S, C, X, G}),  # a guest only where the link allows it
    "pick": frozenset({S, X}),
    "request": frozenset({S, X}),
    "approve": frozenset({S, C, X}),
    "request_changes": frozenset({S, C, X}),
    "deliver": frozenset({A, S, X}),
    "guests": frozenset({S, X}),  # playlists and their links
    "people": frozenset({X}),
    "webhooks": frozenset({X}),
    "audit": frozenset({X}),
    "self": frozenset({A, S, C, X, G}),  # one's own session
    "account": frozenset({A, S, C, X}),  # one's own password
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: a user or a guest.

    id: of the user, or of the guest's link. playlist: (shot, version) that a guest may see; users see everything.
    session: its row's id; csrf: what a write must bring along.
    """

    id: int
    name: str
    role: Role
    session: str
    csrf: str
    playlist: frozenset[tuple[str, int]] = field(default=frozenset())
    commenting: bool = True

    @property
    def guest(self) -> bool:
        return self.role is Role.GUEST

    @property
    def who(self) -> str:
        """How the audit names them."""
        return f"guest {self.id}: {self.name}" if self.guest else self.name

    @property
    def author_id(self) -> int | None:
        """The user's id, for records that know users and guests."""
        return None if self.guest else self.id

    @property
    def guest_id(self) -> int | None:
        """The guest link's id, for records that know users and guests."""
        return self.id if self.guest else None

    def may(self, action: str) -> bool:
        """Whether this person's role allows an action."""
        if self.guest and action == "note" and not self.commenting:
            return False
        return self.role in ACTIONS.get(action, frozenset())

    def sees(self, shot: str, version: int | None = None) -> bool:
        """Whether a shot, or one version of it, may be shown to this person."""
        if not self.guest:
            return True
        if version is None:
            return any(name == shot for name, _ in self.playlist)
        return (shot, version) in self.playlist

    def must_see(self, shot: str, version: int | None = None) -> None:
        """Raise ReviewForbidden unless the shot, or that version, may be shown to this person."""
        if not self.sees(shot, version):
            raise ReviewForbidden(f"{shot}: is not in the playlist that this link was made for.")
