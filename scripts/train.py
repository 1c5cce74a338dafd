"""Trains the model, if what it is made of has changed. `python -m scripts.train`"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from bot.model import ROOT, model_path

KEEP = 3  # older models, to go back to


def train(folder: Path = ROOT / "models") -> Path:
    """The model of the training data as it is now. Ends the program with one line where training fails."""
    path = model_path(folder)
    if path.exists():
        return path
    print("• Model: training (about a minute)", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    began, log = time.monotonic(), folder / "train.log"
    with log.open("wb") as output:
        done = subprocess.run(_command(path), cwd=ROOT, env=_environment(), stdout=output, stderr=output)
    if done.returncode or not path.exists():
        sys.exit(f"The model could not be trained: {_why(log)} ({log} says more; `make train` tries again)")
    for old in sorted(folder.glob("chartline-*.tar.gz"), key=lambda p: p.stat().st_mtime)[:-KEEP]:
        old.unlink()
    print(f"• Model: trained in {time.monotonic() - began:.0f} s", flush=True)
    return path


def _command(path: Path) -> list[str]:
    name = path.name.removesuffix(".tar.gz")
    return [sys.executable, "-m", "rasa", "train", "--out", str(path.parent), "--fixed-model-name", name]


def _environment() -> dict[str, str]:
    """Nothing is reported to anybody, not even that training failed."""
    return {**os.environ, "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}


def _why(log: Path) -> str:
    """The last line that names an error, without its colours."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    errors = [line for line in lines if "Error" in line or "Exception" in line]
    return errors[-1][:300] if errors else "no error was named"


if __name__ == "__main__":
    train()
