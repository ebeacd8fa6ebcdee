"""Different spellings of one mailbox. Only for authors who are proven: that mail to all of them
ends in one place is known of these providers, and of a +tag (RFC 5233) it is a custom."""

from collections.abc import Mapping

from listserv.domain.address import Address, ascii_lower

# Names of one provider: whoever has a local part at one of them has it at all.
_SAME_DOMAIN: Mapping[str, str] = {
    "googlemail.com": "gmail.com",
    "me.com": "icloud.com",
    "mac.com": "icloud.com",
    "protonmail.com": "proton.me",
    "pm.me": "proton.me",
}
# Where dots in a local part mean nothing.
_WITHOUT_DOTS = frozenset({"gmail.com"})


def mailbox_key(address: Address) -> str:
    """The same for all spellings of a mailbox; an address key in form, never one to send to."""
    domain = _SAME_DOMAIN.get(address.domain, address.domain)
    local = ascii_lower(address.local)
    if local.startswith('"'):
        return f"{local}@{domain}"
    local = local.partition("+")[0] or local
    if domain in _WITHOUT_DOTS:
        local = local.replace(".", "")
    return f"{local}@{domain}"
