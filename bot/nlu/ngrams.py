"""Words and characters of a message as a weighted sparse vector; needs NumPy and SciPy only."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

_WORD = re.compile(r"[\w'+%$]+|[^\w\s'\".,;:!()*/-]")
_LONG_REPEAT = re.compile(r"(.)\1{2,}")
_APOSTROPHES = str.maketrans("‘’ʼ´`", "'''''")


def normalise(text: str) -> str:
    """Lower case without accents; one kind of apostrophe; "sooooo" as "soo"."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES).lower())
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _LONG_REPEAT.sub(r"\1\1", plain)


def words(text: str) -> list[str]:
    """The words of a normalised text without apostrophes ("dont" is "don't"); "?" and an emoji are words too."""
    return [word for found in _WORD.findall(normalise(text)) if (word := found.replace("'", ""))]


def word_grams(tokens: list[str]) -> Iterator[str]:
    """Single words, and pairs with the text's beginning and end marked."""
    yield from tokens
    marked = ["^", *tokens, "$"]
    yield from (f"{left} {right}" for left, right in pairwise(marked))


def char_grams(tokens: list[str], longest: int = 5) -> Iterator[str]:
    """All runs of 1 to `longest` characters inside each word, a blank on both sides included."""
    for token in tokens:
        padded = f" {token} "
        for size in range(1, longest + 1):
            yield from (padded[start : start + size] for start in range(len(padded) - size + 1))


class NGramVectorizer:
    """Text to a row of tf-idf weights: a block of word n-grams and a block of character n-grams, each of length 1."""

    def __init__(self, vocabulary: dict[str, int], idf: np.ndarray) -> None:
        self.vocabulary = vocabulary
        self.idf = idf

    @classmethod
    def fit(cls, texts: Iterable[str], min_count: int = 2) -> NGramVectorizer:
        """Learns which n-grams there are (in at least `min_count` texts) and how rare each is."""
        seen: Counter[str] = Counter()
        total = 0
        for text in texts:
            total += 1
            seen.update({gram for block in _blocks(text) for gram in block})
        kept = [gram for gram, count in seen.items() if count >= min_count]
        idf = np.log((1 + total) / (1 + np.array([seen[gram] for gram in kept], dtype=np.float32))) + 1
        return cls({gram: index for index, gram in enumerate(kept)}, idf.astype(np.float32))

    def row(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """Column indices and weights of one text."""
        parts = [self._weigh(block) for block in _blocks(text)]
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def matrix(self, texts: Iterable[str]) -> csr_matrix:
        """One row for each text."""
        rows = [self.row(text) for text in texts]
        ends = np.cumsum([0] + [len(columns) for columns, _ in rows])
        columns = np.concatenate([columns for columns, _ in rows])
        values = np.concatenate([values for _, values in rows])
        return csr_matrix((values, columns, ends), shape=(len(rows), len(self.vocabulary)))

    def _weigh(self, counts: Counter[str]) -> tuple[np.ndarray, np.ndarray]:
        known = [(self.vocabulary[gram], count) for gram, count in counts.items() if gram in self.vocabulary]
        columns = np.array([column for column, _ in known], dtype=np.int32)
        weights = (1 + np.log(np.array([count for _, count in known], dtype=np.float32))) * self.idf[columns]
        return columns, (weights / max(float(np.linalg.norm(weights)), 1e-9)).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Writes `vocabulary.json` and `idf.npz`."""
        (folder / "vocabulary.json").write_text(json.dumps(list(self.vocabulary)), encoding="utf-8")
        np.savez_compressed(folder / "idf.npz", idf=self.idf)

    @classmethod
    def load(cls, folder: Path) -> NGramVectorizer:
        """Reads what `save` wrote."""
        grams = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        with np.load(folder / "idf.npz") as arrays:
            return cls({gram: index for index, gram in enumerate(grams)}, arrays["idf"])


def _blocks(text: str) -> tuple[Counter[str], Counter[str]]:
    tokens = words(text)
    # The marks keep a word apart from the same run of characters in the shared vocabulary.
    return Counter(f"w:{gram}" for gram in word_grams(tokens)), Counter(char_grams(tokens))
