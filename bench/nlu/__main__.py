"""Our pipeline and Rasa's stock one (DIET) on a public data set, side by side.

``python -m bench.nlu data_full.json [--pipeline ours] [--pipeline stock]``

The file has CLINC150's format (github.com/clinc/oos-eval, CC BY 3.0): JSON lists ``train``, ``val``, ``test`` of
[text, intent] and ``oos_val``, ``oos_test`` of [text, "oos"]. Each pipeline trains in a process of its own, without
any out-of-scope example. The threshold below which a sentence is out of scope is the one that gets most of ``val``
and ``oos_val`` right together. Prints a Markdown table. The stock pipeline takes an hour or more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml

OURS = ["WhitespaceTokenizer", "bot.nlu.sentence_encoder.SentenceEncoder"]
OURS += ["bot.nlu.intent_classifier.NGramIntentClassifier"]
STOCK: list[dict[str, Any]] = [
    {"name": "WhitespaceTokenizer"},
    {"name": "RegexFeaturizer"},
    {"name": "LexicalSyntacticFeaturizer"},
    {"name": "CountVectorsFeaturizer"},
    {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
    {"name": "DIETClassifier", "epochs": 100, "constrain_similarities": True},
]
PIPELINES: dict[str, list[dict[str, Any]]] = {"ours": [{"name": name} for name in OURS], "stock": STOCK}
HEAD = ["pipeline", "in scope", "out of scope", "threshold", "training s", "ms p50", "ms p95", "memory MB"]

Pairs = list[tuple[str, float, str]]  # found intent, its confidence, expected intent


def main() -> None:
    """One table row for each pipeline."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("file", type=Path)
    options.add_argument("--pipeline", action="append", choices=sorted(PIPELINES))
    options.add_argument("--here", action="store_true", help="in this process (used by the bench itself)")
    chosen = options.parse_args()
    if chosen.here:
        sys.stdout.write(json.dumps(measure(chosen.file, chosen.pipeline[0])) + "\n")
        return
    sys.stdout.write(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}\n")
    for name in chosen.pipeline or PIPELINES:
        command = [sys.executable, "-W", "ignore", "-m", "bench.nlu", str(chosen.file), "--pipeline", name, "--here"]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603 - our own module
        row = json.loads(done.stdout.splitlines()[-1])
        sys.stdout.write(f"| {' | '.join(str(row[column]) for column in HEAD)} |\n")
        sys.stdout.flush()


def measure(file: Path, pipeline: str) -> dict[str, Any]:
    """Trains, finds the threshold, and reads the test sentences."""
    data: dict[str, list[tuple[str, str]]] = json.loads(file.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        model = train(data["train"], PIPELINES[pipeline], Path(folder))
        seconds = time.perf_counter() - began
        read = {part: asyncio.run(parsed(model, data[part])) for part in ("val", "oos_val", "test", "oos_test")}
    limit = threshold(read["val"][0], read["oos_val"][0])
    times = read["test"][1]
    right = [found == expected for found, _, expected in read["test"][0]]
    rejected = [confidence < limit for _, confidence, _ in read["oos_test"][0]]
    kept = [found == expected and confidence >= limit for found, confidence, expected in read["test"][0]]
    return {
        "pipeline": pipeline,
        "in scope": f"{np.mean(right):.2%} ({np.mean(kept):.2%} with the threshold)",
        "out of scope": f"{np.mean(rejected):.2%}",
        "threshold": round(limit, 3),
        "training s": round(seconds),
        "ms p50": round(float(np.percentile(times, 50)), 1),
        "ms p95": round(float(np.percentile(times, 95)), 1),
        "memory MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def train(examples: list[tuple[str, str]], pipeline: list[dict[str, Any]], folder: Path) -> str:
    """Trains with Rasa itself; the path of the model."""
    from rasa.model_training import train_nlu

    by_intent: dict[str, list[str]] = {}
    for text, intent in examples:
        by_intent.setdefault(intent, []).append(" ".join(text.split()))
    nlu = [{"intent": name, "examples": "".join(f"- {t}\n" for t in texts)} for name, texts in by_intent.items()]
    (folder / "nlu.yml").write_text(yaml.safe_dump({"version": "3.1", "nlu": nlu}, width=10_000), encoding="utf-8")
    config = {"recipe": "default.v1", "language": "en", "assistant_id": "bench", "pipeline": pipeline, "policies": []}
    (folder / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    model = train_nlu(str(folder / "config.yml"), str(folder / "nlu.yml"), str(folder / "models"))
    if model is None:
        sys.exit("Rasa trained no model.")
    return str(model)


async def parsed(model: str, sentences: list[tuple[str, str]]) -> tuple[Pairs, list[float]]:
    """What the model finds for each sentence, and how many milliseconds that took, on one core."""
    from rasa.core.agent import Agent

    from bot import logs

    logs.configure()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    agent = Agent.load(model)
    pairs, times = [], []
    for text, expected in sentences:
        began = time.perf_counter()
        intent = (await agent.parse_message(text))["intent"]
        times.append((time.perf_counter() - began) * 1000)
        pairs.append((str(intent["name"]), float(intent["confidence"]), expected))
    return pairs, times


def threshold(inside: Pairs, outside: Pairs) -> float:
    """The confidence below which rejecting gets most of both right together, each list counting the same."""
    limits = np.linspace(0, 1, 201)
    right = [
        np.mean([found == expected and sure >= limit for found, sure, expected in inside])
        + np.mean([sure < limit for _, sure, _ in outside])
        for limit in limits
    ]
    return float(limits[int(np.argmax(right))])


if __name__ == "__main__":
    main()
