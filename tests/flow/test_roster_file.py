"""Files to import: every shape that people send, and every bad line named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.flow.roster_file import Roster, read_roster

ANN_BOB = {"ann@x.test": (None, None, None), "bob@x.test": (None, None, None)}
WITH_NAMES = {"ann@x.test": ("Ann", "digest", "owner"), "bob@x.test": (None, None, None)}

GOOD = {
    "one address a line": (b"ann@x.test\nbob@x.test\n", ANN_BOB),
    "no last line end": (b"ann@x.test\nbob@x.test", ANN_BOB),
    "blank lines and blanks": (b"\n  ann@x.test \n\n\tbob@x.test\n\n", ANN_BOB),
    "CR LF": (b"ann@x.test\r\nbob@x.test\r\n", ANN_BOB),
    "CR": (b"ann@x.test\rbob@x.test\r", ANN_BOB),
    "a byte order mark": (b"\xef\xbb\xbfann@x.test\nbob@x.test\n", ANN_BOB),
    "a header alone": (b"address\nann@x.test\nbob@x.test\n", ANN_BOB),
    "a header after a byte order mark": (
        b"\xef\xbb\xbfaddress\r\nann@x.test\r\nbob@x.test\r\n", ANN_BOB,
    ),
    "a header after a blank line": (b"\naddress\nann@x.test\nbob@x.test\n", ANN_BOB),
    "all columns": (
        b"address,name,delivery,role\nann@x.test,Ann,digest,owner\nbob@x.test,,,\n", WITH_NAMES,
    ),
    "in any order and case, quoted": (
        b'"Role", NAME , "Address",Delivery\nOwner, "Ann",ann@x.test,DIGEST\n,,bob@x.test\n',
        WITH_NAMES,
    ),
    "short rows": (
        b"address,name,delivery,role\nann@x.test,Ann,digest,owner\nbob@x.test\n", WITH_NAMES,
    ),
    "a name with a comma, a quote and more than ASCII": (
        'address,name\nann@x.test,"Söder, ""Ännchen"" 💌"\n'.encode(),
        {"ann@x.test": ('Söder, "Ännchen" 💌', None, None)},
    ),
    "an address with more than ASCII": (
        "address\nsöder@exämple.test\n".encode(),
        {"söder@xn--exmple-cua.test": (None, None, None)},
    ),
    "nobody": (b"", {}),
    "a header and nobody": (b"address,name\n", {}),
}  # fmt: skip


def _plain(roster: Roster) -> dict[str, tuple[str | None, str | None, str | None]]:
    return {str(r.address): (r.name, r.delivery, r.role) for r in roster.rows.values()}


@pytest.mark.parametrize(("data", "expected"), GOOD.values(), ids=GOOD)
def test_a_good_file(
    data: bytes, expected: dict[str, tuple[str | None, str | None, str | None]]
) -> None:
    roster = read_roster(data)
    assert roster.bad == []
    assert _plain(roster) == expected


BAD = {
    "two bad addresses": (b"ann@x.test\nbob\n\nc@@x.test\n", [(2, "bob"), (4, "c@@x.test")]),
    "CSV without a header": (b"ann@x.test,Ann\n", [(1, "ann@x.test,Ann")]),
    "semicolons": (b"address;name\nann@x.test;Ann\n", [(1, "address;name"), (2, "ann@x.test;Ann")]),
    "an unknown column": (b"address,phone\nann@x.test,1\n", [(1, "'phone' is not a column")]),
    "a column twice": (b"address,name,Name\nann@x.test,,\n", [(1, "name is there twice")]),
    "too many fields": (b"address,name\nann@x.test,Ann,owner\n", [(2, "has 3 fields")]),
    "no address": (b"address,name\n,Ann\n", [(2, "must have an @-sign")]),
    "a wrong delivery": (b"address,delivery\nann@x.test,weekly\n", [(2, "delivery='weekly'")]),
    "a wrong role": (b"address,role\nann@x.test,boss\n", [(2, "role='boss'")]),
    "a wrong hour": (b"address,digest_hour\nann@x.test,25\n", [(2, "digest_hour='25'")]),
    "no such zone": (b"address,timezone\nann@x.test,EST\n", [(2, "such as Europe/Berlin")]),
    "the same person at another hour": (
        b"address,digest_hour\nann@x.test,7\nann@x.test,8\n", [(3, "differently in line 2")],
    ),
    "control characters in a name": (b"address,name\nann@x.test,A\x1b[2J\n", [(2, "name=")]),
    "a line end in a name": (b'address,name\nann@x.test,"A\nB"\n', [(3, "name=")]),
    "an open quote": (b'address,name\nann@x.test,"A\n', [(2, "unexpected end of data")]),
    "a NUL": (b"address\nann\x00@x.test\n", [(2, "U+0000")]),
    "Latin-1": (b"ann@x.test\ns\xf6der@x.test\n", [(2, "is not text in UTF-8")]),
    "UTF-16": ("ann@x.test\n".encode("utf-16"), [(1, "is not text in UTF-8")]),
    "the same person, said differently": (
        b"address,delivery\nann@x.test,mail\nANN@X.test,digest\n", [(3, "differently in line 2")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), BAD.values(), ids=BAD)
def test_every_bad_line_is_named(data: bytes, expected: list[tuple[int, str]]) -> None:
    bad = read_roster(data).bad
    assert [line for line, _ in bad] == [line for line, _ in expected]
    for (_, why), (_, part) in zip(bad, expected, strict=True):
        assert part in why


def test_what_a_file_says_of_the_digest_is_read_as_a_setting() -> None:
    head = b"address,format,digest_hour,digest_days,timezone\n"
    roster = read_roster(head + b'ann@x.test,text,7 pm,"Thu, Mon",berlin\nbob@x.test,,,,\n')
    assert [row.settings for row in roster.rows.values()] == [
        {"format": "text", "digest_hour": "19", "digest_days": "mon,thu",
         "timezone": "Europe/Berlin"}, {},
    ]  # fmt: skip


def test_somebody_named_twice_in_the_same_words_counts_once() -> None:
    roster = read_roster(b"address,name\nann@x.test,Ann\nAnn@X.test,Ann\nbob@x.test,\n")
    assert (list(roster.rows), roster.repeated, roster.bad) == (["ann@x.test", "bob@x.test"], 1, [])


def test_progress_is_told_in_thousands() -> None:
    told: list[int] = []
    read_roster(b"".join(b"m%d@x.test\n" % n for n in range(2500)), told.append)
    assert told == [1000, 2000]


@given(st.binary(max_size=300) | st.text(alphabet='address,nm"\n\r @.\x00ö', max_size=80))
def test_any_file_is_read(data: bytes | str) -> None:
    roster = read_roster(data.encode() if isinstance(data, str) else data)
    assert all(line >= 1 and why for line, why in roster.bad)
    assert all(key == row.address.key for key, row in roster.rows.items())
