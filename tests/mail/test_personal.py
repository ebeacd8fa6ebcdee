"""What one recipient's copy has for itself."""

from listserv.domain.address import MAX_LIST_NAME, MAX_LOCAL, Role, read_local
from listserv.domain.tokens import CopyToken, Purpose, read_copy_token
from listserv.mail.personal import PERSONAL, personal_fields
from tests.mail.building import a_list, a_post, copy_of, fields_of, values

SECRET = bytes(range(32))


def test_list_unsubscribe_leads_to_this_members_own_leave_address() -> None:
    (uri,) = values(personal_fields(a_list(), SECRET, [7], 12)[0], "List-Unsubscribe")
    local, _, domain = uri.removeprefix("<mailto:").removesuffix(">").partition("@")
    assert domain == "lists.example.org"
    recipient = read_local(local, {"support"}.__contains__)
    assert recipient is not None
    assert (recipient.role, recipient.name) == (Role.LEAVE_TOKEN, "support")
    assert read_copy_token(SECRET, Purpose.LEAVE, recipient.argument) == CopyToken(7, 12)
    assert read_copy_token(SECRET, Purpose.BOUNCES, recipient.argument) is None


def test_its_fields_are_those_that_are_announced() -> None:
    fields = fields_of(personal_fields(a_list(), SECRET, [7], 12)[0])
    assert [name for name, _ in fields] == [name.lower() for name in PERSONAL]


def test_it_takes_the_place_of_the_lists_own() -> None:
    copy = copy_of(a_post("List-Unsubscribe: <mailto:other@example.net>"))
    assert values(copy.unsubscribe, "List-Unsubscribe") == [
        "<mailto:support-leave@lists.example.org>"
    ]
    assert values(copy.head, "List-Unsubscribe") == values(copy.unsubscribe, "List-Unsubscribe")
    assert values(copy.shared, "List-Unsubscribe") == []


def test_the_longest_address_fits_the_envelope() -> None:
    line = personal_fields(a_list("x" * MAX_LIST_NAME), SECRET, [2**36 - 1], 2**20 - 1)[0]
    local = line.partition(b"<mailto:")[2].partition(b"@")[0]
    assert len(local) <= MAX_LOCAL
