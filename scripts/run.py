"""`make run`: checks, trains, migrates and seeds what is not done yet, then runs the three processes together.

honcho starts and ends them as one: Ctrl-C, or the end of any one of them, ends all.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
from honcho.manager import Manager
from rich.console import Console

from bot.model import ROOT
from scripts.environment import environment, uses_own_portal
from scripts.train import train

PATIENCE = 120  # seconds until a process must be healthy
SEED_INPUTS = ("portal/seed/**/*", "portal/migrations/**/*.py")

console = Console(highlight=False)


def main() -> None:
    """Bring everything up, print the address, and stay until it ends. The exit status is the first failure's."""
    os.chdir(ROOT)
    env = environment()
    os.environ.update(env)
    _check_ports(env)
    train()
    if uses_own_portal(env):
        _prepare_portal(env)
    manager = Manager()
    for name, module in _processes(env).items():
        manager.add_process(name, f"{shlex.quote(sys.executable)} -m {module}", env=env, cwd=str(ROOT))
    threading.Thread(target=_announce, args=(env,), daemon=True).start()
    manager.loop()
    sys.exit(manager.returncode)


def _processes(env: dict[str, str]) -> dict[str, str]:
    portal = {"portal": "portal serve"} if uses_own_portal(env) else {}
    return {**portal, "actions": "actions", "assistant": "bot"}


def _health(env: dict[str, str]) -> dict[str, str]:
    address = {name: f"http://127.0.0.1:{env[f'CHARTLINE_{key}_PORT']}" for name, key in _PORT_OF.items()}
    paths = {"portal": "/health", "actions": "/health", "assistant": "/ready"}
    return {name: address[name] + paths[name] for name in _processes(env)}


_PORT_OF = {"portal": "PORTAL", "actions": "ACTIONS", "assistant": "BOT"}


def _check_ports(env: dict[str, str]) -> None:
    for name in _processes(env):
        variable = f"CHARTLINE_{_PORT_OF[name]}_PORT"
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", int(env[variable])))
            except ValueError:
                sys.exit(f"{variable}: not a port number")
            except OSError:
                sys.exit(
                    f"Port {env[variable]} is in use. Stop what uses it, or choose another for the {name}: "
                    f"{variable}={int(env[variable]) + 1000} make run"
                )


def _prepare_portal(env: dict[str, str]) -> None:
    stamp = Path(env["CHARTLINE_VAR"]) / ".seeded"
    if stamp.exists() and stamp.read_text() == _seed_fingerprint(env):
        return
    console.print("• Portal: preparing the demo patients")
    for step in ("migrate", "seed"):
        done = subprocess.run([sys.executable, "-m", "portal", step], env=env, stdout=subprocess.DEVNULL)
        if done.returncode:
            sys.exit(done.returncode)  # the portal has said in one line what is wrong
    stamp.write_text(_seed_fingerprint(env))  # anew: the database file is there only now


def _seed_fingerprint(env: dict[str, str]) -> str:
    digest = hashlib.sha256(env.get("CHARTLINE_PORTAL_DATABASE_URL", "").encode())
    database = Path(env["CHARTLINE_VAR"]) / "portal.db"
    digest.update(str(database.stat().st_ino if database.exists() else 0).encode())
    for path in sorted({path for pattern in SEED_INPUTS for path in ROOT.glob(pattern) if path.is_file()}):
        if "__pycache__" not in path.parts:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _announce(env: dict[str, str]) -> None:
    began, waiting = time.monotonic(), _health(env)
    while waiting and time.monotonic() - began < PATIENCE:
        for name, url in list(waiting.items()):
            if _is_healthy(url):
                console.print(f"• {name.capitalize()}: ready after {time.monotonic() - began:.1f} s")
                del waiting[name]
        time.sleep(0.1)
    if waiting:
        console.print(f"Not ready after {PATIENCE} s: {', '.join(waiting)}. Its lines above say why. Ctrl-C ends all.")
        return
    console.print(f"\n[bold]Chartline is ready: {env['CHARTLINE_PUBLIC_URL']}[/bold]")
    if uses_own_portal(env):
        console.print(
            "Sign in as a demo patient: [bold]rosa[/bold], password [bold]chartline-demo[/bold]. Ctrl-C ends it.\n"
        )


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


if __name__ == "__main__":
    main()
