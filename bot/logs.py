"""Logs without what a patient wrote: warnings and errors, a request's outcome, never its words."""

from __future__ import annotations

import logging
from typing import Any

import pluggy
from rasa.plugin import plugin_manager
from rasa.utils.log_utils import configure_structlog

from bot.channels.quiet import quiet_libraries

_PLUGIN = "chartline-logs"


class _Removed:
    """Rasa passes everything that could name a person through a plugin's pipeline before it logs it."""

    def log_run(self, _value: Any) -> str:
        return "…"


class _Plugin:
    @pluggy.HookimplMarker("rasa")
    def get_anonymization_pipeline(self) -> _Removed:
        return _Removed()


def configure(level: int = logging.WARNING) -> None:
    """Set up the process's logging. Calling it again does no harm."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if plugin_manager().get_plugin(_PLUGIN) is None:
        plugin_manager().register(_Plugin(), name=_PLUGIN)
    configure_structlog(level)
    quiet_libraries()
