"""`make shell`: chat in the terminal, over the same web channel as the widget, with what `make run` started."""

from __future__ import annotations

import json
import sys
import threading
import time
import uuid
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape

from scripts.environment import environment

console = Console(highlight=False)


def main() -> None:
    """Read lines, print answers, until Ctrl-D or Ctrl-C."""
    url = environment()["CHARTLINE_PUBLIC_URL"] + "/webhooks/web"
    try:
        token = httpx.post(f"{url}/session", timeout=10).raise_for_status().json()["token"]
    except httpx.HTTPError:
        sys.exit(f"Nothing answers at {url}. Start it in another terminal: make run")
    client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    choices: list[dict[str, str]] = []
    threading.Thread(target=_listen, args=(client, choices), daemon=True).start()
    console.print("[dim]Write and press Enter. A number picks a choice. Ctrl-D ends.[/dim]")
    try:
        while True:
            text = input().strip()
            if text:
                _say(client, text, choices)
    except (EOFError, KeyboardInterrupt):
        console.print("Bye.")


def _say(client: httpx.Client, text: str, choices: list[dict[str, str]]) -> None:
    message: dict[str, str] = {"id": str(uuid.uuid4())}
    picked = text.isdigit() and 1 <= int(text) <= len(choices)
    message |= {"choice": choices[int(text) - 1]["id"]} if picked else {"text": text}
    try:
        client.post("/messages", json=message).raise_for_status()
    except httpx.HTTPError:
        console.print("[red]Not sent. Is `make run` still there?[/red]")


def _listen(client: httpx.Client, choices: list[dict[str, str]]) -> None:
    last = ""
    while True:
        try:
            headers = {"Last-Event-ID": last} if last else {}
            with client.stream("GET", "/events", headers=headers, timeout=40) as stream:
                for line in stream.iter_lines():
                    field, _, value = line.partition(": ")
                    if field == "id":
                        last = value
                    elif field == "data":
                        _show(json.loads(value), choices)
        except httpx.HTTPError:
            time.sleep(1)


def _show(event: dict[str, Any], choices: list[dict[str, str]]) -> None:
    if event.get("type") != "message" or event["from"] != "assistant":
        return
    console.print(f"[cyan]{escape(event['text'])}[/cyan]")
    choices[:] = event["choices"]
    for number, choice in enumerate(choices, 1):
        console.print(f"  [bold]{number}[/bold] {escape(choice['title'])}")
    for link in event["links"]:
        console.print(f"  {escape(link['title'])}: {link['url']}")
    if event["image"]:
        console.print(f"  [dim](picture: {escape(event['image']['alt'])})[/dim]")


if __name__ == "__main__":
    main()
