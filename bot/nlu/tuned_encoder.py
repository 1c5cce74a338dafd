"""The fine-tuned encoder in `bot/nlu/tuned/`: how likely each danger and each intent is, from a sentence.

`scripts/tune_encoder.py` writes it. The manifest beside the network holds its SHA-256 and the names of its classes.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "tuned"
GRAPH_FILE, TOKENIZER_FILE, MANIFEST_FILE = "encoder.onnx", "tokenizer.json", "manifest.json"
LONGEST = 128  # word pieces


class DamagedWeights(ValueError):
    """The network is not the one that its manifest names."""


class TunedEncoder:
    """The network and its tokenizer. `classes` names what each head tells apart."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Loads and checks.

        Raises:
            DamagedWeights: the file's SHA-256 differs from the manifest's.
        """
        import onnxruntime
        from tokenizers import Tokenizer

        manifest = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        graph = (folder / GRAPH_FILE).read_bytes()
        if sha256(graph).hexdigest() != manifest["sha256"]:
            raise DamagedWeights(f"{GRAPH_FILE} is not the one that {MANIFEST_FILE} names; restore both files.")
        self.classes: dict[str, list[str]] = manifest["classes"]
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LONGEST)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def read(self, text: str) -> dict[str, dict[str, float]]:
        """For each head, the probability of each of its classes."""
        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        heads = list(self.classes)
        found = self._session.run(heads, {"ids": ids})
        return {
            head: dict(zip(self.classes[head], map(float, row[0]), strict=True))
            for head, row in zip(heads, found, strict=True)
        }


def write(folder: Path, weights: dict[str, np.ndarray], classes: dict[str, list[str]], tokenizer: Path) -> None:
    """Stores a tuned network with weights of 8 bits, its tokenizer, and the manifest."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    from bot.nlu.minilm import build_from

    folder.mkdir(parents=True, exist_ok=True)
    whole, graph = folder / "whole.onnx", folder / GRAPH_FILE
    onnx.save(build_from(weights, list(classes)), str(whole))
    quantize_dynamic(whole, graph, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
    whole.unlink()
    (folder / TOKENIZER_FILE).write_bytes(tokenizer.read_bytes())
    manifest = {"sha256": sha256(graph.read_bytes()).hexdigest(), "classes": classes}
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
