"""Which servers may ask for pictures: the modes of the setting, and how one server stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AdmissionMode(StrEnum):
    """The setting `guilds.admission`; the values stand in rows."""

    OPEN = "open"
    """Every server, but for those that the operator has refused."""
    APPROVE = "approve"
    """A server that joins waits until the operator allows it."""
    LIST = "list"
    """The servers of `guilds.allowed` alone, whatever the operator decided before."""


class AdmissionState(StrEnum):
    """How a server stands; the values stand in the column `admissions.state`."""

    WAITING = "waiting"
    ADMITTED = "admitted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    """What the settings say about admission, as of the last start."""

    mode: AdmissionMode = AdmissionMode.OPEN
    allowed: frozenset[int] = frozenset()
    """The servers of `guilds.allowed`."""
    operator_guild: int | None = None
    """The operator's own server, which is always admitted."""
    contact: str = ""
    """Whom a server that is not admitted has to ask, in the operator's words (`about.contact`)."""


@dataclass(frozen=True, slots=True)
class Admission:
    """How one server stands with the operator. Times are epoch milliseconds, UTC."""

    guild_id: int
    state: AdmissionState
    name: str
    """As it was when the bot last saw it; may be empty."""
    members: int | None
    joined_at: int
    asked_at: int | None = None
    """When the operator was asked; None if not yet, or never."""
    decided_by: int | None = None
    """Who decided; 0 for the command line, None if nobody had to."""
    decided_at: int | None = None
    explained_at: int | None = None
    """When the refusal was explained in the server."""
    leave_at: int | None = None
    """When the bot leaves the server; None if it need not, or has left."""

    @property
    def is_decided(self) -> bool:
        """Whether the operator has decided."""
        return self.decided_at is not None
