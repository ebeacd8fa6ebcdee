"""Every address that a list owns: one table, written and read alike, and never too long."""

# ruff: noqa: RUF001 - look-alikes are what is tested

import re
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from listserv.domain.address import (
    DOMAIN_FORMS,
    FORMS,
    MAX_ALIAS,
    MAX_ALIAS_TOKEN,
    MAX_LIST_NAME,
    MAX_LOCAL,
    MAX_TOKEN,
    RESERVED_NAMES,
    RESERVED_SUFFIXES,
    Form,
    ListAddresses,
    Recipient,
    Role,
    is_return_path,
    list_in,
    parse_address,
    read_local,
    robot_address,
    why_not_a_list_name,
)

BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
TOKENS = st.text(BASE32, min_size=1, max_size=MAX_TOKEN)
WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)
NAMES = st.builds(
    lambda first, more: first + "".join(more),
    WORDS,
    st.lists(st.builds("{}{}".format, st.sampled_from("._-"), WORDS), max_size=3),
).filter(lambda name: why_not_a_list_name(name) is None)
ALIASES = (
    st.lists(WORDS, min_size=1, max_size=3).map("-".join).filter(lambda a: len(a) <= MAX_ALIAS)
)
ALIAS_ARGUMENTS = st.builds(
    "{}.{}".format, ALIASES, st.text(BASE32, min_size=1, max_size=MAX_ALIAS_TOKEN)
)


def arguments(form: Form) -> st.SearchStrategy[str]:
    if form.argument is None:
        return st.just("")
    return ALIAS_ARGUMENTS if form.role is Role.ALIAS else TOKENS


def only(*names: str) -> Callable[[str], bool]:
    return frozenset(names).__contains__


def shown(form: Form) -> str:
    return form.suffix or "(bare name)"


@pytest.mark.parametrize("form", FORMS, ids=shown)
@given(name=NAMES, data=st.data())
def test_every_form_of_a_list_address_is_read_as_what_it_is(
    form: Form, name: str, data: st.DataObject
) -> None:
    argument = data.draw(arguments(form))
    local = f"{name}{form.suffix}{argument}"
    assert read_local(local, only(name)) == Recipient(form.role, name, argument)
    assert read_local(local.upper(), only(name)) == Recipient(form.role, name, argument)
    assert list_in(local, only(name)) == name
    assert is_return_path(f"{local}@x.test") == (form.role is Role.BOUNCES)


@pytest.mark.parametrize("role", dict.fromkeys(form.role for form in FORMS))
@given(name=NAMES, data=st.data())
def test_what_a_list_writes_as_its_address_means_that_role(
    role: Role, name: str, data: st.DataObject
) -> None:
    form = next(f for f in FORMS if f.role is role)
    argument = data.draw(arguments(form))
    address = parse_address(ListAddresses(name, "lists.example.org").of(role, argument))
    assert address is not None and address.domain == "lists.example.org"
    assert read_local(address.local, only(name)) == Recipient(role, name, argument)


@pytest.mark.parametrize("form", DOMAIN_FORMS, ids=shown)
@given(data=st.data())
def test_every_address_of_the_domain_is_read_as_what_it_is(form: Form, data: st.DataObject) -> None:
    argument = data.draw(arguments(form))
    address = parse_address(robot_address(form.role, "lists.example.org", argument))
    assert is_return_path(str(address)) == (form.role is Role.ROBOT_BOUNCES)
    assert address is not None
    assert read_local(address.local, only()) == Recipient(form.role, "", argument)


def test_the_addresses_of_a_list_are_fixed() -> None:
    support = ListAddresses("support", "lists.example.org")
    assert support.post == "support@lists.example.org"
    assert support.request == "support-request@lists.example.org"
    assert support.owner == "support-owner@lists.example.org"
    assert support.of(Role.BOUNCES, "abc") == "support-bounces+abc@lists.example.org"
    assert support.of(Role.LEAVE) == "support-leave@lists.example.org"
    assert robot_address(Role.ROBOT, "lists.example.org") == "listserv@lists.example.org"


def longest_argument(form: Form) -> str:
    """The longest that the form understands; one character more is not understood."""
    if form.argument is None:
        return ""
    if form.role is Role.ALIAS:
        longest = f"{'a' * MAX_ALIAS}.{'z' * MAX_ALIAS_TOKEN}"
        assert not form.argument.fullmatch(f"a{longest}")
    else:
        longest = "z" * MAX_TOKEN
    assert form.argument.fullmatch(longest)
    assert not form.argument.fullmatch(f"{longest}z")
    return longest


@pytest.mark.parametrize("form", FORMS, ids=shown)
def test_the_longest_of_every_list_address_has_at_most_64_octets_before_the_at(form: Form) -> None:
    name = "n" * MAX_LIST_NAME
    assert why_not_a_list_name(name) is None and why_not_a_list_name(name + "n") is not None
    assert len(f"{name}{form.suffix}{longest_argument(form)}") <= MAX_LOCAL


@pytest.mark.parametrize("form", DOMAIN_FORMS, ids=shown)
def test_the_longest_of_every_domain_address_has_at_most_64_octets_before_the_at(
    form: Form,
) -> None:
    assert len(f"{form.suffix}{longest_argument(form)}") <= MAX_LOCAL


