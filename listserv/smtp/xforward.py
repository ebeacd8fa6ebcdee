"""XFORWARD, by which an MTA in front tells who its client is (Postfix's XFORWARD_README)."""

import re
from collections.abc import Mapping

from listserv.domain.address import ascii_lower
from listserv.domain.network import read_ip
from listserv.domain.post import Client
from listserv.domain.replies import Reply
from listserv.smtp.replies import SYNTAX

ATTRIBUTES = ("NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE")

_ATTRIBUTE = re.compile(r"([A-Za-z]+)=([!-~]{1,255})")
# RFC 3461 section 4.
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+")
_HEX = re.compile(r"\+([0-9A-F]{2})")
# After decoding: no control character, white space or what is special in a header.
_VALUE = re.compile(r"[!#-'*+./0-9:=?A-Z^_`a-z{|}~\[\]-]+")
_NOT_KNOWN = {"[unavailable]", "[tempunavail]"}

Forwarded = Mapping[str, str]


def read_xforward(argument: str, before: Forwarded) -> Forwarded | Reply:
    """`before` overwritten by what `argument` says, "" for what is not available. All or
    nothing: a Reply is the refusal."""
    words = argument.split(" ")
    told = dict(before)
    for word in words:
        attribute = _ATTRIBUTE.fullmatch(word)
        if attribute is None or attribute[1].upper() not in ATTRIBUTES:
            return SYNTAX
        value = _read_value(attribute[1].upper(), attribute[2])
        if value is None:
            return SYNTAX
        told[attribute[1].upper()] = value
    return told


def _read_value(name: str, text: str) -> str | None:
    if not _XTEXT.fullmatch(text):
        return None
    value = _HEX.sub(lambda octet: chr(int(octet[1], 16)), text)
    if ascii_lower(value) in _NOT_KNOWN:
        return ""
    if not _VALUE.fullmatch(value):
        return None
    if name == "ADDR":
        prefix = value[:5].upper() == "IPV6:"
        address = read_ip(value[5:] if prefix else value)
        return None if address is None else str(address)
    if name == "PORT" and not re.fullmatch("[0-9]{1,5}", value):
        return None
    return value


def real_client(peer: Client, told: Forwarded) -> Client:
    """Who the mail comes from. Without an address it is the MTA's own mail; what our peer says of
    itself and what it says of its client are never mixed."""
    if not told.get("ADDR"):
        return peer
    return Client(told["ADDR"], told.get("HELO", ""), peer.trusted)
