"""Addresses that an operator types or imports: stricter than mail, where everything is possible
that RFC 5321 allows."""

from collections.abc import Callable, Collection

from listserv.domain.address import Address, list_in, parse_address, read_local
from listserv.domain.errors import ListservError
from listserv.store import lists
from listserv.store.session import Tx


def new_address(text: str) -> Address:
    """The address of somebody who is to get mail. Raises ListservError with what is wrong."""
    # Only here: it compiles its grammars, and most commands read no new address.
    from email_validator import EmailNotValidError, validate_email

    try:
        # test_environment: .test is a domain like others. Nothing asks the DNS.
        found = validate_email(
            text, check_deliverability=False, allow_quoted_local=True, test_environment=True
        )
    except EmailNotValidError as wrong:
        raise ListservError(f"{_shown(text)}: {wrong}") from None
    # Its ASCII domain follows IDNA 2008, which parse_address does not.
    address = parse_address(f"{found.local_part}@{found.ascii_domain}")
    if address is None:
        raise ListservError(f"{_shown(text)}: The part before the @-sign is not valid.")
    return address


def known_address(text: str) -> Address:
    """The address of somebody who may be known: also one that could not be added today."""
    try:
        return new_address(text)
    except ListservError:
        address = parse_address(text)
        if address is None:
            raise
        return address


def ban_pattern(text: str) -> str:
    """An address key, or @domain for everybody there."""
    if not text.startswith("@"):
        return known_address(text).key
    return f"@{known_address(f'anybody{text}').domain}"


def ours(tx: Tx, domains: Collection[str]) -> Callable[[Address], bool]:
    """A test whether an address belongs to one of our lists or to the program: as a member it
    would make a loop."""
    names = lists.names(tx)

    def is_ours(address: Address) -> bool:
        if address.domain not in domains:
            return False

        def is_list(name: str) -> bool:
            return (name, address.domain) in names

        meant = read_local(address.local, is_list)
        return meant is not None or list_in(address.local, is_list) is not None

    return is_ours


def _shown(text: str) -> str:
    return text if text.isprintable() and len(text) <= 100 else ascii(text[:100])
