"""Multinomial logistic regression over sparse and dense features, by L-BFGS; used when training only.

scikit-learn's solvers want one matrix. Kept apart, the dense block goes through BLAS, which is ten times faster.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Features:
    """One row an example: a sparse block, and to its right a dense one where there is one."""

    sparse: csr_matrix
    dense: np.ndarray | None = None

    @property
    def columns(self) -> int:
        """How many features an example has."""
        return int(self.sparse.shape[1]) + (0 if self.dense is None else int(self.dense.shape[1]))

    def rows(self, chosen: np.ndarray) -> Features:
        """Some of the examples."""
        return Features(self.sparse[chosen], None if self.dense is None else self.dense[chosen])

    def times(self, weights: np.ndarray) -> np.ndarray:
        """`X @ weights`."""
        split = self.sparse.shape[1]
        found = self.sparse @ weights[:split]
        return np.asarray(found if self.dense is None else found + self.dense @ weights[split:])

    def turned_times(self, errors: np.ndarray) -> np.ndarray:
        """`X.T @ errors`."""
        found = self.sparse.T @ errors
        return np.asarray(found if self.dense is None else np.vstack([found, self.dense.T @ errors]))


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def example_weights(truth: np.ndarray) -> np.ndarray:
    """How much each example counts: so that all labels count the same in sum."""
    counts = np.bincount(truth)
    return np.asarray((len(truth) / (len(counts) * counts))[truth], dtype=np.float32)


def fit(
    features: Features, truth: np.ndarray, importance: np.ndarray, strength: float, iterations: int = 80
) -> tuple[np.ndarray, np.ndarray]:
    """The weights (a row a feature, a column a label) and the bias that explain `truth` best."""
    examples, labels = np.arange(len(truth)), int(truth.max()) + 1
    shape = (features.columns + 1, labels)

    def loss_and_slope(flat: np.ndarray) -> tuple[float, np.ndarray]:
        parameters = flat.reshape(shape).astype(np.float32)
        weights = parameters[:-1]
        errors = softmax(features.times(weights) + parameters[-1])
        loss = -(importance * np.log(np.maximum(errors[examples, truth], 1e-12))).sum()
        errors[examples, truth] -= 1
        errors *= importance[:, None]
        slope = np.vstack([features.turned_times(errors) + weights / strength, errors.sum(axis=0)])
        return float(loss + (weights**2).sum() / (2 * strength)), slope.ravel().astype(np.float64)

    start = np.zeros(shape[0] * shape[1])
    found = minimize(loss_and_slope, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations})
    best = found.x.reshape(shape).astype(np.float32)
    return best[:-1], best[-1]


def held_out_scores(
    features: Features, truth: np.ndarray, importance: np.ndarray, strength: float, folds: int
) -> np.ndarray:
    """Scores of each example by a model that did not see it."""
    scores = np.zeros((len(truth), int(truth.max()) + 1), dtype=np.float32)
    fold = stratified_folds(truth, folds)
    for unseen in range(folds):
        seen = np.flatnonzero(fold != unseen)
        weights, bias = fit(features.rows(seen), truth[seen], importance[seen], strength, iterations=40)
        rest = np.flatnonzero(fold == unseen)
        scores[rest, : len(bias)] = features.rows(rest).times(weights) + bias
    return scores


def stratified_folds(truth: np.ndarray, folds: int) -> np.ndarray:
    """The fold of each example; each label is spread evenly over the folds."""
    order = np.lexsort((np.random.default_rng(42).random(len(truth)), truth))
    fold = np.empty(len(truth), dtype=int)
    fold[order] = np.arange(len(truth)) % folds
    return fold


def fit_temperature(scores: np.ndarray, truth: np.ndarray) -> float:
    """What to divide scores by, so that a confidence of 0.8 is right eight times in ten (arXiv:1706.04599)."""

    def loss(log_temperature: float) -> float:
        chosen = softmax(scores / np.exp(log_temperature))[np.arange(len(truth)), truth]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))
