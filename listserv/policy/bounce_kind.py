"""What a refusal is about: the mailbox, the moment, or us (RFC 3463 codes and providers' words).

HARD: nobody is there. SOFT: not now, or nobody can say. POLICY: the mail, or who sends it, is not
wanted; that is for the operator to mend, and says nothing about the member.

A code decides where it says something and its sender is not known to misuse it. Else words do, in
the order of their table; and where they are nobody's, it is SOFT: who is taken for gone by mistake
loses more than who is tried once more.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

# Of the words of a refusal; the rest is links and thanks.
_MAX_WORDS = 1000


class BounceKind(StrEnum):
    HARD = "hard"
    SOFT = "soft"
    POLICY = "policy"


_H, _S, _P = BounceKind.HARD, BounceKind.SOFT, BounceKind.POLICY


@dataclass(frozen=True, slots=True)
class Code:
    """What an enhanced status code means by itself. `pattern` matches it whole."""

    pattern: re.Pattern[str]
    kind: BounceKind


@dataclass(frozen=True, slots=True)
class Words:
    """What words mean, any of `patterns`. With `codes`, which match a code whole, they decide
    although there is a code, because `provider` misuses it."""

    kind: BounceKind
    patterns: tuple[re.Pattern[str], ...]
    codes: re.Pattern[str] | None = None
    provider: str = ""

    def match(self, words: str) -> bool:
        return any(pattern.search(words) for pattern in self.patterns)


def _code(pattern: str, kind: BounceKind) -> Code:
    return Code(re.compile(pattern), kind)


def _words(kind: BounceKind, *patterns: str, codes: str = "", provider: str = "") -> Words:
    compiled = tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)
    return Words(kind, compiled, re.compile(codes) if codes else None, provider)


# The first that matches counts; a code that none matches says nothing. A 4 in front means that
# somebody gave up, whatever stood behind it.
CODES: tuple[Code, ...] = (
    _code(r"[245]\.2\.2", _S),                      # mailbox full
    _code(r"4\.\d+\.\d+", _S),
    _code(r"5\.1\.(?:1|2|3|6|10)|5\.2\.1", _H),     # nobody there; moved; disabled
    _code(r"5\.1\.[789]|5\.1\.2[01]", _P),          # our own address is not to their taste
    _code(r"5\.7\.\d+", _P),
    _code(r"5\.6\.\d+", _P),                        # the content could not be taken
    _code(r"5\.2\.3|5\.3\.4", _S),                  # too large for them
    _code(r"5\.2\.12[12]", _S),                     # Microsoft: too much mail for them in an hour
    _code(r"5\.4\.310", _H),                        # Microsoft: the domain does not exist
    _code(r"5\.4\.(?:6|7|14|30[0-9]|31[1-9])", _S), # loops, expiry, no connection
)  # fmt: skip

# Who says one thing by code and another in words.
PROVIDERS: tuple[Words, ...] = (
    _words(_S, r"receiving mail at a rate",
           codes=r"5\.2\.1", provider="Gmail"),
    _words(_P, r"\[TSS?\d\d\]", r"due to (?:unexpected volume or )?user complaints",
           codes=r"4\.\d\.\d+", provider="Yahoo"),
    _words(_P, r"aol will not accept delivery",
           codes=r"5\.2\.1", provider="AOL"),
    _words(_H, r"recipient address(?:es)? rejected ?: access denied",
           codes=r"5\.[47]\.1", provider="Microsoft"),
    _words(_H, r"no such user!",
           codes=r"5\.7\.1", provider="Yandex"),
    _words(_H, r"recipient address rejected: user unknown",
           codes=r"5\.7\.1", provider="Postfix, by its access maps"),
    # Postfix calls what its greeting refused for good 4.0.0, since another host may take it.
    _words(_P, r"\b554[ -].{0,60}(?:blocked|nemesis)", r"\bOFR\d{3}_\d",
           codes=r"4\.0\.0", provider="Proofpoint, GMX and Orange, by Postfix"),
    _words(_S, r"\b552\b.{0,80}(?:full|quota)",
           codes=r"5\.1\.1", provider="MailFoundry"),
    _words(_P, r"spamhaus\.org", r"has sent to too many recipients",
           codes=r"5\.1\.[13]", provider="GoDaddy"),
    _words(_H, r"recipient account is blocked",
           codes=r"5\.5\.0", provider="La Poste"),
    _words(_P, r"mail rejected by destination domain",
           codes=r"5\.4\.1", provider="Zoho"),
)  # fmt: skip

# The first that matches counts. A full mailbox comes before a policy ("rejected, over quota"), a
# policy before an unknown user ("recipient rejected, the sender is blocked").
WORDS: tuple[Words, ...] = (
    # Full, or the message too large.
    _words(_S, r"quota", r"mailbox.{0,40}\bfull\b", r"\bfull mailbox", r"mailfolder is full",
           r"(?:exceed|insufficient|sufficient).{0,30}(?:storage|space|allocation)",
           r"storage full", r"space not enough", r"enough (?:storage )?space", r"no space left",
           r"too many messages on the server", r"too much mail data", r"space has been used up",
           r"(?:size|local) limit", r"exceeds? .{0,20}size", r"message (?:is )?too (?:large|big)"),
    _words(_S, r"(?:postfach|speicher).{0,30}(?:voll|ueberschritten|überschritten)",
           r"bo[iî]te.{0,30}pleine", r"buz[oó]n.{0,20}lleno", r"casella.{0,20}piena",
           r"caixa.{0,20}cheia", r"ящик.{0,20}переполнен", r"邮箱.{0,6}满"),
    # A domain that takes no mail.
    _words(_H, r"record indicated no smtp service"),
    # Spam, and what is done against it.
    _words(_P, r"spam", r"unsolicited", r"\bUBE\b", r"\bbulk", r"virus", r"phish",
           r"(?:black|block|deny).?list", r"black list", r"barracuda", r"dnsbl", r"\brbl\b",
           r"polic(?:y|ies)", r"reputation", r"prohibit", r"(?:content|attachment)",
           r"complaint", r"block(?:ed|ing)", r"(?:message|mail) (?:rejet|reject|refus|filter)"),
    _words(_P, r"dmarc", r"dkim", r"\bspf\b", r"not authenticated", r"unauthenticated",
           r"reverse dns", r"cannot find your.{0,10}hostname", r"name lookup failed", r"\bPTR\b",
           r"sender (?:verif|(?:address |domain )?(?:is |was )?(?:reject|denied|invalid))",
           r"(?:unroutable|invalid) sender", r"access denied", r"client host rejected",
           r"relay(?:ing)? (?:access )?denied", r"unable to relay", r"mail relay",
           r"not (?:allowed|permitted)", r"no smtp service", r"frequency limited", r"invalid ip",
           r"ask your postmaster for help", r"messages from .{1,60} weren.t sent", r"rate limit",
           r"too many (?:errors|connections)", r"email address is not verified"),
    # Not now.
    _words(_S, r"greylist", r"try again", r"temporar", r"too (?:fast|quickly)", r"timed? ?out",
           r"connection (?:refused|reset)", r"too many hops", r"\bloop"),
    # No such domain, no such mailbox.
    _words(_H, r"(?:host|domain).{0,30}(?:not found|not exist|unknown)", r"unroute?able address",
           r"no such domain", r"unknown host", r"invalid domain", r"relevant MX records"),
    _words(_H, r"(?:unknown|no such|invalid|bad|undeliverable|illegal|no|not an?"
               r"|not (?:valid|known)) (?:(?:or|virtual|local|e?-?mail|alias|final|delivery|valid"
               r"|known|unknown) ){0,3}"
               r"(?:user|address|recipient|mail ?box|account|person|alias|local.?part|mail box)"),
    _words(_H, r"(?:user|address|recipient|mailbox|account|addressee)\b.{0,80}"
               r"(?:unknown|not (?:be )?(?:found|exist|known|listed|present|active|available)"
               r"|no longer|invalid|disabled|inactive|suspended|deactivated|locked|wrong"
               r"|discontinued|unavailable|terminated|frozen|rejected\b(?! ?:)|does(?:n.t| not))"),
    _words(_H, r"no mail ?box here", r"not our customer", r"doesn.t have an? .{1,40} account",
           r"no longer (?:valid|accepts)", r"no ?one at this address", r"badr(?:cp|ecipien)tto",
           r"recipient name is not recogni[sz]ed", r"AccountDisabledException"),
    _words(_H, r"(?:empfänger|empfaenger|benutzer|adresse|postfach).{0,40}"
               r"(?:unbekannt|nicht bekannt|existiert nicht)",
           r"(?:destinataire|utilisateur|adresse).{0,40}(?:inconnu|invalide|existe pas)",
           r"no existe (?:ese|dicha)", r"usuario.{0,40}(?:desconocid|no existe|inexistente)",
           r"nessun utente", r"(?:utente|destinatario|destin\.|indirizzo|mailbox).{0,40}"
           r"(?:sconosciut|inesistente|errato|disat)",
           r"(?:usu[aá]rio|destinat[aá]rio).{0,40}(?:desconhecid|inexistente|n[aã]o existe)",
           r"onbekende (?:gebruiker|ontvanger)", r"nie ma takiego", r"nie istnieje",
           r"(?:пользовател|адрес|ящик|получател).{0,40}(?:не найден|не существует|неизвест)",
           r"нет такого", r"(?:用户|用戶|收件人|邮箱|信箱|地址).{0,8}不存在"),
)  # fmt: skip

_CODE = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")
# What was refused in the words of who refused it: 550 5.1.1 ...
_SAID = re.compile(r"[45]\d\d[ -]#?([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_ADDRESS = re.compile(r"[\w.+=-]{1,64}@[\w-]+(?:\.[\w-]+)*")
_REPLY = re.compile(r"(?<![\d.])([45])\d\d(?=[ -])")


def kind_of(status: str, words: str) -> BounceKind:
    """What a refusal is about. `status` as a report or an SMTP reply gives it ("5.1.1", "" when
    there is none), `words` what the refusing system says, the SMTP code in front or not."""
    # Whom it is about and who reads complaints says nothing: spam@..., blocked@...
    words = _ADDRESS.sub("", words[:_MAX_WORDS])
    codes = [status]
    said = _SAID.match(words)
    if said is not None and _of_code(said[1]) is not None:
        # First-hand. Some who report a refusal give all that was refused one code.
        codes = [said[1]]
    elif _of_code(status) is None:
        codes += _CODE.findall(words)
    for row in PROVIDERS:
        if row.codes is not None and any(map(row.codes.fullmatch, codes)) and row.match(words):
            return row.kind
    coded = next(filter(None, map(_of_code, codes)), None)
    if coded is not None:
        return coded
    reply = _REPLY.search(words)
    if reply is not None and reply[1] == "4":
        return BounceKind.SOFT
    return next((row.kind for row in WORDS if row.match(words)), BounceKind.SOFT)


def _of_code(status: str) -> BounceKind | None:
    return next((code.kind for code in CODES if code.pattern.fullmatch(status)), None)
