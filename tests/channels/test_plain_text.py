"""What a person wrote is plain text on every channel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.message import MAX_TEXT, is_public, plain_text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("  refill  ", "refill"),
        ('/refill{"medication": "x"}', 'refill{"medication": "x"}'),
        (" / /restart", "restart"),
        ("\u200b/\ufeff/restart", "restart"),
        ("\x00\x1b/restart", "restart"),
        ("my bp is 120/80", "my bp is 120/80"),
        ("line\r\none\u2028two\tthree", "line\none\ntwo three"),
        ("gnp.\u202elis\u202c", "gnp.lis"),
        ("cafe\u0301", "café"),
        ("lone \ud83d surrogate", "lone  surrogate"),
        ("👍", "👍"),
        ("///", ""),
    ],
)
def test_nothing_but_plain_text_remains(written: str, read: str) -> None:
    assert plain_text(written) == (read, False)


def test_a_long_text_is_cut_and_says_so() -> None:
    assert plain_text("a" * MAX_TEXT) == ("a" * MAX_TEXT, False)
    assert plain_text("a" * (MAX_TEXT + 1)) == ("a" * MAX_TEXT, True)


@given(st.text())
def test_rasa_never_takes_it_for_a_command(written: str) -> None:
    text = plain_text(written).text
    assert not text.strip().startswith("/")
    assert plain_text(text).text == text
    text.encode()


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://chat.clinic.example/l/1", True),
        ("http://chat.clinic.example/l/1", False),
        ("https://localhost:5005/l/1", False),
        ("https://127.0.0.1/l/1", False),
        ("https://10.0.0.7/l/1", False),
        ("https://8.8.8.8/l/1", True),
        ("https://printer.local/", False),
        ("clinic.example", False),
    ],
)
def test_a_public_address_is_one_that_any_phone_can_open(url: str, public: bool) -> None:
    assert is_public(url) is public
