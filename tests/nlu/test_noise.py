"""Noise for training: the same dice give the same text, and the text stays recognizable."""

from __future__ import annotations

import random

from rapidfuzz import fuzz

from bot.nlu.noise import noisy

TEXT = "Could you please refill my blood pressure medicine before tomorrow?"


def test_it_changes_nearly_every_text_and_never_beyond_recognition() -> None:
    dice = random.Random(1)
    made = [noisy(TEXT, dice) for _ in range(200)]
    assert sum(text != TEXT for text in made) > 150
    assert min(fuzz.ratio(text.lower(), TEXT.lower()) for text in made) > 60


def test_the_same_dice_give_the_same_text() -> None:
    assert noisy(TEXT, random.Random(5)) == noisy(TEXT, random.Random(5))


def test_the_shortest_texts_survive() -> None:
    dice = random.Random(2)
    assert all(noisy(text, dice) for text in ("a", "the", "k", "sí", "?!", "ok") for _ in range(50))
