"""Posts and requests to join that wait for a person, and those that no longer do. The state changes
once."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, and_, case, func, insert, or_, select, update

from listserv.domain.address import Address
from listserv.domain.authorship import Authorship
from listserv.domain.decision import Reason
from listserv.domain.errors import ListservError
from listserv.domain.members import Delivery, JoinRequest
from listserv.store.authorship_json import read_authorship
from listserv.store.session import Tx
from listserv.store.tables import HeldRow, ListRow, PostRow


class HeldState(StrEnum):
    """`discarded` is a person's decision or, with nobody's name, a rule's; `expired` when nobody
    decided in time; `withdrawn` by its author."""

    HELD = "held"
    APPROVED = "approved"
    REJECTED = "rejected"
    DISCARDED = "discarded"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


# Who decided when a posting rule did.
BY_RULE = "a posting rule"
# Why a request waits.
ASKS_TO_JOIN = Reason("join", "asks to join")


@dataclass(frozen=True, slots=True)
class Held:
    """A held post as `listserv held show` tells it, or a `request` to join: then `post_id` is 0,
    `author` the applicant, and the rest of a post is empty. `member_id` is the member who wrote the
    post, None for a stranger. `due` is when moderators see a post that waits for its own author
    first, None when they do at once."""

    id: int
    list_id: int
    list_address: str
    post_id: int
    author: str
    subject: str
    size: int
    reasons: tuple[Reason, ...]
    since: datetime
    state: HeldState
    decided_by: str
    decided: datetime | None
    note: str
    authorship: Authorship
    due: datetime | None
    request: JoinRequest | None
    step: int
    member_id: int | None

    @property
    def called(self) -> str:
        """As its number is introduced: "held post 5"."""
        return f"{'held post' if self.request is None else 'request'} {self.id}"


def add(tx: Tx, *, list_id: int, post_id: int, state: HeldState, by: str, now: datetime) -> int:
    """Store that a post waits, or that a rule discarded it and it is kept for a while."""
    return tx.execute(
        insert(HeldRow)
        .values(
            list_id=list_id,
            post_id=post_id,
            state=state,
            since=now,
            decided=None if state is HeldState.HELD else now,
            decided_by=by,
            note="",
            due=None,
            next=now if state is HeldState.HELD else None,
        )
        .returning(HeldRow.id)
    ).scalar_one()


def add_request(tx: Tx, *, list_id: int, request: JoinRequest, now: datetime) -> int:
    """Store that somebody asks to join; the caller holds the list's lock and has seen to it that
    they do not ask already."""
    return tx.execute(
        insert(HeldRow)
        .values(
            list_id=list_id,
            state=HeldState.HELD,
            since=now,
            decided_by="",
            note="",
            next=now,
            request=_write_request(request),
        )
        .returning(HeldRow.id)
    ).scalar_one()


def open_request(tx: Tx, list_id: int, address_key: str) -> Held | None:
    """The request of an address that waits; there is one at most."""
    query = _SELECT.where(
        HeldRow.list_id == list_id,
        HeldRow.state == HeldState.HELD,
        HeldRow.post_id.is_(None),
        HeldRow.request["key"].as_string() == address_key,
    )
    row = tx.execute(query).first()
    return None if row is None else _held(row)


def wait_until(tx: Tx, held_id: int, due: datetime | None) -> None:
    """Moderators see the post from `due` on; None: at once, those who have not seen it yet."""
    at_once = case((HeldRow.step == 0, HeldRow.since), else_=HeldRow.next)
    tx.execute(
        update(HeldRow)
        .where(HeldRow.id == held_id)
        .values(due=due, next=at_once if due is None else due)
    )


def next_due(tx: Tx, now: datetime, after: int = 0) -> int | None:
    """What is held and for whose decision something is to be done by now: the lowest number above
    `after`."""
    query = select(HeldRow.id).where(
        HeldRow.next <= now, HeldRow.state == HeldState.HELD, HeldRow.id > after
    )
    return tx.execute(query.order_by(HeldRow.id).limit(1)).scalar_one_or_none()


def first_list(tx: Tx, after: int = 0) -> int | None:
    """The first list, by number above `after`, that holds anything, or where something has expired
    that its moderators have not heard of."""
    waits = or_(HeldRow.state == HeldState.HELD, _UNTOLD)
    query = select(func.min(HeldRow.list_id)).where(waits, HeldRow.list_id > after)
    return tx.execute(query).scalar_one()


def expire(tx: Tx, held_id: int, by: str, note: str, now: datetime) -> Held:
    """Decide that nobody has decided; moderators are to hear of it. Raises ListservError when
    somebody has."""
    expired = decide(tx, held_id, HeldState.EXPIRED, by, note, now)
    put_off(tx, held_id, now)
    return expired


def tell_expired(tx: Tx, list_id: int) -> int:
    """How many have expired in a list that were not told of; they count as told now."""
    mine = HeldRow.list_id == list_id, _UNTOLD
    return tx.execute(update(HeldRow).where(*mine).values(next=None)).rowcount


_UNTOLD = and_(HeldRow.state == HeldState.EXPIRED, HeldRow.next.is_not(None))


def unasked(tx: Tx, list_id: int, now: datetime) -> int:
    """How many posts a list holds about which nobody was asked yet, not even their authors."""
    query = select(func.count()).where(
        HeldRow.state == HeldState.HELD,
        HeldRow.list_id == list_id,
        HeldRow.post_id.is_not(None),
        HeldRow.step == 0,
        or_(HeldRow.due.is_(None), HeldRow.due <= now),
    )
    return tx.execute(query).scalar_one()


def take_step(tx: Tx, held_id: int, before: int, step: int, due: datetime) -> bool:
    """before → step, once, of what is held; `due` is when the next one is."""
    return bool(
        tx.execute(
            update(HeldRow)
            .where(HeldRow.id == held_id, HeldRow.step == before, HeldRow.state == HeldState.HELD)
            .values(step=step, next=due)
        ).rowcount
    )


def put_off(tx: Tx, held_id: int, due: datetime) -> None:
    """Nothing more is done to have it decided until then."""
    tx.execute(update(HeldRow).where(HeldRow.id == held_id).values(next=due))


def waiting(tx: Tx, held_id: int) -> Held:
    """What is held, and nobody else decides about it before this transaction ends. Raises
    ListservError naming who has decided, and when."""
    held = HeldRow.id == held_id, HeldRow.state == HeldState.HELD
    found = tx.execute(update(HeldRow).where(*held).values(state=HeldState.HELD)).rowcount
    one = get(tx, held_id)
    if not found:
        raise decided_before(one)
    return one


def decide(tx: Tx, held_id: int, state: HeldState, by: str, note: str, now: datetime) -> Held:
    """Decide once: one statement moves `held` to `state`. Raises ListservError naming who decided
    before, and when."""
    changed = tx.execute(
        update(HeldRow)
        .where(HeldRow.id == held_id, HeldRow.state == HeldState.HELD)
        .values(state=state, decided=now, decided_by=by, note=note, next=None)
    ).rowcount
    after = get(tx, held_id)
    if not changed:
        raise decided_before(after)
    return after


def decided_before(one: Held) -> ListservError:
    """Who decided, and when."""
    return ListservError(
        f"{one.called} was {one.state} by {one.decided_by}"
        f" at {one.decided:%Y-%m-%d %H:%M} UTC; nothing changed"
    )


def get(tx: Tx, held_id: int) -> Held:
    """One held post or request, whatever became of it."""
    found = find(tx, held_id)
    if found is None:
        raise ListservError(f"there is no held post {held_id}; see `listserv held ls`")
    return found


def find(tx: Tx, held_id: int) -> Held | None:
    """The same, None when there is none or it is forgotten."""
    row = tx.execute(_SELECT.where(HeldRow.id == held_id)).one_or_none()
    return None if row is None else _held(row)


def of_member(tx: Tx, list_id: int, member_id: int) -> list[Held]:
    """The posts of one member, from whatever address, that a list holds, in the order they came."""
    query = _SELECT.where(
        HeldRow.state == HeldState.HELD,
        HeldRow.list_id == list_id,
        PostRow.member_id == member_id,
    )
    return [_held(row) for row in tx.execute(query.order_by(HeldRow.id))]


def ls(tx: Tx, list_id: int | None = None, state: str = HeldState.HELD) -> list[Held]:
    """Held posts and requests in the order they came; of one list or of all."""
    query = _SELECT.where(HeldRow.state == state).order_by(HeldRow.id)
    if list_id is not None:
        query = query.where(HeldRow.list_id == list_id)
    return [_held(row) for row in tx.execute(query)]


_SELECT = (
    select(
        HeldRow.id, HeldRow.list_id, ListRow.name, ListRow.domain, HeldRow.post_id,
        PostRow.author, PostRow.subject, PostRow.size, PostRow.reasons, HeldRow.since,
        HeldRow.state, HeldRow.decided_by, HeldRow.decided, HeldRow.note, PostRow.authorship,
        HeldRow.due, HeldRow.request, HeldRow.step, PostRow.member_id,
    )
    .outerjoin_from(HeldRow, PostRow, PostRow.id == HeldRow.post_id)
    .join(ListRow, ListRow.id == HeldRow.list_id)
)  # fmt: skip


def _held(row: Row[*tuple[Any, ...]]) -> Held:
    request = None if row.post_id else _read_request(row.request)
    reasons = tuple(Reason(*pair) for pair in row.reasons or ())
    return Held(
        id=row.id,
        list_id=row.list_id,
        list_address=f"{row.name}@{row.domain}",
        post_id=row.post_id or 0,
        author=str(request.address) if request else row.author,
        subject=row.subject or "",
        size=row.size or 0,
        reasons=(ASKS_TO_JOIN,) if request else reasons,
        since=row.since,
        state=HeldState(row.state),
        decided_by=row.decided_by,
        decided=row.decided,
        note=row.note,
        authorship=read_authorship(row.authorship),
        due=row.due,
        request=request,
        step=row.step,
        member_id=row.member_id,
    )


def _write_request(request: JoinRequest) -> dict[str, Any]:
    return {
        "key": request.address.key,
        "address": str(request.address),
        "name": request.name,
        "delivery": request.delivery,
        "words": request.words,
        "began": request.began,
        "language": request.language,
        "settings": dict(request.settings),
    }


def _read_request(stored: dict[str, Any]) -> JoinRequest:
    local, _, domain = stored["address"].rpartition("@")
    return JoinRequest(
        address=Address(local, domain),
        name=stored["name"],
        delivery=Delivery(stored["delivery"]),
        words=stored["words"],
        began=stored["began"],
        language=stored["language"],
        # A request that an earlier version kept has nothing but this one.
        settings=stored.get("settings", {"conceal": "yes"} if stored.get("conceal") else {}),
    )
