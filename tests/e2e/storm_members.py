"""The members of a storm: they send the requests, and their replies expire or are deleted."""

from __future__ import annotations

import asyncio

from tests.e2e.environment import E2EEnvironment
from tests.e2e.fake_discord.state import ANSWER_SECONDS, Interaction
from tests.e2e.storm_plan import CHANNELS, CLOSED_CHANNEL, GUILDS, PEOPLE, PERSON_WITHOUT_DMS, PlannedRequest
from tests.support.images import make_picture

LIBRARY_RETRY_SECONDS = 4.0
"""discord.py repeats a callback that failed with a 5xx after one second, then after three more."""


class Members:
    """Members of several servers.

    Attributes:
        requests: the planned request of each interaction, by its id.
    """

    def __init__(self, environment: E2EEnvironment) -> None:
        self._environment = environment
        self.requests: dict[int, PlannedRequest] = {}
        self._channels = [environment.discord.add_guild(CHANNELS) for _ in range(GUILDS)]
        self._people = [environment.discord.add_person(f"member {number}") for number in range(PEOPLE)]
        for channels in self._channels:
            channels[CLOSED_CHANNEL].denied = {"send_messages"}
            channels[CLOSED_CHANNEL].events_show_denied = False
        self._people[PERSON_WITHOUT_DMS].accepts_dms = False
        self._repeats: list[tuple[int, Interaction]] = []
        self._delivered: list[Interaction] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, request: PlannedRequest) -> None:
        """Send the request, and deliver earlier ones again that are due for a repeat."""
        discord = self._environment.discord
        interaction = discord.prepare_imagine(
            self._channels[request.guild][request.channel],
            self._people[request.person],
            request.prompt,
            reference=_reference(request),
            **request.options,
        )
        self.requests[interaction.id] = request
        if request.reply_fault != "none":
            task = asyncio.create_task(self._inject_reply_fault(request, interaction))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if await discord.deliver(interaction):
            self._delivered.append(interaction)
        if request.repeated_after is not None:
            self._repeats.append((request.repeated_after, interaction))
        due = [other for steps, other in self._repeats if steps <= 0]
        self._repeats = [(steps - 1, other) for steps, other in self._repeats if steps > 0]
        for other in due:
            await discord.deliver(other)

    async def _inject_reply_fault(self, request: PlannedRequest, interaction: Interaction) -> None:
        """Wait for the task at Rivya: the bot creates it only after its first answer was accepted."""
        await self._environment.wait_for_task(request.prompt)
        if request.reply_fault in {"expire", "both"}:
            interaction.expired = True
        if request.reply_fault in {"delete", "both"}:
            self._environment.discord.reply(interaction).deleted = True

    async def wait_answered(self) -> None:
        """Wait until every delivered interaction was answered, or is too old to be answered."""
        limit_seconds = ANSWER_SECONDS + LIBRARY_RETRY_SECONDS
        while any(one.answer_type is None and one.age_seconds() < limit_seconds for one in self._delivered):
            await asyncio.sleep(0.05)  # that an answer never comes cannot be awaited

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _reference(request: PlannedRequest) -> bytes | None:
    match request.kind:
        case "reference":
            return make_picture(size=(16, 16), colour=(request.number % 256, 80, 160))
        case "no picture":
            return b"<html>no picture</html>"
        case _:
            return None
