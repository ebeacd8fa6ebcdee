"""The return path of one recipient's copy."""

from listserv.domain.address import MAX_LIST_NAME, MAX_LOCAL, Role, read_local
from listserv.domain.tokens import CopyToken, Purpose, read_copy_token
from listserv.mail.verp import return_paths
from tests.mail.building import a_list

SECRET = bytes(range(32))


def test_a_return_path_tells_member_and_mailing_to_us_alone() -> None:
    path = return_paths(a_list(), SECRET, [7], 12)[0]
    local, _, domain = path.partition("@")
    assert domain == "lists.example.org"
    recipient = read_local(local, {"support"}.__contains__)
    assert recipient is not None
    assert (recipient.role, recipient.name) == (Role.BOUNCES, "support")
    token = recipient.argument
    assert read_copy_token(SECRET, Purpose.BOUNCES, token) == CopyToken(7, 12)
    assert read_copy_token(SECRET, Purpose.LEAVE, token) is None
    assert read_copy_token(b"x" * 32, Purpose.BOUNCES, token) is None


def test_each_recipient_of_each_mailing_has_another() -> None:
    paths = {p for n in range(20) for p in return_paths(a_list(), SECRET, range(20), n)}
    assert len(paths) == 400


def test_the_longest_fits_the_envelope() -> None:
    longest = return_paths(a_list("x" * MAX_LIST_NAME), SECRET, [2**36 - 1], 2**20 - 1)[0]
    assert len(longest.partition("@")[0]) <= MAX_LOCAL
