"""What a web server meets that anybody can reach: tricks, floods, and clients that say nothing."""

import logging
import socket
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from listserv.domain.members import Member
from listserv.web.limits import Limits
from tests.web.serving import FORM, ONE_CLICK, Serving

BIG = 10 * 1024 * 1024


def ann_of(serving: Serving) -> Member:
    return serving.world.join(serving.world.found("support", title="Support"), "ann@x.test")


def talk(serving: Serving, *pieces: bytes) -> bytes:
    """Send these octets and read until the server hangs up; "" where it does so without a word. It
    may do so before it has all of them: its answer is here by then."""
    with closing(serving.connect()) as client:
        with suppress(ConnectionError):
            for piece in pieces:
                client.sendall(piece)
        return read_all(client)


def read_all(client: socket.socket) -> bytes:
    read = bytearray()
    with suppress(ConnectionResetError):
        while piece := client.recv(65_536):
            read += piece
    return bytes(read)


def status_of(answer: bytes) -> int:
    return int(answer.split()[1])


def request(target: str, *header: str, method: str = "GET") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: lists.example.org", "Connection: close", *header]
    return "\r\n".join([*lines, "", ""]).encode()


# {} is the path of a page that is there.
PATHS = (
    "/..{}", "/.{}", "/{}", "{}/..", "{}/.", "{}/", "/x/..{}", "/x/%2e%2e{}", "/u/../..{}", "{}%00",
    "{}%0a", "{}%0d%0aX:%20y", "{}/%00", "/%00{}", "/u/%00", "/u/%2e%2e", "/u/%ff%fe", "{};x",
    "{}%20", "%20{}", "\\u{}", "/u\\x", "http://evil.example{}", "/u/" + "a" * 10_000, "/" * 5_000,
    "/u/" + "../" * 3_000, "/u/" + "a" * 15_000, "/etc/passwd", "/.git/config", "/%252e%252e{}",
    "*",
)  # fmt: skip


def test_a_path_that_is_not_exactly_a_page_s_is_nothing(serving: Serving) -> None:
    link = serving.link(ann_of(serving))
    before = serving.dump()
    for path in PATHS:
        target = path.format(link)
        for method in ("GET", "POST"):
            answer = talk(serving, request(target, "Content-Length: 0", method=method))
            assert status_of(answer) == 404, (method, target[:60])
            assert b"Nothing is here" in answer
    assert serving.dump() == before


# Octets that are no request, and what they hear.
NO_REQUESTS = (
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100) + b"\r\n\r\n", 400),
    (b"EHLO there\r\n\r\n", 400),
    (b"\r\n" * 10 + b"\0\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 1_000_000, 400),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nx", 501),
)  # fmt: skip


