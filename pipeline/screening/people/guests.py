"""Guests: a link to one playlist, until it expires or is taken back."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pipeline.errors import ReviewRefused
from pipeline.screening.people import audit
from pipeline.screening.people.roles import Person
from pipeline.screening.people.tokens import new_token, token_hash
from pipeline.screening.records import GuestLink, Playlist, PlaylistItem, SessionRow, now


def make_playlist(session: Session, person: Person, name: str, items: list[tuple[str, int]]) -> int:
    """A playlist of (shot, version), in this order; its id."""
    playlist = Playlist(name=name, created_by=person.id)
    session.add(playlist)
    session.flush()
    for position, (shot, version) in enumerate(items):
        session.add(PlaylistItem(playlist_id=playlist.id, position=position, shot=shot, version=version))
    audit.record(session, person.who, "make playlist", playlist=playlist.id, name=name, items=len(items))
    return playlist.id


def make_link(
    session: Session, person: Person, playlist_id: int, label: str, days: int, commenting: bool
) -> tuple[int, str]:
    """A guest link: its id and the token, which is shown this once. Raises ReviewRefused."""
    if session.get(Playlist, playlist_id) is None:
        raise ReviewRefused(f"playlist {playlist_id}: there is none.")
    token = new_token()
    link = GuestLink(
        token_hash=token_hash(token),
        playlist_id=playlist_id,
        label=label,
        commenting=commenting,
        expires=now() + timedelta(days=days),
        created_by=person.id,
    )
    session.add(link)
    session.flush()
    audit.record(session, person.who, "make guest link", link=link.id, label=label, playlist=playlist_id, days=days)
    return link.id, token


def revoke(session: Session, person: Person, link_id: int) -> None:
    """Take a link back; whoever came in by it is out at once. Raises ReviewRefused."""
    link = session.get(GuestLink, link_id)
    if link is None:
        raise ReviewRefused(f"guest link {link_id}: there is none.")
    link.revoked = True
    session.execute(delete(SessionRow).where(SessionRow.guest_id == link_id))
    audit.record(session, person.who, "revoke guest link", link=link_id, label=link.label)


def by_token(session: Session, token: str) -> GuestLink:
    """The link of a token. Raises ReviewRefused when it does not work (any more)."""
    link = session.scalar(select(GuestLink).where(GuestLink.token_hash == token_hash(token)))
    if link is None or link.revoked or link.expires <= now():
        raise ReviewRefused("this link does not work, or not any more. Ask whoever sent it for a new one.")
    return link
