"""The committed bundle is what the sources give, small, and free of what a strict page forbids. Needs no Node."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

WEB = Path(__file__).parents[2] / "bot" / "web"
WIDGET = WEB / "widget"
BUNDLE = WEB / "static" / "chartline.js"
INPUTS = ("build.mjs", "package.json", "package-lock.json", "tsconfig.json", "src")


def _hash_of_sources() -> str:
    roots = [WIDGET / name for name in INPUTS]
    files = [f for root in roots for f in ([root] if root.is_file() else root.rglob("*")) if f.is_file()]
    digest = hashlib.sha256()
    for name, file in sorted((file.relative_to(WIDGET).as_posix(), file) for file in files):
        digest.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _banner() -> tuple[str, str, bytes]:
    first, code = BUNDLE.read_bytes().split(b"\n", 1)
    found = re.search(rb"sources=([0-9a-f]{64}) code=([0-9a-f]{64})", first)
    assert found, "the bundle has no banner: build it with `npm run build`"
    return found[1].decode(), found[2].decode(), code


def test_the_bundle_was_built_from_these_sources() -> None:
    assert _banner()[0] == _hash_of_sources(), "run `npm ci && npm run build` in bot/web/widget and commit chartline.js"


def test_nobody_edited_the_bundle_by_hand() -> None:
    _, promised, code = _banner()
    assert hashlib.sha256(code).hexdigest() == promised


def test_the_bundle_is_at_most_30_kilobytes_gzipped() -> None:
    assert len(gzip.compress(BUNDLE.read_bytes(), 9)) <= 30_000


def test_no_text_becomes_markup_or_code() -> None:
    forbidden = re.compile(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|new Function)\b")
    assert forbidden.findall(BUNDLE.read_text(encoding="utf-8")) == []


def test_both_languages_have_words_for_everything() -> None:
    source = (WIDGET / "src" / "strings.ts").read_text(encoding="utf-8")
    english, spanish = (re.findall(r"^  (\w+):", part, re.M) for part in re.split(r"const es: Strings", source)[:2])
    assert spanish
    assert sorted(set(english)) == sorted(set(spanish))
