"""The members of the storm: they ask, and meanwhile things happen to their replies."""

from __future__ import annotations

import asyncio

from tests.e2e.environment import E2EEnvironment
from tests.e2e.fake_discord.state import ANSWER_SECONDS, Interaction
from tests.e2e.storm_plan import CHANNELS, CLOSED_CHANNEL, GUILDS, PEOPLE, SHUT_PERSON, PlannedRequest
from tests.support.images import make_picture

LIBRARY_PATIENCE_SECONDS = 4.0
"""A defer that failed with a 5xx is repeated after one second, then after three more."""


class Crowd:
    """Several servers; `deeds` tells of each interaction what it was meant to be."""

    def __init__(self, environment: E2EEnvironment) -> None:
        self._town = environment
        self.deeds: dict[int, PlannedRequest] = {}
        self._channels = [environment.discord.add_guild(CHANNELS) for _ in range(GUILDS)]
        self._people = [environment.discord.add_person(f"member {number}") for number in range(PEOPLE)]
        for channels in self._channels:
            channels[CLOSED_CHANNEL].denied = {"send_messages"}
            channels[CLOSED_CHANNEL].tells = False
        self._people[SHUT_PERSON].takes_dms = False
        self._repeats: list[tuple[int, Interaction]] = []
        self._told: list[Interaction] = []
        self._fates: set[asyncio.Task[None]] = set()

    async def ask(self, deed: PlannedRequest) -> None:
        """Press enter; and let Discord tell of earlier requests once more, where it is planned."""
        discord = self._town.discord
        interaction = discord.typed(
            self._channels[deed.guild][deed.channel],
            self._people[deed.person],
            deed.prompt,
            reference=_reference(deed),
        )
        self.deeds[interaction.id] = deed
        if deed.fate != "none":
            fate = asyncio.create_task(self._befall(deed, interaction))
            self._fates.add(fate)
            fate.add_done_callback(self._fates.discard)
        if await discord.deliver(interaction):
            self._told.append(interaction)
        if deed.repeated_after is not None:
            self._repeats.append((deed.repeated_after, interaction))
        due = [other for steps, other in self._repeats if steps <= 0]
        self._repeats = [(steps - 1, other) for steps, other in self._repeats if steps > 0]
        for other in due:
            await discord.deliver(other)

    async def _befall(self, deed: PlannedRequest, interaction: Interaction) -> None:
        """Only once there is a task: then our answer is known to have been recorded."""
        await self._town.painting(deed.prompt)
        if deed.fate in {"expire", "both"}:
            interaction.expired = True
        if deed.fate in {"delete", "both"}:
            self._town.discord.reply(interaction).deleted = True

    async def answered(self) -> None:
        """Wait until every event that can still be answered was, or never will be."""
        patience = ANSWER_SECONDS + LIBRARY_PATIENCE_SECONDS
        while any(one.answer_type is None and one.age_seconds() < patience for one in self._told):
            await asyncio.sleep(0.05)  # that somebody never answers is no event

    async def close(self) -> None:
        for fate in self._fates:
            fate.cancel()
        await asyncio.gather(*self._fates, return_exceptions=True)


def _reference(deed: PlannedRequest) -> bytes | None:
    match deed.kind:
        case "reference":
            return make_picture(size=(16, 16), colour=(deed.number % 256, 80, 160))
        case "no picture":
            return b"<html>no picture</html>"
        case _:
            return None
