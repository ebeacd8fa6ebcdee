"""What digests show of a post, kept from its acceptance on until no digest needs it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import bindparam, exists, insert, or_, select

from listserv.domain.members import Delivery, MemberState
from listserv.mail.rendering import Attachment, Rendering
from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.tables import MemberRow, RenderingRow

# So many ids stand in one IN: SQLite allows 32,766 variables.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """What digests show of a post; `author` is the name to show."""

    author: str
    rendering: Rendering


def wanted(tx: Tx, list_id: int) -> bool:
    """Whether somebody reads the list's digests, or may want one when their break ends."""
    return bool(_WANTED.run(tx, on=list_id).fetchone()[0])


_HERE = MemberRow.list_id == bindparam("on"), MemberRow.state == MemberState.ACTIVE
_WANTED = Quick(
    select(
        or_(
            exists().where(*_HERE, MemberRow.delivery == Delivery.DIGEST),
            exists().where(*_HERE, MemberRow.until.is_not(None)),
        )
    )
)


def keep(tx: Tx, post_id: int, kept: Kept) -> None:
    """Keep what digests show of a post."""
    rest = asdict(kept.rendering)
    text = rest.pop("text")
    rest["author"] = kept.author
    tx.execute(insert(RenderingRow).values(post_id=post_id, text=text, rest=rest))


def of_posts(tx: Tx, posts: Sequence[int]) -> dict[int, Kept]:
    """Of those of these posts that have one, by the post's id."""
    found: dict[int, Kept] = {}
    for at in range(0, len(posts), _AT_ONCE):
        ids = RenderingRow.post_id.in_(posts[at : at + _AT_ONCE])
        query = select(RenderingRow.post_id, RenderingRow.text, RenderingRow.rest).where(ids)
        found |= {row.post_id: _read(row.text, row.rest) for row in tx.execute(query)}
    return found


def _read(text: str, rest: Mapping[str, Any]) -> Kept:
    rendering = Rendering(
        text=text,
        attachments=tuple(Attachment(**one) for one in rest["attachments"]),
        notes=tuple(rest["notes"]),
        parents=tuple(rest["parents"]),
        named=tuple(rest["named"]),
    )
    return Kept(rest["author"], rendering)
