"""Prometheus metrics: where a process keeps its own, and who may read them.

Metrics hold counts and times, by channel, queue and kind of error. Nothing that names or describes a person is a label.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE

__all__ = ["CONTENT_TYPE", "REGISTRY", "may_read"]

REGISTRY = CollectorRegistry()  # of this process; its counters begin anew with it
VARIABLE = "CHARTLINE_METRICS_TOKEN"

_LOOPBACK = ("127.0.0.1", "::1")
_HOSTS = ("localhost", "127.0.0.1", "[::1]")
_BY_PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def may_read(peer: str, headers: Mapping[str, str]) -> bool:
    """Whether a request may read the metrics: with `Authorization: Bearer <CHARTLINE_METRICS_TOKEN>`.

    Where no token is set, only who asks from this machine, for this machine: neither through a proxy on it, nor as a
    page in a browser on it that calls a name of its own which leads here.
    """
    token = os.environ.get(VARIABLE, "")
    if token:
        given = headers.get("authorization", "").encode(errors="replace")
        return hmac.compare_digest(given, f"Bearer {token}".encode())
    name, colon, port = headers.get("host", "").rpartition(":")
    host = name if colon and port.isdigit() else headers.get("host", "")
    return peer in _LOOPBACK and host in _HOSTS and not any(header in headers for header in _BY_PROXIES)
