"""What somebody meant who wrote no command: what they wish, in their own words, and slips of the
finger. Nothing here acts; it finds the one line that would."""

import re
from difflib import get_close_matches

from listserv.policy.commands.command import Option, Verb
from listserv.policy.commands.delivery import OPTION_WORDS
from listserv.policy.commands.line import Word
from listserv.policy.commands.table import BY_VERB, BY_WORD

# Of what is searched, in characters.
_SEARCHED = 200
_SLIPS = 0.8

# The first that is found anywhere in the line is what it wishes.
_WISHES: tuple[tuple[Verb, str], ...] = (
    (Verb.SIGNOFF,
     r"un-?sub\w*|sign(?:ed)? off|opt(?:ing)? out"
     r"|(?:take|remove|delete|get|drop|strike) (?:me|us|my)"
     r"|cancel (?:my |the |this )?(?:subscription|membership|account)"
     r"|stop (?:sending|mailing|e-?mailing|these|this|the|all|getting|receiving)"
     r"|no longer (?:wish|want)|(?:do not|don't) want|leave (?:this|the|your)"
     r"|(?:want|wish|like|need) to (?:leave|quit|get out)|off (?:this|the|your) list"
     r"|abmelden|austragen|abbestellen|kündigen|austreten|dar(?:me|se) de baja|borrarme"
     r"|désabonn\w*|désinscri\w*|disiscriv\w*|uitschrijven|afmelden"),
    (Verb.CHANGE,
     r"new e?-?mail|new address|chang\w+ (?:my |of )?(?:e-?mail )?address|different address"
     r"|neue (?:e-?mail-?)?adresse|nueva dirección|nouvelle adresse"),
    (Verb.BREAK,
     r"vacation|holidays?|away (?:until|for|from|till)|travell?ing|(?:take|taking|need) a break"
     r"|urlaub|vacaciones|vacances|ferien|pausieren"),
    (Verb.TIMEZONE, r"time ?zone|zeitzone"),
    (Verb.SET,
     r"digests?|one e?-?mail (?:a|per) day|too many (?:e-?mails|mails|messages|posts)|once a day"
     r"|zusammenfassung|resumen diario"),
    (Verb.SUBSCRIBE,
     r"subscri\w*|sign (?:me |us )?up|(?:add|put) (?:me|us|my)|(?:to|please) join|a member of"
     r"|anmelden|eintragen|abonnieren|suscrib\w*|inscrib\w*|inscrire|abonner|iscriv\w*|aanmelden"),
    (Verb.REVIEW, r"who is on|who else|list of members|members of|member list|mitgliederliste"),
    (Verb.QUERY, r"my settings|my options|my status|meine einstellungen"),
    (Verb.LISTS, r"what lists|which (?:mailing )?lists|other lists"),
    (Verb.HELP, r"help|how (?:do|can|to)|hilfe|ayuda|aide|what commands"),
)  # fmt: skip
_WISH = tuple((verb, re.compile(rf"\b(?:{words})\b")) for verb, words in _WISHES)
_STRAIGHT = str.maketrans("\u2018\u2019", "''")


def wished(text: str) -> Verb | None:
    """The command that would do what a sentence wishes."""
    text = " ".join(text[:_SEARCHED].lower().translate(_STRAIGHT).split())
    return next((verb for verb, words in _WISH if words.search(text)), None)


def mended(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """The words with slips in the verb, and with SET in its options, undone, and with SET before
    options alone; none where the first is not even nearly a verb."""
    if words[0].plain.lower() in OPTION_WORDS:
        return (Word(Verb.SET, Verb.SET), *map(_option, words))
    verb = _close(words[0], list(BY_WORD)) if len(words[0].plain) > 2 else ""
    if not verb:
        return ()
    row = BY_WORD[verb]
    rest = words[1:]
    if row.verb is Verb.SET:
        rest = tuple(_option(word) for word in rest)
    return (Word(row.verb, row.verb), *rest)


def _option(word: Word) -> Word:
    close = _close(word, list(OPTION_WORDS)) if word.plain.lower() not in OPTION_WORDS else ""
    return Word(close, close) if close else word


def _close(word: Word, known: list[str]) -> str:
    """The known word that is nearest, "" when none is near."""
    plain = word.plain.lower()
    if len(plain) > 20:
        return ""
    return next(iter(get_close_matches(plain, known, n=1, cutoff=_SLIPS)), "")


def example(verb: Verb, list_name: str) -> str:
    """One line to send, for what was wished."""
    if verb is Verb.SET:
        return f"{Verb.SET} {list_name or 'listname'} {Option.DIGEST}"
    return BY_VERB[verb].example(list_name)
