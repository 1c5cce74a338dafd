"""Which trained model belongs to the training data as it is now. A model's file name carries their fingerprint."""

from __future__ import annotations

import hashlib
from pathlib import Path

from accounts.errors import StateError

ROOT = Path(__file__).parent.parent
# What training depends on: the data, and the code that learns from it.
INPUTS = (
    "config.yml",
    "domain.yml",
    "domain/**/*.yml",
    "data/**/*",
    "actions/*.yml",
    "bot/importer.py",
    "bot/nlu/**/*.py",
    "bot/nlu/*.yml",
    "bot/nlu/tuned/manifest.json",
    "bot/policies/*.py",
    "uv.lock",
)


def fingerprint(root: Path = ROOT) -> str:
    """Twelve hex digits that change with anything that training depends on."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in INPUTS for path in root.glob(pattern) if path.is_file()}):
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def model_path(folder: Path, root: Path = ROOT) -> Path:
    """Where the model of the training data as it is now is, or will be."""
    return folder / f"chartline-{fingerprint(root)}.tar.gz"


def trained_model(folder: Path) -> Path:
    """The model to serve; `StateError` where it is missing, or is older than its training data."""
    path = model_path(folder)
    if path.exists():
        return path
    if any(folder.glob("*.tar.gz")):
        raise StateError(f"The model in {folder} is older than its training data: run `make train`")
    raise StateError(f"There is no trained model in {folder}: run `make train`")
