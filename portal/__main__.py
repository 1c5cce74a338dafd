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
    command = parser.parse_args(arguments).command
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        {"serve": serve, "migrate": make_store, "seed": seed}[command](load_settings())
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


def seed(settings: Settings) -> None:
    """Fill an empty portal with the demonstration patients and their sign-ins."""
    from portal.seed import seed as run
    from portal.smart.users import Users

    store = make_store(settings)
    run(store, Users(store.engine))


if __name__ == "__main__":
    sys.exit(main())
