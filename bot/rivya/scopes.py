"""The scopes of an API key that Kuas needs.

Facts: https://rivya.ai/docs/api-authentication and api-files (read 2026-05).
"""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """A permission of an API key; a key that was made before a scope existed lacks it, and is made anew."""

    GENERATIONS_CREATE = "generations:create"
    GENERATIONS_READ = "generations:read"
    FILES_CREATE = "files:create"
    CREDITS_READ = "credits:read"
