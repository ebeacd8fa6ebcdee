"""Without a connection: dialogues with a pipeline, and a peer that keeps to RFC 5321."""

from collections.abc import Callable
from dataclasses import dataclass, field

from listserv.domain.transaction import Closed, Event, Refused, Settled, Transaction, Unfinished
from listserv.smtp.offer import Offer
from listserv.smtp.pipeline import Pipeline


def announced(line: str) -> dict[str, str]:
    """EHLO keywords as aiosmtplib gives them: "SIZE=100" stands for "SIZE 100"."""
    pairs = (word.partition("=") for word in line.split())
    return {name.lower(): value.replace("+", " ") for name, _, value in pairs}


def told(event: Event) -> str:
    """An event as a dialogue writes it."""
    match event:
        case Settled(key, recipients, fate, stage):
            return f"{key} {fate} {'+'.join(recipients)} ({stage}): {event.words}"
        case Unfinished(key, recipients, dot_written, goodbye):
            written, why = (
                ", dot written" * dot_written,
                f" ({goodbye[:3].decode()})" * bool(goodbye),
            )
            return f"{key} unfinished {'+'.join(recipients)}{written}{why}"
        case Refused(_, fresh):
            return f"refused{' at first' * fresh}: {event.words}"
        case Closed(words, answered):
            return f"closed{f' at {answered}' if answered else ''}: {words}".strip()


def letter(key: str, *recipients: str, **flags: bool) -> Transaction:
    """Its text is one line, "text of KEY"."""
    text = f"text of {key}\r\n".encode()
    return Transaction(key, f"{key}@l.example", recipients, (text,), dotless=True, **flags)


def play(dialogue: str) -> None:
    """`peer` is what EHLO announced. `send KEY RECIPIENT...`, `quit`, `lost WORDS` and S: lines are
    done to the machine; lines with S: that follow each other come in one piece. After that the C:
    and = lines are all that it writes and tells, in this order."""
    lines = [line.strip() for line in dialogue.strip().splitlines()]
    assert lines[0].split()[0] == "peer"
    pipeline = Pipeline(Offer.read(announced(lines[0][4:]), 100))
    at = 1
    while at < len(lines):
        done = [lines[at]]
        at += 1
        while at < len(lines) and done[0][:2] == lines[at][:2] == "S:":
            done.append(lines[at])
            at += 1
        expected = []
        while at < len(lines) and lines[at][:2] in ("C:", "= "):
            expected.append(lines[at])
            at += 1
        _do(pipeline, done)
        written = b"".join(pipeline.output).decode()
        said = [f"C: {line}" for line in written.split("\r\n")[:-1]]
        said += [f"= {told(event)}" for event in pipeline.events]
        pipeline.output, pipeline.events = [], []
        assert said == expected, f"after {done}"


def _do(pipeline: Pipeline, done: list[str]) -> None:
    match done[0].split():
        case ["send", key, *recipients]:
            flags = {flag: flag in recipients for flag in ("utf8", "eight_bit")}
            names = [name for name in recipients if name not in flags]
            pipeline.send(letter(key, *names, **flags))
        case ["quit"]:
            pipeline.quit()
        case ["lost", *words]:
            pipeline.lost(" ".join(words))
        case _:
            pipeline.receive("".join(f"{line[3:]}\r\n" for line in done).encode())


@dataclass
class Peer:
    """A server that answers as `decide` says: it gets a command's verb ("." for the final dot and
    BDAT LAST) and whether the command could succeed, and returns a reply; None hangs up. It fails
    the test when a command comes that must not come now. A refused BDAT ends nothing: RFC 3030 asks
    for RSET."""

    decide: Callable[[str, bool], bytes | None]
    pipelining: bool
    taken: list[tuple[str, tuple[str, ...], bytes]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    hung_up: bool = False
    _in: bytes = b""
    _sender: str | None = None
    _recipients: list[str] = field(default_factory=list)
    _reading: bool = False
    _chunks: bytes = b""

    def feed(self, data: bytes) -> bytes:
        """Read, and return what it answers."""
        self._in += data
        said = b""
        asked = 0
        while not self.hung_up and (reply := self._next()) is not None:
            asked += 1
            said += reply
        assert self.pipelining or asked <= 1, "commands in a group, and it takes none"
        return said

    def _next(self) -> bytes | None:
        end = self._in.find(b"\r\n.\r\n" if self._reading else b"\r\n")
        if self._reading and self._in.startswith(b".\r\n"):
            data, self._in = b"", self._in[3:]
            return self._dot(data)
        if end < 0:
            return None
        if self._reading:
            data, self._in = self._in[: end + 2], self._in[end + 5 :]
            return self._dot(data)
        line, rest = self._in[:end].decode(), self._in[end + 2 :]
        if line.startswith("BDAT "):
            size = int(line.split()[1])
            if len(rest) < size:
                return None
            self._in = rest[size:]
            return self._chunk(rest[:size], line.endswith(" LAST"))
        self._in = rest
        return self._command(line)

    def _answer(self, verb: str, possible: bool) -> bytes:
        reply = self.decide(verb, possible)
        if reply is None or reply.startswith(b"421"):
            self.hung_up = True
        return reply or b""

    def _command(self, line: str) -> bytes:
        verb, _, rest = line.partition(" ")
        address = rest[rest.find("<") + 1 : rest.rfind(">")]
        possible = {
            "MAIL": self._sender is None,
            "RCPT": self._sender is not None,
            "DATA": bool(self._recipients),
        }.get(verb, True)
        assert verb != "MAIL" or possible, "MAIL within a transaction"
        reply = self._answer(verb, possible)
        match verb, reply[:1]:
            case "MAIL", b"2":
                self._sender = address
            case "RCPT", b"2":
                self._recipients.append(address)
            case "RCPT", b"5" if possible:
                self.refused.append(address)
            case "DATA", b"3":
                self._reading = True
            case "RSET", b"2":
                self._sender, self._recipients, self._chunks = None, [], b""
            case "QUIT", _:
                self.hung_up = True
        return reply

    def _chunk(self, octets: bytes, last: bool) -> bytes:
        reply = self._answer("." if last else "BDAT", bool(self._recipients))
        if reply.startswith(b"2"):
            self._chunks += octets
            if last:
                assert self._sender is not None
                self.taken.append((self._sender, tuple(self._recipients), self._chunks))
                self._sender, self._recipients, self._chunks = None, [], b""
        return reply

    def _dot(self, data: bytes) -> bytes:
        reply = self._answer(".", bool(self._recipients))
        if reply.startswith(b"2"):
            assert self._sender is not None
            self.taken.append((self._sender, tuple(self._recipients), data))
        self._sender, self._recipients, self._reading = None, [], False
        return reply
