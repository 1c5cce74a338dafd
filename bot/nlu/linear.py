"""A linear text classifier: trained by SciPy, run by NumPy alone, stored without pickle."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from bot.nlu.logistic import Features, example_weights, fit, fit_temperature, held_out_scores, softmax
from bot.nlu.ngrams import NGramVectorizer


class LinearTextClassifier:
    """Softmax over a linear score of n-grams and, where there are any, of a sentence vector.

    `temperature` is fitted on held-out scores, so that a confidence of 0.8 is right about eight times in ten.
    """

    def __init__(
        self,
        labels: list[str],
        vectorizer: NGramVectorizer,
        weights: np.ndarray,
        bias: np.ndarray,
        temperature: float,
        dense_scale: float,
    ) -> None:
        self.labels = labels
        self.vectorizer = vectorizer
        self.weights = weights  # one row a feature (n-grams, then the sentence vector), one column a label
        self.bias = bias
        self.temperature = temperature
        self.dense_scale = dense_scale

    @property
    def dense_size(self) -> int:
        """Length of the sentence vector that it was trained with; 0 without."""
        return int(self.weights.shape[0]) - len(self.vectorizer.vocabulary)

    @classmethod
    def train(
        cls,
        texts: list[str],
        labels: list[str],
        dense: np.ndarray | None = None,
        *,
        strength: float = 10.0,
        dense_scale: float = 1.0,
        folds: int = 3,
    ) -> LinearTextClassifier:
        """Fits weights on all examples, and the temperature on cross-validated scores of the same examples.

        `strength` is the inverse of the regularisation. Each label counts the same, however many examples it has.
        """
        vectorizer = NGramVectorizer.fit(texts)
        names = sorted(set(labels))
        truth = np.array([names.index(label) for label in labels])
        features = Features(vectorizer.matrix(texts), None if dense is None else dense * dense_scale)
        importance = example_weights(truth)
        held_out = held_out_scores(features, truth, importance, strength, folds)
        weights, bias = fit(features, truth, importance, strength)
        return cls(names, vectorizer, weights, bias, fit_temperature(held_out, truth), dense_scale)

    def scores(self, text: str, dense: np.ndarray | None = None) -> np.ndarray:
        """The linear score of each label.

        Raises:
            ValueError: it was trained with a sentence vector and gets none, or the other way round.
        """
        if (0 if dense is None else len(dense)) != self.dense_size:
            raise ValueError("The classifier was trained with other features; train again.")
        columns, values = self.vectorizer.row(text)
        scores = values @ self.weights[columns] + self.bias
        if dense is not None:
            scores = scores + (dense * self.dense_scale) @ self.weights[-self.dense_size :]
        return np.asarray(scores)

    def probabilities(self, text: str, dense: np.ndarray | None = None) -> np.ndarray:
        """The calibrated probability of each label, in the order of `labels`."""
        return softmax(self.scores(text, dense) / self.temperature)

    def save(self, folder: Path) -> None:
        """Writes the weights as npz and the rest as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        self.vectorizer.save(folder)
        np.savez_compressed(folder / "weights.npz", weights=self.weights.astype(np.float16), bias=self.bias)
        about = {"labels": self.labels, "temperature": self.temperature, "dense_scale": self.dense_scale}
        (folder / "classifier.json").write_text(json.dumps(about), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> LinearTextClassifier:
        """Reads what `save` wrote."""
        about = json.loads((folder / "classifier.json").read_text(encoding="utf-8"))
        with np.load(folder / "weights.npz") as arrays:
            weights, bias = arrays["weights"].astype(np.float32), arrays["bias"]
        vectorizer = NGramVectorizer.load(folder)
        return cls(about["labels"], vectorizer, weights, bias, about["temperature"], about["dense_scale"])
