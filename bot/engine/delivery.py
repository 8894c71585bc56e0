"""The protocol through which the engine posts progress and results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.jobs import DeliveredMessage, Failure, Job, Picture
    from bot.domain.limits import Receipt
    from bot.domain.progress import Progress


class UndeliverableError(Exception):
    """There is no way left to reach the member; nothing was posted."""


class Delivery(Protocol):
    """Post the progress and the result of a job. The engine makes one call at a time for each job."""

    async def find_reply(self, job: Job) -> int | None:
        """Return the message id of our first answer; None if Discord has none.

        Raises:
            TransientError: it cannot be asked now.
        """

    async def show_progress(self, job: Job, progress: Progress) -> None:
        """Show the progress line if possible. Never raises."""

    async def deliver(
        self, job: Job, pictures: Sequence[Picture], receipt: Receipt, *, shrunk: bool, lost: int
    ) -> DeliveredMessage:
        """Post the pictures of a job, one or more, where the member sees them.

        Together they fit into one message; `shrunk` says that one was made smaller for that. `lost` is how
        many more there are that could not be downloaded.

        Raises:
            UndeliverableError: no way is left.
            TransientError: the platform is out of reach; ask again.
        """

    async def deliver_failure(self, job: Job, failure: Failure) -> None:
        """Tell the member that there will be no picture, and what was charged.

        Raises:
            UndeliverableError: no way is left.
            TransientError: the platform is out of reach; ask again.
        """
