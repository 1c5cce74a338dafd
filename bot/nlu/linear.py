"""A linear text classifier: trained by scikit-learn, run by NumPy alone, stored without pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack

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
        class_weight: Any = "balanced",
        folds: int = 4,
    ) -> LinearTextClassifier:
        """Fits weights on all examples, and the temperature on cross-validated scores of the same examples."""
        vectorizer = NGramVectorizer.fit(texts)
        features = vectorizer.matrix(texts)
        if dense is not None:
            features = csr_matrix(hstack([features, csr_matrix(dense * dense_scale)]))
        model = _fit(features, labels, strength, class_weight)
        names = [str(name) for name in model.classes_]
        held_out, truth = _held_out_scores(features, labels, names, strength, class_weight, folds)
        weights, bias = _per_label(model)
        return cls(names, vectorizer, weights, bias, _fit_temperature(held_out, truth), dense_scale)

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


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _fit(features: csr_matrix, labels: list[str], strength: float, class_weight: Any) -> Any:
    from sklearn.linear_model import LogisticRegression  # training only: the serving process never loads it

    model = LogisticRegression(
        C=strength, class_weight=class_weight, solver="liblinear", multi_class="ovr", random_state=42
    )
    return model.fit(features, labels)


def _per_label(model: Any) -> tuple[np.ndarray, np.ndarray]:
    weights, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn keeps one column for two labels
        weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
    return weights.T.astype(np.float32), bias.astype(np.float32)


def _held_out_scores(
    features: csr_matrix, labels: list[str], names: list[str], strength: float, class_weight: Any, folds: int
) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.model_selection import StratifiedKFold

    truth = np.array([names.index(label) for label in labels])
    scores = np.zeros((len(labels), len(names)), dtype=np.float32)
    for seen, unseen in StratifiedKFold(folds, shuffle=True, random_state=42).split(truth, truth):
        model = _fit(features[seen], [labels[index] for index in seen], strength, class_weight)
        weights, bias = _per_label(model)
        scores[unseen] = features[unseen] @ weights + bias
    return scores, truth


def _fit_temperature(scores: np.ndarray, truth: np.ndarray) -> float:
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        chosen = softmax(scores / np.exp(log_temperature))[np.arange(len(truth)), truth]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))
