"""Is everything in place? One finding a line, before anybody relies on it.

Nothing is spent: the scopes that only a paid call would show are said to be unseen.

Owns the examination. Never imports anything of ours but calls, catalog, client, database, datafile, errors,
login, settings.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.discord_client.login import visit
from bot.domain.errors import ContractBroken, KuasError
from bot.domain.image_models import MODELS
from bot.rivya.client import Rivya, open_session
from bot.storage.database import Database, open_read_only
from bot.storage.file_lock import InUse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from bot.config.settings import DiscordSettings, Settings
    from bot.discord_client.login import Visit
    from bot.domain.image_models import Model
    from bot.rivya.calls import Attempt


LEAST_FREE_BYTES: Final = 200_000_000
"""Room for references on their way, the write-ahead log and a backup."""
CLOCK_TOLERANCE_SECONDS: Final = 20.0
"""The ladder of delivery leaves half a minute for the way."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    well: bool
    words: str


async def examine(settings: Settings, channel_ids: Iterable[int] = ()) -> AsyncIterator[Finding]:
    """Look at everything in turn, at these channels too; one trouble does not hide the next."""
    yield await _database(settings.database.path)
    yield _disk(settings.database.path)
    async for finding in _discord(settings.discord, channel_ids):
        yield finding
    model = MODELS[settings.rivya.model]
    attempts: list[Attempt] = []
    async with open_session() as session:
        rivya = Rivya(
            session,
            base_url=settings.rivya.base_url,
            api_key=settings.rivya.api_key.get_secret_value(),
            watch=attempts.append,
        )
        yield await _wallet(rivya, model)
        yield await _scopes(rivya)
        yield await _model(rivya, model)
    yield _clock(attempts)


async def _database(path: Path) -> Finding:
    try:
        try:
            database = await Database.open(path)
        except InUse:
            open_read_only(path).close()
            return Finding("database", well=True, words=f"{path}, in use by the running bot")
        await database.close()
    except KuasError as error:
        return Finding("database", well=False, words=str(error))
    return Finding("database", well=True, words=f"{path}, up to date")


async def _discord(settings: DiscordSettings, channel_ids: Iterable[int]) -> AsyncIterator[Finding]:
    try:
        async with visit(settings.token.get_secret_value()) as seen:
            yield Finding(
                "discord",
                well=True,
                words=f"the token belongs to {seen.name}; no privileged intent is needed",
            )
            yield await _commands(seen)
            if settings.operator_guild is not None:
                yield await _operator_guild(seen, settings.operator_guild)
            for channel_id in channel_ids:
                yield await _channel(seen, channel_id)
    except KuasError as error:
        yield Finding("discord", well=False, words=str(error))


async def _commands(seen: Visit) -> Finding:
    try:
        names = await seen.commands()
    except KuasError as error:
        return Finding("discord commands", well=False, words=str(error))
    words = ", ".join(f"/{name}" for name in names) if names else "none yet; the first start registers them"
    return Finding("discord commands", well=True, words=words)


async def _operator_guild(seen: Visit, guild_id: int) -> Finding:
    try:
        name = await seen.guild_name(guild_id)
    except KuasError as error:
        words = f"discord.operator_guild {guild_id}: {error}; invite the bot there"
        return Finding("operator's server", well=False, words=words)
    return Finding("operator's server", well=True, words=f"/operator is in {name}")


async def _channel(seen: Visit, channel_id: int) -> Finding:
    name = f"channel {channel_id}"
    try:
        missing = await seen.lacking(channel_id)
    except KuasError as error:
        return Finding(name, well=False, words=str(error))
    if missing:
        return Finding(name, well=False, words=f"the bot lacks {', '.join(missing)}")
    return Finding(name, well=True, words="pictures can be posted there")


def _disk(path: Path) -> Finding:
    try:
        free = shutil.disk_usage(path.resolve().parent).free
    except OSError as error:
        return Finding("disk", well=False, words=f"{path.parent}: {error.strerror}")
    megabytes = free // 1_000_000
    if free < LEAST_FREE_BYTES:
        return Finding("disk", well=False, words=f"only {megabytes} MB are free beside {path}")
    return Finding("disk", well=True, words=f"{megabytes} MB are free beside {path}")


def _clock(attempts: Iterable[Attempt]) -> Finding:
    """Ours tells how long an answer of Discord's can still be edited, and when a day ends."""
    ahead = next((a.clock_ahead_seconds for a in attempts if a.clock_ahead_seconds is not None), None)
    if ahead is None:
        return Finding("clock", well=True, words="not compared: Rivya did not say what time it is")
    words = f"{abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead of'} Rivya's"
    return Finding("clock", well=abs(ahead) <= CLOCK_TOLERANCE_SECONDS, words=words)


async def _wallet(rivya: Rivya, model: Model) -> Finding:
    try:
        credits_left = await rivya.credits()
    except KuasError as error:
        return Finding("rivya key and wallet", well=False, words=str(error))
    pictures = credits_left // model.cost_credits
    return Finding(
        "rivya key and wallet",
        well=pictures > 0,
        words=f"{credits_left} credits, enough for {pictures} pictures",
    )


async def _scopes(rivya: Rivya) -> Finding:
    """Asked for a task that cannot exist, Rivya says not_found to a key that may read, else refuses."""
    try:
        await rivya.task("task_that_cannot_exist")
    except ContractBroken as error:
        if error.code == "not_found":
            return Finding(
                "rivya scopes",
                well=True,
                words="generations:read is there; the scopes to create show with the first picture",
            )
        return Finding("rivya scopes", well=False, words=str(error))
    except KuasError as error:
        return Finding("rivya scopes", well=False, words=str(error))
    return Finding("rivya scopes", well=False, words="a task that cannot exist was found")


async def _model(rivya: Rivya, model: Model) -> Finding:
    try:
        offers = {offer.model_id: offer for offer in await rivya.models()}
    except KuasError as error:
        return Finding("rivya model", well=False, words=str(error))
    offer = offers.get(model.model_id)
    if offer is None:
        return Finding("rivya model", well=False, words=f"{model.model_id} is not in Rivya's catalogue")
    if offer.api_status not in (None, "available"):
        return Finding("rivya model", well=False, words=f"{model.model_id} is {offer.api_status}")
    if offer.base_credits not in (None, model.cost_credits):
        return Finding(
            "rivya model",
            well=False,
            words=f"{model.model_id} costs {offer.base_credits} credits, Kuas reserves {model.cost_credits}",
        )
    return Finding(
        "rivya model", well=True, words=f"{model.model_id} at {model.cost_credits} credits a picture"
    )
