"""What the engine asks of whoever brings results to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bot.domain.jobs import DeliveredMessage, Failure, Job, Picture, Progress
    from bot.domain.limits import Receipt


class UndeliverableError(Exception):
    """Every way to the member is closed; nothing was posted."""


class Delivery(Protocol):
    """Brings a job's news to its people. The engine never calls it twice at once for one job."""

    async def find_reply(self, job: Job) -> int | None:
        """Ask whether our first answer exists: its message id, or None if the member saw none.

        Raises:
            TransientError: it cannot be asked now.
        """

    async def show_progress(self, job: Job, progress: Progress) -> None:
        """Show one true line, as far as possible. Never raises."""

    async def deliver(
        self, job: Job, picture: Picture, receipt: Receipt, *, shrunk: bool
    ) -> DeliveredMessage:
        """Post the picture where its people see it; `shrunk` if it was made smaller to fit.

        Raises:
            UndeliverableError: no way is left.
            TransientError: the platform is out of reach; ask again.
        """

    async def deliver_failure(self, job: Job, failure: Failure) -> None:
        """Tell the member that no picture comes, and what that cost.

        Raises:
            UndeliverableError: no way is left.
            TransientError: the platform is out of reach; ask again.
        """
