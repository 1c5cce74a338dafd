"""Counting, sparing and cutting of SMS text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.segments import BASIC, EXTENSION, cut, economical, is_gsm, page, segments

HINT = "Reply MORE for the rest."
LABS = "\n".join(f"Test {i}: 5.{i} mmol/L, in range, March {i}" for i in range(1, 31))


def test_the_alphabet_is_that_of_3gpp_ts_23_038() -> None:
    assert (len(BASIC), len(EXTENSION)) == (127, 10)  # 128 places without the escape itself
    assert is_gsm("éñü ¡Ñ¿ àèìòù")
    assert not any(is_gsm(c) for c in "áíóúÁÍÓÚ`–’µ°✓")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 151, 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # the escape and its character stay together, so a septet is lost
        ("á" * 70, 1),
        ("á" * 71, 2),
        ("á" * 134, 2),
        ("á" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 66, 2),
        ("😀" * 67, 3),  # 67 units hold 33 pairs
    ],
)
def test_segments_are_counted_as_carriers_do(text: str, count: int) -> None:
    assert segments(text) == count


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("Dr. Lee’s note – “normal”… • ok", 'Dr. Lee\'s note - "normal"... - ok'),
        ("≥ 60, ≤ 5, ≈ 3, ± 2", ">= 60, <= 5, ~ 3, +/- 2"),
        ("98.6 °F and 37°C", "98.6 deg F and 37 deg C"),
        ("25 µg, 25 μg", "25 ug, 25 ug"),
        ("10³/µL, 1.73 m²", "10^3/uL, 1.73 m^2"),
        ("take 1½ tablets, then ½", "take 1 1/2 tablets, then 1/2"),
        ("a\u00a0b\u200bc", "a bc"),
        ("mañana, José", "mañana, José"),
    ],
)
def test_typographic_characters_become_plain_ones_and_keep_their_meaning(written: str, sent: str) -> None:
    assert economical(written) == sent
    assert is_gsm(sent)


def test_accents_stay_while_the_message_fits_and_go_where_they_would_halve_a_long_one() -> None:
    assert economical("Su medicación está lista") == "Su medicación está lista"
    long = "Su medicación está lista en la farmacia de José. ¿Mañana? " * 4
    assert segments(long) > 2
    assert economical(long) == ("Su medicacion esta lista en la farmacia de José. ¿Mañana? " * 4).strip()
    assert segments(economical(long)) == 2


def test_a_text_in_another_script_is_left_alone() -> None:
    assert economical("Ваш рецепт готов. " * 10) == ("Ваш рецепт готов. " * 10).strip()


def test_a_short_text_is_one_page_without_a_hint() -> None:
    assert page("a" * 306, HINT) == ("a" * 306, "")


def test_a_long_text_is_cut_at_lines_and_nothing_is_lost() -> None:
    shown, rest = [], LABS
    while rest:
        message, rest = page(rest, HINT)
        assert segments(message) <= 2
        assert message.endswith(f"\n{HINT}") is bool(rest)
        shown += message.removesuffix(f"\n{HINT}").split("\n")
    assert shown == LABS.split("\n")


def test_prose_is_cut_after_a_sentence_and_not_after_a_title() -> None:
    text = (
        "Your refill is on its way to the pharmacy on Main Street today, as Dr. Lee asked for it this morning. " * 5
    ).strip()
    head, rest = page(text, HINT)
    assert head.removesuffix(f"\n{HINT}").endswith("this morning.")
    assert rest.startswith("Your refill")
    titled = "x" * 200 + " ask Dr. " + "y" * 200
    assert page(titled, HINT)[1].startswith("y" * 200) and "ask Dr." in page(titled, HINT)[0]


def test_a_web_address_is_never_broken() -> None:
    link = "https://chat.clinic.example/l/" + "k" * 250
    head, rest = page(f"Open this page to see your results, it works for ten minutes: {link} and then come back", HINT)
    assert link in head or link in rest
    longer = "https://chat.clinic.example/l/" + "k" * 400
    assert page(f"{longer} then come back", HINT)[0].startswith(f"{longer}\n")


@given(st.text(alphabet=st.sampled_from("abc é €á😀\n.,ñ½°≥“"), max_size=900))
def test_no_page_takes_more_than_two_segments_and_no_word_is_lost(text: str) -> None:
    text = economical(text).strip()
    words, rest = [], text
    for _ in range(1000):
        if not rest:
            break
        message, rest = page(rest, HINT)
        assert segments(message) <= 2
        words.append(message.removesuffix(f"\n{HINT}"))
    assert "".join("".join(words).split()) == "".join(text.split())


def test_cutting_always_goes_on_even_where_nothing_fits() -> None:
    assert cut("abc", lambda part: False) == ("a", "bc")
