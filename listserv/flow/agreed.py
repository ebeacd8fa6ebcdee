"""Somebody has answered a question of flow/asking.py with yes: their commands act."""

from datetime import datetime

from listserv.domain.address import parse_address
from listserv.flow import answering, perform
from listserv.flow.asking import Asked, wanted
from listserv.flow.notices import language_for
from listserv.flow.question import origin_of
from listserv.flow.site import Site
from listserv.flow.wish import Writer
from listserv.store.confirmations import Confirmation
from listserv.store.session import Tx


def confirmed(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    """Do what was asked about, in the name of the address that said yes, and answer it."""
    address = parse_address(asked.address)
    if address is None:
        return
    about = Asked(**asked.data)
    began = f"{about.began}, confirmed by {address} on {now:%Y-%m-%d %H:%M} UTC"
    origin = origin_of(tx, asked)
    language = language_for(tx, origin, address)
    writer = Writer(
        address, about.domain, began, about.words, confirmed=True, language=language,
        zone=about.zone,
    )  # fmt: skip
    told = perform.all_of(tx, site, wanted(tx, site, asked, now), writer, now)
    answering.answer(tx, site, origin, address, told, now, language=language)
