"""``python -m portal serve|migrate|seed``."""

from __future__ import annotations

import argparse
import logging
import sys

import uvicorn

from portal.app import create_app, make_store
from portal.db import StorageError
from portal.settings import Settings, SettingsError, load_settings


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status. What is wrong with settings or data is said in one line."""
    parser = argparse.ArgumentParser(prog="python -m portal", description="The embedded FHIR R4 patient portal.")
    parser.add_argument("command", choices=["serve", "migrate", "seed"])
    parser.add_argument("--fresh", action="store_true", help="seed: move the demo charts' dates to today")
    parser.add_argument("--verbose", action="store_true", help="serve: log each request's method, route and time")
    given = parser.parse_args(arguments)
    level = logging.INFO if given.verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        settings = load_settings()
        if given.command == "seed":
            seed(settings, given.fresh)
        else:
            {"serve": serve, "migrate": make_store}[given.command](settings)
    except (SettingsError, StorageError) as error:
        sys.stderr.write(f"portal: {error}\n")
        return 1
    return 0


def serve(settings: Settings) -> None:
    """Serve until interrupted. No access log of uvicorn's: it would write search parameters."""
    app = create_app(settings)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        ws="none",  # there are no WebSockets here, and Rasa's pinned library is too old for uvicorn's
        access_log=False,
        log_config=None,
        server_header=False,
    )


def seed(settings: Settings, fresh: bool = False) -> None:
    """Fill a portal with the demonstration patients and their sign-ins; `fresh` moves their dates to today."""
    from portal.seed import seed as run
    from portal.smart.users import Users

    store = make_store(settings)
    run(store, Users(store.engine), fresh=fresh)


if __name__ == "__main__":
    sys.exit(main())