@pytest.mark.parametrize(("octets", "status"), NO_REQUESTS)
def test_what_is_no_request_is_refused_without_a_line_in_the_log(
    serving: Serving, octets: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    answer = talk(serving, octets)
    assert status_of(answer) in {status, 400}
    assert caplog.records == []


def test_a_body_that_breaks_off_in_the_middle_changes_nothing(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    link = serving.link(ann_of(serving))
    before = serving.dump()
    head = request(link, f"Content-Type: {FORM}", "Transfer-Encoding: chunked", method="POST")
    answer = talk(serving, head, b"18\r\n" + ONE_CLICK + b"\r\nno chunk\r\n")
    assert status_of(answer) == 400
    with closing(serving.connect()) as client:
        client.sendall(request(link, "Content-Length: 1000", method="POST") + ONE_CLICK)
    assert serving.get(link).status == 200
    assert serving.dump() == before
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


def test_what_comes_after_the_answer_and_is_no_body_ends_the_connection(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    head = "POST /nothing HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    with closing(serving.connect()) as client:
        client.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        answer = b""
        while b"</html>" not in answer:
            answer += client.recv(65_536)
        assert status_of(answer) == 404
        client.sendall(b"no chunk\r\n")
        assert read_all(client) == b""
    assert caplog.records == []


def test_ten_megabytes_are_refused_however_they_come(serving: Serving) -> None:
    link, big = serving.link(ann_of(serving)), b"x" * BIG
    part = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n'
    answers = [
        serving.post(link, big),
        serving.post(link, part + big, "multipart/form-data; boundary=b"),
        serving.post("/nothing", big),
    ]
    assert [answer.status for answer in answers] == [413, 413, 404]
    assert "longer than this page takes" in answers[0].text
    head = request(link, f"Content-Type: {FORM}", "Transfer-Encoding: chunked", method="POST")
    chunks = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    assert status_of(talk(serving, head, *[chunks] * (BIG // 65_536), b"0\r\n\r\n")) == 413
    waits = request(link, f"Content-Length: {BIG}", "Expect: 100-continue", method="POST")
    assert status_of(talk(serving, waits)) == 413
    assert serving.post(link, ONE_CLICK).status == 200


@pytest.mark.parametrize("serving", [Limits(body_seconds=0.3)], indirect=True)
def test_a_body_that_does_not_come_is_not_waited_for(serving: Serving) -> None:
    link = serving.link(ann_of(serving))
    before = serving.dump()
    head = request(link, f"Content-Type: {FORM}", "Content-Length: 26", method="POST")
    answer = talk(serving, head, ONE_CLICK[:-1])
    assert status_of(answer) == 408 and b"did not arrive in time" in answer
    assert serving.dump() == before


@pytest.mark.parametrize("serving", [Limits(head_seconds=0.3)], indirect=True)
@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: a\r\nX: "])
def test_a_head_that_does_not_come_is_not_waited_for_even_drop_by_drop(
    serving: Serving, begun: bytes
) -> None:
    assert talk(serving, begun) == b""
    with closing(serving.connect()) as client:
        client.settimeout(0.01)
        client.sendall(begun)
        ended = False
        while not ended:
            with suppress(TimeoutError):
                ended = client.recv(1) == b""
            with suppress(ConnectionError):
                client.sendall(b"x" if begun else b"")


def test_a_connection_takes_one_request_after_the_other(serving: Serving) -> None:
    with closing(serving.connect()) as client:
        for _ in range(3):
            client.sendall(b"HEAD /nothing HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.recv(65_536).startswith(b"HTTP/1.1 404")
        client.sendall(request("/nothing") * 3)
        assert read_all(client).count(b"HTTP/1.1 404") == 1  # the first says that it is the last


@pytest.mark.parametrize("serving", [Limits(request_seconds=0.3)], indirect=True)
def test_who_does_not_take_the_answers_is_hung_up_on(serving: Serving) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(90)
        client.connect(("127.0.0.1", serving.port))
        with pytest.raises(ConnectionError):
            while True:
                client.sendall(b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n" * 100)


@pytest.mark.parametrize(
    "serving", [Limits(connections=1000), Limits(connections=50)], indirect=True
)
def test_three_hundred_idle_clients_keep_nobody_from_leaving(serving: Serving) -> None:
    link = serving.link(ann_of(serving))
    with ExitStack() as stack:
        for at in range(300):
            client = stack.enter_context(closing(serving.connect()))
            client.sendall(b"POST /u/ HTTP/1.1\r\nHost:"[: at % 30])
        assert serving.post(link, ONE_CLICK).status == 200


@pytest.mark.parametrize("serving", [Limits(connections=2)], indirect=True)
def test_when_all_places_are_taken_who_has_asked_keeps_its_place(serving: Serving) -> None:
    link = serving.link(ann_of(serving))
    fields = f"Content-Type: {FORM}", "Content-Length: 26", "Expect: 100-continue"
    head = request(link, *fields, method="POST")
    with closing(serving.connect()) as first, closing(serving.connect()) as second:
        for client in (first, second):
            client.sendall(head)
            assert client.recv(65_536).startswith(b"HTTP/1.1 100")
        assert talk(serving) == b""
        for client in (first, second):
            client.sendall(ONE_CLICK)
            assert status_of(read_all(client)) == 200


TRICKS = (
    ("Host", "evil.example"),
    ("Host", "evil.example:80@lists.example.org"),
    ("Host", "<script>"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Original-URL", "/admin"),
    ("X-HTTP-Method-Override", "POST"),
    ("Forwarded", "host=evil.example"),
    ("Upgrade", "websocket"),
    ("Cookie", "a=b"),
    ("Range", "bytes=0-1"),
    ("Accept-Encoding", "gzip"),
    ("If-None-Match", "*"),
)


def test_no_header_changes_what_a_page_says(serving: Serving) -> None:
    link = serving.link(ann_of(serving))
    before, plain = serving.dump(), serving.get(link)
    for name, value in TRICKS:
        more = {"Connection": "Upgrade"} if name == "Upgrade" else {}
        answer = serving.get(link, {name: value, **more})
        assert (name, answer.status, answer.body) == (name, 200, plain.body)
        assert "set-cookie" not in answer.header
    assert serving.dump() == before


def from_client(address: str, lie: str = "") -> dict[str, str]:
    return {"X-Forwarded-For": f"{lie}, {address}" if lie else address}


@pytest.mark.parametrize("serving", [Limits(burst=2, per_second=0.1)], indirect=True)
def test_who_comes_too_often_waits_but_a_right_token_never(serving: Serving) -> None:
    ann = ann_of(serving)
    link, wrong = serving.link(ann), f"/u/{'a' * 32}"
    here = from_client("198.51.100.1")
    assert [serving.post(wrong, ONE_CLICK, header=here).status for _ in range(4)] == [
        404,
        404,
        429,
        429,
    ]
    page = serving.get(link, here)
    assert page.status == 429 and page.header["retry-after"] == "10"
    assert serving.get(wrong, here) == page  # whose token is right is not to be seen
    assert serving.get(link, from_client("198.51.100.1", "203.0.113.7")).status == 429
    assert serving.get(link, from_client("198.51.100.2")).status == 200
    assert serving.get(link).status == 200  # the proxy itself, from this machine
    for _ in range(3):
        assert serving.post(link, ONE_CLICK, header=here).status == 200
    serving.world.clock.pass_by(seconds=10)
    assert serving.get(link, here).status == 200


def test_the_log_has_neither_tokens_nor_addresses(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    link = serving.link(ann_of(serving))
    serving.post(link, ONE_CLICK, header=from_client("198.51.100.1"))
    serving.get(link)
    lines = [one.getMessage() for one in caplog.records]
    assert "POST /u/{token:token} 200" in lines
    assert not any(secret in line for secret in (link, "198.51.100.1", "ann@") for line in lines)


def test_our_own_fault_is_temporary_and_has_a_number(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    link = serving.link(ann_of(serving))
    serving.world.store.write(lambda tx: tx.exec_driver_sql("ALTER TABLE member RENAME TO gone"))
    for answer in (serving.get(link), serving.post(link, ONE_CLICK)):
        assert answer.status == 503 and "It is our mistake" in answer.text
        assert answer.header["retry-after"] == "120"
        number = answer.text.rpartition(" ")[2]
        assert any(f"fault {number}" in one.getMessage() for one in caplog.records)
        assert "gone" not in answer.text and "sqlite" not in answer.text


def test_a_bug_of_ours_is_told_with_a_number_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "page-leave.html").write_text("{{ title.nothing.more }}")
    server = Serving(tmp_path, Limits(), own)
    try:
        fault = server.get(server.link(ann_of(server)))
    finally:
        server.close()
    assert fault.status == 500 and "It is our mistake" in fault.text
    assert "Undefined" not in fault.text and "x-frame-options" in fault.header
    number = fault.text.rpartition(" ")[2]
    assert any(f"fault {number}: UndefinedError" in one.getMessage() for one in caplog.records)


@pytest.mark.parametrize("serving", [Limits(close_seconds=600, head_seconds=600)], indirect=True)
def test_a_stop_waits_for_no_one_who_says_nothing(serving: Serving) -> None:
    idle = [serving.connect() for _ in range(50)]
    serving.close()
    for client in idle:
        with closing(client):
            assert read_all(client) == b""


@pytest.mark.parametrize("serving", [Limits(close_seconds=0.3)], indirect=True)
def test_a_stop_does_not_wait_for_ever_for_a_body(serving: Serving) -> None:
    link = serving.link(ann_of(serving))
    with closing(serving.connect()) as client:
        client.sendall(request(link, "Content-Length: 26", method="POST"))
        assert serving.get(link).status == 200  # the head before has been read
        serving.close()
        assert read_all(client) == b""
