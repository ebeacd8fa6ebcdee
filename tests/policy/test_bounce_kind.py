"""What refusals are about, in the words of those who refuse."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.policy.bounce_kind import PROVIDERS, WORDS, BounceKind, kind_of

HARD, SOFT, POLICY = BounceKind.HARD, BounceKind.SOFT, BounceKind.POLICY

CODES = [
    ("5.1.1", HARD), ("5.1.2", HARD), ("5.1.3", HARD), ("5.1.6", HARD), ("5.1.10", HARD),
    ("5.2.1", HARD),
    ("5.2.2", SOFT), ("4.2.2", SOFT), ("2.2.2", SOFT),
    ("4.0.0", SOFT), ("4.1.1", SOFT), ("4.4.7", SOFT), ("4.7.1", SOFT),
    ("5.7.0", POLICY), ("5.7.1", POLICY), ("5.7.9", POLICY), ("5.7.26", POLICY),
    ("5.7.606", POLICY), ("5.1.8", POLICY), ("5.6.0", POLICY),
    ("5.2.3", SOFT), ("5.3.4", SOFT), ("5.4.6", SOFT), ("5.4.7", SOFT),
    ("5.0.0", SOFT), ("5.5.0", SOFT), ("5.3.0", SOFT), ("5.999.999", SOFT), ("", SOFT),
]  # fmt: skip


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_a_code_alone_says_what_it_says(code: str, kind: BounceKind) -> None:
    assert kind_of(code, "") is kind


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_a_code_is_found_in_the_reply_where_the_report_has_none(
    code: str, kind: BounceKind
) -> None:
    assert kind_of("", f"554 {code} go away") is kind
    assert kind_of("5.0.0", f"554-{code} go away") is kind


# Who says it, the report's status code, and the words, as real systems write them.
REAL = [
    ("Gmail", "5.1.1", "550-5.1.1 The email account that you tried to reach does not exist.", HARD),
    ("Gmail", "5.2.1", "550 5.2.1 The email account that you tried to reach is disabled.", HARD),
    ("Gmail", "5.2.1", "550-5.2.1 The user you are trying to contact is receiving mail at a rate "
     "that 550-5.2.1 prevents additional messages from being delivered.", SOFT),
    ("Gmail", "5.2.2", "552-5.2.2 The email account that you tried to reach is over quota.", SOFT),
    ("Gmail", "5.7.26", "550-5.7.26 This mail is unauthenticated, which poses a security risk",
     POLICY),
    ("Gmail", "5.7.1", "550-5.7.1 [192.0.2.1] Our system has detected that this message is likely "
     "unsolicited mail.", POLICY),
    ("Gmail", "4.7.0", "421-4.7.0 Temporary System Problem. Try again later.", SOFT),
    ("Microsoft", "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by "
     "SMTP address lookup", HARD),
    ("Microsoft", "5.4.1", "550 5.4.1 Recipient address rejected: Access denied. "
     "[AM6EUR05FT037.eop-eur05.prod.protection.outlook.com]", HARD),
    ("Microsoft", "5.4.1", "550 5.4.1 All recipient addresses rejected : Access denied", HARD),
    ("Microsoft", "", "550 SC-004 (COL0-MC1-F1) Unfortunately, messages from 192.0.2.1 weren't "
     "sent. We recommend that you contact your Internet service provider.", POLICY),
    ("Microsoft", "5.1.351", "550 5.1.351 Remote server returned unknown recipient or mailbox "
     "unavailable -> 550 : User unknown", HARD),
    ("Microsoft", "5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable "
     "(S2017062302).", HARD),
    ("Microsoft", "5.7.1", "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. "
     "Please contact your provider since part of their network is on our block list "
     "(S3150).", POLICY),
    ("Microsoft", "5.0.0", "550 SC-001 (BAY004-MC1F1) Unfortunately, messages from 192.0.2.1 "
     "weren't sent. You can also refer your provider to the block list", POLICY),
    ("Microsoft", "5.7.606", "550 5.7.606 Access denied, banned sending IP [192.0.2.1]", POLICY),
    ("Microsoft", "5.2.2", "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:"
     "QuotaExceededException", SOFT),
    ("Microsoft", "5.2.0", "554 5.2.0 STOREDRV.Deliver.Exception:AccountDisabledException.MapiEx"
     "ceptionAccountDisabled", HARD),
    ("Microsoft", "5.4.310", "550 5.4.310 DNS domain example.org does not exist", HARD),
    ("Microsoft", "5.4.316", "550 5.4.316 Message expired, connection refused", SOFT),
    ("Yahoo", "5.7.9", "554 5.7.9 Message not accepted for policy reasons. See "
     "https://postmaster.yahooinc.com/error-codes", POLICY),
    ("Yahoo", "4.7.0", "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to "
     "unexpected volume or user complaints - 4.16.55.1", POLICY),
    ("Yahoo", "5.0.0", "554 delivery error: dd This user doesn't have a yahoo.com account "
     "(mary@yahoo.com) [0] - mta1061.mail.ne1.yahoo.com", HARD),
    ("Yahoo", "5.0.0", "554 delivery error: dd Sorry your message to mary@yahoo.com cannot be "
     "delivered. This account has been disabled or discontinued [#102].", HARD),
    ("AOL", "5.2.1", "521 5.2.1 : AOL will not accept delivery of this message.", POLICY),
    ("Zoho", "5.4.1", "541 5.4.1 Mail rejected by destination domain", POLICY),
    ("Microsoft", "5.2.122", "554 5.2.122 The recipient has exceeded their limit; "
     "STOREDRV.Deliver; recipient thread limit exceeded; threshold exceeded", SOFT),
    ("Apple", "5.7.1", "554 5.7.1 [CS01] Message rejected due to local policy. Please visit "
     "https://support.apple.com/en-us/HT204137", POLICY),
    ("Apple", "5.0.0", "550 [HM08] Message rejected due to local policy", POLICY),
    ("Apple", "5.2.2", "552 5.2.2 <mary@icloud.com>: user is over quota", SOFT),
    ("GMX", "5.0.0", "550 Requested action not taken: mailbox unavailable For explanation visit "
     "https://postmaster.gmx.net/en/case?c=r0601", HARD),
    ("GMX", "5.0.0", "554-gmx.net (mxgmx104) Nemesis ESMTP Service not available 554-No SMTP "
     "service 554-IP address is block listed.", POLICY),
    ("web.de", "5.0.0", "550 Benutzer hat das Speichervolumen ueberschritten. / User has exhausted "
     "allowed storage space.", SOFT),
    ("T-Online", "5.5.0", "554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help or "
     "to contact tosa@rx.t-online.de to clarify.) (BL)", POLICY),
    ("T-Online", "5.2.2", "552 5.2.2 Over STORAGE quota", SOFT),
    ("Mail.ru", "5.0.0", "550 spam message rejected. Please visit "
     "http://help.mail.ru/notspam-support/id?c=", POLICY),
    ("Mail.ru", "5.0.0", "550 Message was not accepted -- invalid mailbox. Local mailbox "
     "mary@mail.ru is unavailable: user not found", HARD),
    ("QQ", "5.0.0", "550 Ip frequency limited [192.0.2.1]. http://service.mail.qq.com/", POLICY),
    ("QQ", "5.0.0", "550 Mail content denied. http://service.mail.qq.com/", POLICY),
    ("QQ", "5.0.0", "550 Mailbox not found. http://service.mail.qq.com/", HARD),
    ("Yandex", "5.7.1", "550 5.7.1 No such user!", HARD),
    ("GoDaddy", "5.1.3", "553 http://www.spamhaus.org/query/bl?ip=192.0.2.222", POLICY),
    ("La Poste", "5.5.0", "550 5.5.0 Le compte du destinataire est bloque. The recipient account "
     "is blocked. LPN007_426", HARD),
    ("La Poste", "5.0.0", "550 5.5.0 Le compte du destinataire est bloque. The recipient account "
     "is blocked. LPN007_426", HARD),
    ("Postfix", "5.7.1", "554 5.7.1 <mary@example.org>: Recipient address rejected: User unknown",
     HARD),
    ("Postfix", "5.0.0", "550 <mary@example.org>: Recipient address rejected.", HARD),
    ("Cisco", "5.0.0", "550 #5.1.0 Address rejected.", HARD),
    ("EarthLink", "", "550 subscriber@earthlink.net...User account is overquota", SOFT),
    ("Amazon", "5.0.0", "5.1.0 - Unknown address error 550-'5.1.1 <mary@example.org>: Recipient "
     "address rejected: User unknown'", HARD),
    ("Cox", "5.1.0", "550 5.1.0 <list-bounces@example.org> sender rejected. Refer to Error Codes "
     "section at https://www.cox.com/residential/support/email-error-codes.html", POLICY),
    ("Mimecast", "5.0.0", "554 Host network not allowed - https://community.mimecast.com/docs/",
     POLICY),
    ("i.ua", "5.0.0", "550 Mailbox is frozen. See http://mail.i.ua/err/3/", HARD),
    ("Google Groups", "5.0.0", "Your email to group was rejected due to spam classification.",
     POLICY),
    ("nobody", "5.0.0", "550 no such user <spam-trap@policy.example>", HARD),
    ("Comcast", "5.1.1", "550 5.1.1 Not our Customer", HARD),
    ("Comcast", "5.0.0", "554 resimta-po-11v.sys.comcast.net comcast 192.0.2.1 Comcast BL004 "
     "Blocked for spam.", POLICY),
    ("Spamhaus", "5.0.0", "554 Service unavailable; Client host [192.0.2.1] blocked using "
     "zen.spamhaus.org", POLICY),
    ("Postfix", "5.4.4", "Host or domain name not found. Name service error for name=example.org "
     "type=AAAA: Host not found", HARD),
    ("Postfix", "5.0.0", "550 <mary@example.org>: Recipient address rejected: User unknown in "
     "virtual mailbox table", HARD),
    ("qmail", "", "Sorry, no mailbox here by that name. (#5.1.1)", HARD),
    ("Exim", "5.0.0", "550 No Such User Here", HARD),
    ("Exim", "5.0.0", "all relevant MX records point to non-existent hosts", HARD),
    ("Exim", "4.0.0", "retry timeout exceeded", SOFT),
    ("procmail", "5.0.0", "552 mailbox full", SOFT),
    ("nobody", "5.0.0", "550 Denied by policy", POLICY),
    ("nobody", "5.0.0", "554 Message rejected due to local policy", POLICY),
    ("nobody", "5.0.0", "552 Requested mail action aborted: exceeded storage allocation", SOFT),
    ("nobody", "", "452 4.2.2 Mailbox full", SOFT),
    ("nobody", "", "450 mailbox unavailable", SOFT),
    ("nobody", "5.0.0", "554 Transaction failed", SOFT),
    ("German", "5.0.0", "550 Benutzer nicht bekannt", HARD),
    ("German", "5.0.0", "552 Das Postfach ist voll", SOFT),
    ("French", "5.5.0", "550 5.5.0 Adresse destinataire invalide. Invalid recipient. LPN007_416",
     HARD),
    ("French", "5.0.0", "550 Destinataire inconnu", HARD),
    ("French", "5.0.0", "552 Boîte aux lettres pleine", SOFT),
    ("Spanish", "5.0.0", "550 El usuario no existe", HARD),
    ("Italian", "5.0.0", "550 Utente sconosciuto", HARD),
    ("Portuguese", "5.0.0", "550 Destinatário inexistente", HARD),
    ("Dutch", "5.0.0", "550 Onbekende gebruiker", HARD),
    ("Polish", "5.0.0", "550 Nie ma takiego konta", HARD),
    ("Russian", "5.0.0", "550 Пользователь не найден", HARD),
    ("Chinese", "5.0.0", "550 用户不存在", HARD),
]  # fmt: skip


@pytest.mark.parametrize(("who", "code", "words", "kind"), REAL)
def test_what_providers_say_is_understood(
    who: str, code: str, words: str, kind: BounceKind
) -> None:
    assert kind_of(code, words) is kind


def test_a_code_that_says_something_is_not_overruled_by_anybodys_words() -> None:
    assert kind_of("5.1.1", "550 5.1.1 spam, over quota, blocked by policy") is HARD
    assert kind_of("5.2.2", "552 5.2.2 no such user") is SOFT
    assert kind_of("5.7.1", "550 5.7.1 user unknown") is POLICY


def test_no_row_is_without_its_words_above() -> None:
    for row in (*PROVIDERS, *WORDS):
        assert any(row.pattern.search(words) for _, _, words, _ in REAL), row.pattern.pattern


@given(st.text(), st.text())
def test_any_words_have_a_kind(status: str, words: str) -> None:
    assert isinstance(kind_of(status, words), BounceKind)


@pytest.mark.parametrize("piece", ["mailbox ", "user ", "no such ", "1.", "5.1.", "550 ", "или "])
def test_long_words_take_no_longer_than_short_ones(piece: str) -> None:
    began = time.process_time()
    kind_of("", piece * 100_000)
    assert time.process_time() - began < 1
