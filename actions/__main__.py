"""`python -m actions`: the action server, on loopback unless told otherwise."""

from __future__ import annotations

import os
import sys

from accounts import logs
from accounts.errors import AccountsError
from actions.bootstrap import services
from actions.server import create_app


def main() -> None:
    """Check the settings, then serve until stopped. Exit status 1 with one line where a setting is wrong."""
    token = os.environ.get("CHARTLINE_ACTIONS_TOKEN", "")
    if not token:
        sys.exit("CHARTLINE_ACTIONS_TOKEN: is not set; the assistant and the action server share it")
    try:
        logs.configure()
        services()
    except AccountsError as error:
        sys.exit(str(error))
    host = os.environ.get("CHARTLINE_ACTIONS_HOST", "127.0.0.1")
    port = int(os.environ.get("CHARTLINE_ACTIONS_PORT", "5055"))
    create_app(token).run(host, port, access_log=False)


if __name__ == "__main__":
    main()
