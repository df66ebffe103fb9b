"""What is to be trapped: the JSON that the caller writes, checked."""

from __future__ import annotations

import json
from dataclasses import dataclass, field


class BadRequest(Exception):
    """The caller's mistake, not the user's."""


@dataclass(frozen=True)
class Request:
    """One run of the trap. Lists are never None."""

    vmlinux: str
    target: str
    stops: list[str]
    condition: str | None = None
    bt: bool = False
    args: bool = False
    locals: bool = False
    print: list[str] = field(default_factory=list)
    count: int = 1
    timeout: float = 30.0
    modules: str | None = None
    systemMap: str | None = None
    release: str = ""
    hardware: bool = False
    substitutePath: list[str] | None = None


def parse_request(text: str) -> Request:
    """Raises BadRequest."""
    try:
        request = Request(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise BadRequest(f"KDOCK_TRAP: {error}") from error
    if not request.stops or request.count < 1 or request.timeout <= 0:
        raise BadRequest("KDOCK_TRAP: stops, count and timeout must not be empty or nothing")
    return request
