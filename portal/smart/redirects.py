"""Where an authorization may send the browser: exact matches, and loopback for apps on the same machine.

RFC 6749 section 3.1.2, RFC 9700 section 4.1.3 (exact match), RFC 8252 section 7.3 (any port on loopback).
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(host: str | None) -> bool:
    """Whether a host name is this machine."""
    return host in LOOPBACK


def check(uri: str) -> None:
    """`ValueError` where a redirect URI may not be registered: no https (but loopback), a fragment, no host."""
    parts = urlsplit(uri)
    secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    if not secure or not parts.hostname or "#" in uri or parts.username is not None:
        raise ValueError("a redirect URI is https://… without a fragment, or http://… on this machine")


def matches(uri: str, registered: list[str], *, any_port: bool = False) -> bool:
    """Whether `uri` is one of `registered`; with `any_port`, loopback ones may differ in the port alone."""
    if uri in registered:
        return True
    return any_port and any(_without_port(uri) == _without_port(known) is not None for known in registered)


def same_place(one: str, other: str) -> bool:
    """Whether two base URLs are the same, where `localhost` is another name of 127.0.0.1."""
    return _named_once(one.rstrip("/")) == _named_once(other.rstrip("/"))


def _without_port(uri: str) -> tuple[str, str, str] | None:
    parts = _split(uri)
    if parts is None or parts.scheme != "http" or not is_loopback(parts.hostname):
        return None
    if "#" in uri or "@" in parts.netloc:
        return None
    return str(parts.hostname), parts.path, parts.query


def _named_once(url: str) -> str:
    parts = _split(url)
    if parts is None or not is_loopback(parts.hostname):
        return url
    return parts._replace(netloc=f"localhost:{parts.port}").geturl()


def _split(uri: str) -> SplitResult | None:
    """The parts of a URI that a stranger sent; `None` where it has no sense (a bad port, an open bracket)."""
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    return parts
