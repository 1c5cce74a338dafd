"""Trains the model, if what it is made of has changed. `python -m scripts.train`"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from bot.model import ROOT, model_path

KEEP = 3  # older models, to go back to


def train(folder: Path = ROOT / "models") -> Path:
    """The model of the training data as it is now. Ends the program with Rasa's own words where training fails."""
    path = model_path(folder)
    if path.exists():
        return path
    print("• Model: training (about a minute)", flush=True)
    began = time.monotonic()
    command = [sys.executable, "-m", "rasa", "train", "--quiet", "--out", str(folder)]
    done = subprocess.run(
        [*command, "--fixed-model-name", path.name.removesuffix(".tar.gz")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode or not path.exists():
        sys.exit(f"{done.stdout}\nThe model could not be trained: see above. `make train` tries again.")
    for old in sorted(folder.glob("chartline-*.tar.gz"), key=lambda p: p.stat().st_mtime)[:-KEEP]:
        old.unlink()
    print(f"• Model: trained in {time.monotonic() - began:.0f} s", flush=True)
    return path


if __name__ == "__main__":
    train()
