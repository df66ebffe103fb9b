"""Events for kdock: one JSON object per line, after a prefix."""

from __future__ import annotations

import json
import os

PREFIX = "@kdock "


class Events:
    """Writes events to the original stdout, and redirects gdb's stdout to stderr, so that lines do not mix."""

    def __init__(self) -> None:
        self._fd = os.dup(1)
        os.dup2(2, 1)

    def emit(self, event: str, **fields: object) -> None:
        """Writes an event, unbuffered: kdock runs its trigger on "armed"."""
        text = json.dumps({"event": event, **fields}, ensure_ascii=True, separators=(",", ":"))
        left = f"{PREFIX}{text}\n".encode()
        while left:
            left = left[os.write(self._fd, left) :]