READ = {
    "an exact name before a suffix": (
        "a-join", ("a", "a-join"), Recipient(Role.POST, "a-join"),
    ),
    "an exact name before an address of the domain": (
        "abuse", ("abuse",), Recipient(Role.POST, "abuse"),
    ),
    "the longer list name": ("a-b-owner", ("a", "a-b"), Recipient(Role.OWNER, "a-b")),
    "the longest suffix": (
        "a+subscribe-digest", ("a",), Recipient(Role.JOIN_DIGEST, "a"),
    ),
    "a suffix with a token before the same without": (
        "a-leave+abc", ("a",), Recipient(Role.LEAVE_TOKEN, "a", "abc"),
    ),
    "a token in capitals": ("A-BOUNCES+ABC", ("a",), Recipient(Role.BOUNCES, "a", "abc")),
    "a member behind an alias": (
        "a+blue-owl.abc", ("a",), Recipient(Role.ALIAS, "a", "blue-owl.abc"),
    ),
}  # fmt: skip

UNREAD = {
    "nothing": "",
    "another list": "b",
    "a suffix alone": "-owner",
    "an unknown suffix": "a-nobody",
    "an unknown sub-address": "a+nobody",
    "a suffix with something behind it": "a-ownerx",
    "two suffixes": "a-owner-request",
    "a token where none belongs": "a-owner+abc",
    "no token where one belongs": "a-bounces+",
    "a suffix that needs its token": "a-bounces",
    "a token of 25 characters": f"a-bounces+{'a' * 25}",
    "a token with a digit that base32 lacks": "a-bounces+abc1",
    "the return path of another program": "a-bounces+ann=example.org",
    "an alias of 13 characters": f"a+{'b' * 13}.abc",
    "an alias without a token": "a+owl.",
    "a percent hack": "a%example.org",
    "a quoted name": '"a"',
    "a name with a space": "a ",
    "the robot with an unknown suffix": "listserv-owner",
    "the robot with no token": "listserv-bounces+",
}


@pytest.mark.parametrize(("local", "lists", "wanted"), READ.values(), ids=READ.keys())
def test_the_exact_list_name_wins_then_the_longest_suffix(
    local: str, lists: tuple[str, ...], wanted: Recipient
) -> None:
    assert read_local(local, only(*lists)) == wanted


@pytest.mark.parametrize("local", UNREAD.values(), ids=UNREAD.keys())
def test_what_is_no_address_of_ours_is_none(local: str) -> None:
    assert read_local(local, only("a")) is None


@pytest.mark.parametrize(
    ("local", "wanted"),
    [
        ("a", "a"),
        ("A-nobody", "a"),
        ("a-bounces+garbage=x", "a"),
        ("a-b+x", "a-b"),
        ("b", None),
        ("ab", None),
        ("", None),
    ],
)
def test_a_bad_sub_address_names_the_list_that_it_pretends(local: str, wanted: str | None) -> None:
    assert list_in(local, only("a", "a-b")) == wanted


@given(st.text(max_size=70))
def test_any_local_part_is_understood_or_none(local: str) -> None:
    recipient = read_local(local, only("a", "a-b"))
    assert recipient is None or recipient.name in {"", "a", "a-b"}


GOOD_NAMES = ["a", "support", "a.b_c-d", "4you", "n" * 30, "join", "x-joint", "request"]
BAD_NAMES = {
    "empty": "", "upper case": "Support", "a space": "my list", "a plus": "a+b", "a slash": "a/b",
    "a way up": "../a", "a percent": "a%2fb", "a hyphen first": "-a", "a dot last": "a.",
    "two dots": "a..b", "a line end": "a\n", "not ASCII": "süd", "31 characters": "n" * 31,
    "other digits": "a١",
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_list_may_be_called(name: str) -> None:
    assert why_not_a_list_name(name) is None


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES.keys())
def test_a_list_may_not_be_called(name: str) -> None:
    assert why_not_a_list_name(name)


@pytest.mark.parametrize("suffix", RESERVED_SUFFIXES)
def test_a_name_that_ends_like_a_lists_own_address_is_refused(suffix: str) -> None:
    assert suffix in str(why_not_a_list_name(f"x{suffix}"))


def test_x_join_is_refused_as_a_list_name() -> None:
    assert why_not_a_list_name("x-join") == "names ending in -join are a list's own addresses"


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_an_address_of_the_program_is_refused_as_a_list_name(name: str) -> None:
    assert name in str(why_not_a_list_name(name))


@given(one=NAMES, other=NAMES, data=st.data())
def test_no_allowed_name_ever_stands_for_another_lists_address(
    one: str, other: str, data: st.DataObject
) -> None:
    assume(one != other)
    form = data.draw(st.sampled_from([f for f in FORMS if f.suffix]))
    local = f"{one}{form.suffix}{data.draw(arguments(form))}"
    assert local != other
    assert read_local(local, only(one, other)) == read_local(local, only(one))


def test_the_first_form_of_a_role_is_the_one_we_write() -> None:
    written = {role: ListAddresses("support", "d").of(role) for role in (f.role for f in FORMS)}
    assert written[Role.JOIN] == "support-join@d"
    assert written[Role.LEAVE] == "support-leave@d"
    assert re.fullmatch(r"support\+@d", written[Role.ALIAS])
