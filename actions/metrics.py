"""What an operator watches of the portal: its errors, by kind."""

from __future__ import annotations

from prometheus_client import Counter

from accounts.scrape import REGISTRY

PORTAL_ERRORS = Counter(
    "chartline_portal_errors", "Calls that the portal did not answer as it should.", ["kind"], registry=REGISTRY
)
