"""What one recipient's copy has for itself."""

from collections.abc import Sequence

import pytest

from listserv.domain.address import MAX_LIST_NAME, MAX_LOCAL, MAX_TOKEN, Role, read_local
from listserv.domain.tokens import CopyToken, Purpose, read_copy_token, read_web_token
from listserv.mail.personal import leave_page, personal_form, personal_values
from tests.mail.building import a_list, a_post, copy_of, values

SECRET = bytes(range(32))


def made(members: Sequence[int], mailing: int, url: str = "", name: str = "support") -> list[bytes]:
    """Each member's own fields."""
    form = personal_form(a_list(name), url)
    return [form.sent(v) for v in personal_values(SECRET, members, mailing, pages=bool(url))]


def test_list_unsubscribe_leads_to_this_members_own_leave_address() -> None:
    (uri,) = values(made([7], 12)[0], "List-Unsubscribe")
    local, _, domain = uri.removeprefix("<mailto:").removesuffix(">").partition("@")
    assert domain == "lists.example.org"
    recipient = read_local(local, {"support"}.__contains__)
    assert recipient is not None
    assert (recipient.role, recipient.name) == (Role.LEAVE_TOKEN, "support")
    assert read_copy_token(SECRET, Purpose.LEAVE, recipient.argument) == CopyToken(7, 12)
    assert read_copy_token(SECRET, Purpose.BOUNCES, recipient.argument) is None


URLS = ("https://lists.example.org", "http://[::1]:8026", "https://x.example/" + "a" * 180)


@pytest.mark.parametrize("url", URLS)
def test_with_a_url_it_leads_to_this_members_own_page_first(url: str) -> None:
    people = (7, 8, 2**36 - 1)
    for line, member in zip(made(people, 12, url), people, strict=True):
        page, mailto = values(line, "List-Unsubscribe")[0].split(", ")
        token = page.removeprefix(f"<{url}/u/").removesuffix(">")
        assert read_web_token(SECRET, token) == CopyToken(member, 12)
        assert page == f"<{leave_page(url, token)}>"
        (alone,) = made([member], 12)
        assert values(alone, "List-Unsubscribe") == [mailto]
        assert max(map(len, line.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("name", ["0" * MAX_TOKEN, "a" * MAX_TOKEN, "0" * MAX_LIST_NAME, "u"])
def test_a_name_that_looks_like_a_token_is_none(name: str) -> None:
    """Symptom: a list called 000000000000000000000000 sends nothing."""
    for url in ("", f"https://x.example/{name}", "https://x.example/" + "0" * 32):
        (line,) = made([7], 12, url, name)
        assert f"<mailto:{name}-leave+" in values(line, "List-Unsubscribe")[0]


def test_it_takes_the_place_of_the_lists_own() -> None:
    copy = copy_of(a_post("List-Unsubscribe: <mailto:other@example.net>"))
    assert values(copy.unsubscribe, "List-Unsubscribe") == [
        "<mailto:support-leave@lists.example.org>"
    ]
    assert values(copy.head, "List-Unsubscribe") == values(copy.unsubscribe, "List-Unsubscribe")
    assert values(copy.shared, "List-Unsubscribe") == []


def test_the_longest_address_fits_the_envelope() -> None:
    (line,) = made([2**36 - 1], 2**20 - 1, name="x" * MAX_LIST_NAME)
    local = line.partition(b"<mailto:")[2].partition(b"@")[0]
    assert len(local) <= MAX_LOCAL
