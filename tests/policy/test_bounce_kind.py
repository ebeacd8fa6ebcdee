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
    ("Microsoft", "5.2.122", "554 5.2.122 The recipient has exceeded their limit", SOFT),
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
    ("Gmail", "5.7.25", "550-5.7.25 The IP address sending this message does not have a PTR record "
     "setup", POLICY),
    ("Yahoo", "4.0.0", "421 Message temporarily deferred due to user complaints", POLICY),
    ("GMX", "4.0.0", "554-mail.com (mxgmxus002) Nemesis ESMTP Service not available 554-No SMTP "
     "service 554-Bad DNS PTR resource record.", POLICY),
    ("Proofpoint", "4.0.0", "554 Blocked - see https://support.proofpoint.com/dnsbl-lookup.cgi?ip=",
     POLICY),
    ("Orange", "4.0.0", "550 mwinf5c04 ME Adresse IP source bloquee pour incident de spam. "
     "OFR006_102", POLICY),
    ("Orange", "5.2.0", "550 5.2.0 Mail rejete. Mail rejected. ofr_506 [506]", POLICY),
    ("GoDaddy", "5.1.1", "550 5.1.1 203.0.113.222 has sent to too many recipients this hour. IB607",
     POLICY),
    ("MailFoundry", "5.1.1", "552 sorry, mailbox mary@example.org is over quota", SOFT),
    ("sendmail", "5.1.1", "550 5.7.1 IP address blacklisted by recipient", POLICY),
    ("sendmail", "5.1.1", "552 5.2.2 Over quota", SOFT),
    ("Exim", "", "an MX or SRV record indicated no SMTP service", HARD),
    ("Exim", "", "550 Unroutable sender address", POLICY),
    ("Exim", "5.0.0", "Unrouteable address", HARD),
    ("Exim", "5.0.0", "550 Sender verify failed", POLICY),
    ("Amazon", "5.4.4", "550 5.4.4 Invalid domain", HARD),
    ("Amazon", "5.0.0", "554 Message rejected: Email address is not verified. The following "
     "identities failed the check in region AP-NORTHEAST-1", POLICY),
    ("Amazon", "", "554 INVALID IP FOR SENDING MAIL OF DOMAIN amazonses.com", POLICY),
    ("Amazon", "5.2.0", "550 5.2.0 Message Filtered", POLICY),
    ("IMail", "", "Invalid final delivery userid: mary@example.org", HARD),
    ("qmail", "", "vdelivermail: account is locked email bounced", HARD),
    ("qmail", "", "sorry, your envelope recipient is in my badrcptto list", HARD),
    ("qmail", "", "The e-mail message could not be delivered because the user's mailfolder is "
     "full.",
     SOFT),
    ("Exchange", "", "mary@example.org on Fri, 20 Jul 2001 11:08:59 -0700 The recipient name is "
     "not "
     "recognized", HARD),
    ("Jetmail", "", "(0), ErrMsg=mail box space not enough, account=dylan", SOFT),
    ("DoCoMo", "", "552 too much mail data", SOFT),
    ("IronPort", "5.0.0", "554 Your access to this mail system has been rejected due to the "
     "sending "
     "MTA's poor reputation.", POLICY),
    ("Barracuda", "5.0.0", "554 Service unavailable; Client host [192.0.2.1] blocked using "
     "Barracuda "
     "Reputation; http://www.barracudanetworks.com/reputation/", POLICY),
    ("AT&T", "5.3.0", "553 5.3.0 flph829 DNSBL:RBL 521< 192.0.2.1 >_is_blocked.For assistance "
     "forward this error to abuse_rbl@abuse-att.net", POLICY),
    ("amavis", "5.0.0", "554 Reject, id=01 - SPAM; Message content rejected, UBE, id=01", POLICY),
    ("Mimecast", "5.0.0", "550 Administrative prohibition - envelope blocked", POLICY),
    ("Mimecast", "5.0.0", "553 Sending IP in black list, possible phishing", POLICY),
    ("web.de", "", "550 Benutzer hat zuviele Mails auf dem Server. / User has too many messages on "
     "the server.", SOFT),
    ("Domino", "", "552 recipient storage full, try again later", SOFT),
    ("Communigate", "", "552 account does not have enough space", SOFT),
    ("nobody", "", "552 No space left on device", SOFT),
    ("nobody", "", "552 the user's space has been used up", SOFT),
    ("nobody", "", "550 mailbox size limit exceeded", SOFT),
    ("nobody", "", "552 Message size exceeds maximum size", SOFT),
    ("nobody", "", "552 Error: message too large", SOFT),
    ("nobody", "", "has been postponed due to a full mailbox.", SOFT),
    ("nobody", "5.0.0", "550 Virus Detected; Content Rejected", POLICY),
    ("nobody", "5.0.0", "554 This message was rejected as bulk mail", POLICY),
    ("nobody", "5.0.0", "554 too many spam complaints", POLICY),
    ("nobody", "5.0.0", "550 Bad SPF records for [example.org:192.0.2.2], see spf.pobox.com",
     POLICY),
    ("nobody", "5.0.0", "554 Transaction failed: Duplicate header 'DKIM-Signature'.", POLICY),
    ("nobody", "5.0.0", "550 DMARC check failed.", POLICY),
    ("nobody", "5.0.0", "550 Unauthenticated senders not allowed", POLICY),
    ("nobody", "5.0.0", "554 Client host rejected: was not authenticated", POLICY),
    ("nobody", "5.0.0", "554 Client host rejected: cannot find your hostname", POLICY),
    ("nobody", "5.0.0", "550 Access denied. IP name lookup failed [192.0.2.222]", POLICY),
    ("nobody", "5.0.0", "550 reverse DNS required", POLICY),
    ("nobody", "5.0.0", "554 <mary@example.org>: Relay access denied", POLICY),
    ("nobody", "5.0.0", "550 SMTP; Unable to relay recipient in non-accepted domain", POLICY),
    ("nobody", "5.0.0", "550 Insecure Mail Relay", POLICY),
    ("nobody", "5.0.0", "554 rate limit exceeded", POLICY),
    ("nobody", "5.0.0", "550 too many errors detected from your IP", POLICY),
    ("nobody", "5.0.0", "554 Message looping (received 6 times), too many hops", SOFT),
    ("nobody", "5.0.0", "Greylisted, please wait", SOFT),
    ("nobody", "5.0.0", "Connection timed out", SOFT),
    ("nobody", "5.0.0", "Connection refused by mx.example.org", SOFT),
    ("nobody", "5.0.0", "550 User is receiving mail too quickly", SOFT),
    ("nobody", "5.0.0", "550 User mary temporary locked.", SOFT),
    ("nobody", "5.0.0", "550 No such domain.", HARD),
    ("nobody", "5.0.0", "mary@example.org ... unknown host", HARD),
    ("nobody", "5.0.0", "550 There is no one at this address", HARD),
    ("nobody", "5.0.0", "this email address is wrong or no longer valid.", HARD),
    ("nobody", "5.0.0", "551 not our customer", HARD),
    ("Italian", "5.0.0", "550 nessun utente simile in questo indirizzo", HARD),
    ("Italian", "5.0.0", "550 Destinatario sconosciuto o mailbox disattivata", HARD),
    ("Italian", "5.0.0", "552 La casella è piena", SOFT),
    ("Spanish", "5.0.0", "550 no existe dicha persona", HARD),
    ("Spanish", "5.0.0", "552 El buzón está lleno", SOFT),
    ("Portuguese", "5.0.0", "552 A caixa postal está cheia", SOFT),
    ("Polish", "5.0.0", "550 taki adres nie istnieje", HARD),
    ("Russian", "5.0.0", "550 нет такого пользователя", HARD),
    ("Russian", "5.0.0", "552 почтовый ящик переполнен", SOFT),
    ("Chinese", "5.0.0", "552 邮箱已满", SOFT),
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


def test_no_pattern_is_without_its_words_above() -> None:
    for row in (*PROVIDERS, *WORDS):
        for pattern in row.patterns:
            assert any(pattern.search(words) for _, _, words, _ in REAL), pattern.pattern


@given(st.text(), st.text())
def test_any_words_have_a_kind(status: str, words: str) -> None:
    assert isinstance(kind_of(status, words), BounceKind)


@pytest.mark.parametrize("piece", ["mailbox ", "user ", "no such ", "1.", "5.1.", "550 ", "или "])
def test_long_words_take_no_longer_than_short_ones(piece: str) -> None:
    began = time.process_time()
    kind_of("", piece * 100_000)
    assert time.process_time() - began < 1
