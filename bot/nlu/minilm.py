"""The network of all-MiniLM-L6-v2 as an ONNX graph, built from the published weights (Apache-2.0).

A plain BERT of six layers (arXiv:1810.04805; activation: exact GELU) with mean pooling and unit length, as its
`modules.json` says. Needs the packages `onnx` and `safetensors`; only training does.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYERS, HEADS, WIDTH, EPSILON = 6, 12, 384, 1e-12


class WrongWeights(ValueError):
    """The file of weights is not the published one."""


def build(weights: Path) -> onnx.ModelProto:
    """The graph: `ids` (batch, length), all of one length without padding, to `vectors` (batch, 384).

    Raises:
        WrongWeights: the file's SHA-256 differs from the published weights'.
    """
    if sha256(weights.read_bytes()).hexdigest() != WEIGHTS_SHA256:
        raise WrongWeights(f"{weights.name} is not the published all-MiniLM-L6-v2; install the package again.")
    return build_from(load_file(weights))


def build_from(weights: dict[str, np.ndarray], heads: Sequence[str] = ()) -> onnx.ModelProto:
    """The graph of any weights of this shape. Each of `heads` is a linear layer `<head>.weight` (384, n) and
    `<head>.bias` on the pooled vector, and gives an output of its name: the probabilities of its n classes."""
    return _Graph(weights, heads).model()


class _Graph:
    """Collects nodes and constants; each method adds one step and returns the name of its output."""

    def __init__(self, weights: dict[str, np.ndarray], heads: Sequence[str]) -> None:
        self._weights = weights
        self._classes = heads
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, np.ndarray] = {}

    def model(self) -> onnx.ModelProto:
        state = self._embeddings()
        for layer in range(LAYERS):
            state = self._layer(state, f"encoder.layer.{layer}")
        pooled = self._pooled(state)
        self._add("LpNormalization", [pooled], "vectors", axis=1, p=2)
        for head in self._classes:
            self._head(pooled, head)
        graph = helper.make_graph(
            self._nodes,
            "all-MiniLM-L6-v2",
            [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "length"])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size]) for name, size in self._outputs()],
            [numpy_helper.from_array(array, name) for name, array in self._constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        return model

    def _embeddings(self) -> str:
        words = self._add("Gather", [self._weight("embeddings.word_embeddings.weight"), "ids"])
        shape = self._add("Shape", ["ids"])
        length = self._add("Gather", [shape, self._constant("one", np.array(1))], axis=0)
        zero, one = self._constant("zero", np.array(0)), self._constant("one", np.array(1))
        places = self._add("Range", [zero, length, one])
        positions = self._add("Gather", [self._weight("embeddings.position_embeddings.weight"), places])
        kind = self._constant("kind", self._weights["embeddings.token_type_embeddings.weight"][0])
        total = self._add("Add", [self._add("Add", [words, positions]), kind])
        return self._norm(total, "embeddings.LayerNorm")

    def _layer(self, state: str, name: str) -> str:
        attended = self._attention(state, f"{name}.attention.self")
        mixed = self._linear(attended, f"{name}.attention.output.dense")
        state = self._norm(self._add("Add", [state, mixed]), f"{name}.attention.output.LayerNorm")
        wide = self._gelu(self._linear(state, f"{name}.intermediate.dense"))
        narrow = self._linear(wide, f"{name}.output.dense")
        return self._norm(self._add("Add", [state, narrow]), f"{name}.output.LayerNorm")

    def _attention(self, state: str, name: str) -> str:
        query = self._heads(state, f"{name}.query", [0, 2, 1, 3])
        keys = self._heads(state, f"{name}.key", [0, 2, 3, 1])
        values = self._heads(state, f"{name}.value", [0, 2, 1, 3])
        scale = self._constant("scale", np.array(1 / np.sqrt(WIDTH / HEADS), dtype=np.float32))
        scores = self._add("Mul", [self._add("MatMul", [query, keys]), scale])
        mixed = self._add("MatMul", [self._add("Softmax", [scores], axis=-1), values])
        rows = self._add("Transpose", [mixed], perm=[0, 2, 1, 3])
        return self._add("Reshape", [rows, self._constant("joined", np.array([0, 0, WIDTH]))])

    def _heads(self, state: str, name: str, order: list[int]) -> str:
        split = self._constant("split", np.array([0, 0, HEADS, WIDTH // HEADS]))
        return self._add("Transpose", [self._add("Reshape", [self._linear(state, name), split])], perm=order)

    def _linear(self, state: str, name: str) -> str:
        turned = self._constant(f"{name}.weight.T", np.ascontiguousarray(self._weights[f"{name}.weight"].T))
        return self._add("Add", [self._add("MatMul", [state, turned]), self._weight(f"{name}.bias")])

    def _norm(self, state: str, name: str) -> str:
        parameters = [self._weight(f"{name}.weight"), self._weight(f"{name}.bias")]
        return self._add("LayerNormalization", [state, *parameters], axis=-1, epsilon=EPSILON)

    def _gelu(self, state: str) -> str:
        root = self._constant("root2", np.array(np.sqrt(2), dtype=np.float32))
        one = self._constant("onef", np.array(1, dtype=np.float32))
        half = self._constant("half", np.array(0.5, dtype=np.float32))
        bent = self._add("Add", [self._add("Erf", [self._add("Div", [state, root])]), one])
        return self._add("Mul", [self._add("Mul", [state, bent]), half])

    def _outputs(self) -> list[tuple[str, int]]:
        return [("vectors", WIDTH), *((head, len(self._weights[f"{head}.bias"])) for head in self._classes)]

    def _head(self, pooled: str, name: str) -> None:
        scores = self._add("Gemm", [pooled, self._weight(f"{name}.weight"), self._weight(f"{name}.bias")])
        self._add("Softmax", [scores], name, axis=-1)

    def _pooled(self, state: str) -> str:
        return self._add("ReduceMean", [state], axes=[1], keepdims=0)

    def _weight(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _constant(self, name: str, array: np.ndarray) -> str:
        self._constants[name] = array
        return name

    def _add(self, kind: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        name = output or f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name
