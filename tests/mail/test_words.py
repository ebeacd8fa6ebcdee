"""Encoded words, charsets, and what may be shown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.mail.words import (
    decode_base64,
    decode_text,
    decode_words,
    encode_words,
    likely_text,
    shown,
    text_codec,
)

WORDS = {
    "plain text": ("Hello all", "Hello all"),
    "quoted-printable": ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
    "an underscore is a space": ("=?utf-8?Q?a_b?=", "a b"),
    "base64": ("=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"),
    "base64 without its padding": ("=?UTF-8?B?R3LDvMOfZQ?=", "Grüße"),
    "base64 that ends in a lone character": ("=?UTF-8?B?R3LDvMOfZQAAA?=", "Grüße"),
    "text around it": ("Re: =?utf-8?q?=C3=BC?= and more", "Re: ü and more"),
    "space between encoded words is none": ("=?utf-8?q?a?= \t =?utf-8?q?b?=", "ab"),
    "a character cut in two": ("=?utf-8?b?w7w=?= =?utf-8?q?=C3?= =?utf-8?q?=BC?=", "üü"),
    "neighbours of two charsets": ("=?iso-8859-1?q?=FC?= =?utf-8?q?=C3=BC?=", "üü"),
    "a language tag (RFC 2231)": ("=?utf-8*de?q?=C3=BC?=", "ü"),
    "spaces inside, as some programs write": ("=?utf-8?Q?a b?=", "a b"),
    "an unknown charset is tried as UTF-8": ("=?x-unknown?q?=C3=BC?=", "ü"),
    "UTF-7 is not decoded": ("=?utf-7?q?+ADw-script+AD4-?=", "+ADw-script+AD4-"),
    "a codec of Python's is no charset": ("=?rot13?q?uryyb?=", "uryyb"),
    "an encoding that does not exist": ("=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
    "an unfinished word": ("=?utf-8?q?abc", "=?utf-8?q?abc"),
    "raw UTF-8": ("Grüße", "Grüße"),
    "raw Latin-1": ("Gr\udcfc\udcdfe", "Grüße"),
    "raw Latin-1 beside an encoded word": ("\udcfc =?utf-8?q?=C3=BC?=", "ü ü"),
    "an encoded line break is a space": ("=?utf-8?Q?a=0D=0ABcc:_evil@x?=", "a Bcc: evil@x"),
    "an encoded control character is dropped": ("=?utf-8?Q?a=00=07=1Bb?=", "ab"),
    "encoded twice is decoded once": ("=?utf-8?q?=3D=3Futf-8=3Fq=3Fx=3F=3D?=", "=?utf-8?q?x?="),
    "what turns the writing around": ("a\u202egnp.exe\u2066b", "agnp.exeb"),
    "line and paragraph separators": ("a\u2028b\u2029c\x85d", "a b c d"),
}


@pytest.mark.parametrize("case", WORDS)
def test_encoded_words_are_read(case: str) -> None:
    text, expected = WORDS[case]
    assert decode_words(text) == expected


@settings(deadline=None)
@given(st.text())
def test_what_is_encoded_is_read_back(text: str) -> None:
    clean = " ".join(shown(text).split())
    words = encode_words(clean)
    assert all(len(word) <= 75 and word.isascii() for word in words)
    assert decode_words(" ".join(words)) == clean


def test_base64_is_taken_where_it_is_shorter() -> None:
    assert encode_words("Jörg via List") == ["=?utf-8?q?J=C3=B6rg_via_List?="]
    assert encode_words("привет") == ["=?utf-8?b?0L/RgNC40LLQtdGC?="]


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["=?", "utf-8", "?q?", "?B?", "?=", "=C3", "\udcc3", " ", "*de", "\r\n\t"])
        | st.text(max_size=5)
    ).map("".join)
)
def test_nothing_makes_reading_raise_and_nothing_unshown_comes_out(text: str) -> None:
    decoded = decode_words(text)
    decoded.encode("utf-8")
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029" for c in decoded)


TEXT = ["us-ascii", "UTF-8", "utf8", "ISO-8859-15", "latin1", "windows-1252", "cp1251", "koi8-r",
        "GB2312", "gbk", "big5", "iso-2022-jp", "euc-kr", "shift_jis"]  # fmt: skip
NO_TEXT = ["utf-7", "utf-16", "utf-32", "rot13", "zlib", "base64", "hex", "idna", "punycode",
           "unicode_escape", "raw_unicode_escape", "mbcs", "undefined", "x-unknown", "",
           "utf-8\0", "a" * 100_000, "../../etc"]  # fmt: skip


@pytest.mark.parametrize("charset", TEXT)
def test_a_charset_of_text_is_known(charset: str) -> None:
    codec = text_codec(charset)
    assert codec is not None
    assert "ok".encode(codec) == b"ok"


@pytest.mark.parametrize("charset", NO_TEXT)
def test_anything_else_is_no_charset(charset: str) -> None:
    assert text_codec(charset) is None
    assert decode_text(b"+ADw-b+AD4- \xff", charset) == "+ADw-b+AD4- \ufffd"


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-be"])
def test_text_in_utf_16_is_read_where_its_first_octets_say_so(codec: str) -> None:
    octets = "\ufeffJ\u0151\n".encode(codec).removeprefix(b"\xff\xfe")
    assert likely_text(octets, "utf-16") == "J\u0151\n"


def test_base64_with_rubbish_in_it_gives_what_is_readable() -> None:
    assert decode_base64(b"aGVs\r\n!bG8=\r\n") == b"hello"
    assert decode_base64(b"") == b""
