"""What the trap tells: one JSON object per line, each known by its beginning."""

from __future__ import annotations

import json
import os

PREFIX = "@kdock "


class Events:
    """Writes events where stdout was, and sends whatever gdb says there to stderr, so that no line is in another."""

    def __init__(self) -> None:
        self._fd = os.dup(1)
        os.dup2(2, 1)

    def emit(self, event: str, **fields: object) -> None:
        """Written at once: the reader provokes what is waited for when it hears of it."""
        text = json.dumps({"event": event, **fields}, ensure_ascii=True, separators=(",", ":"))
        left = f"{PREFIX}{text}\n".encode()
        while left:
            left = left[os.write(self._fd, left) :]
