"""Parses the trap's JSON request."""

from __future__ import annotations

import json
from dataclasses import dataclass, field


class BadRequest(Exception):
    """The request is invalid: a bug in the caller, not an error of the user."""


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
        raise BadRequest("KDOCK_TRAP: stops must not be empty, count and timeout must be positive")
    return request
