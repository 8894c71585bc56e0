"""Is everything in place? One finding a line, before anybody relies on it.

Nothing is spent: the scopes that only a paid call would show are said to be unseen.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.discord_client.login import open_login
from bot.domain.errors import ContractViolation, KuasError
from bot.domain.image_models import MODELS
from bot.rivya.client import RivyaClient, open_session
from bot.storage.database import Database, open_read_only
from bot.storage.file_lock import DatabaseInUse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from bot.config.settings import DiscordSettings, Settings
    from bot.discord_client.login import LoginSession
    from bot.domain.image_models import ImageModel
    from bot.rivya.calls import Attempt


MIN_FREE_BYTES: Final = 200_000_000
"""Room for references on their way, the write-ahead log and a backup."""
CLOCK_TOLERANCE_SECONDS: Final = 20.0
"""The ladder of delivery leaves half a minute for the way."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str


async def run_checks(settings: Settings, channel_ids: Iterable[int] = ()) -> AsyncIterator[CheckResult]:
    """Look at everything in turn, at these channels too; one trouble does not hide the next."""
    yield await _database(settings.database.path)
    yield _disk(settings.database.path)
    async for finding in _discord(settings.discord, channel_ids):
        yield finding
    model = MODELS[settings.rivya.model]
    attempts: list[Attempt] = []
    async with open_session() as session:
        rivya = RivyaClient(
            session,
            base_url=settings.rivya.base_url,
            api_key=settings.rivya.api_key.get_secret_value(),
            watch=attempts.append,
        )
        yield await _wallet(rivya, model)
        yield await _scopes(rivya)
        yield await _model(rivya, model)
    yield _clock(attempts)


async def _database(path: Path) -> CheckResult:
    try:
        try:
            database = await Database.open(path)
        except DatabaseInUse:
            open_read_only(path).close()
            return CheckResult("database", ok=True, detail=f"{path}, in use by the running bot")
        await database.close()
    except KuasError as error:
        return CheckResult("database", ok=False, detail=str(error))
    return CheckResult("database", ok=True, detail=f"{path}, up to date")


async def _discord(settings: DiscordSettings, channel_ids: Iterable[int]) -> AsyncIterator[CheckResult]:
    try:
        async with open_login(settings.token.get_secret_value()) as seen:
            yield CheckResult(
                "discord",
                ok=True,
                detail=f"the token belongs to {seen.name}; no privileged intent is needed",
            )
            yield await _commands(seen)
            if settings.operator_guild is not None:
                yield await _operator_guild(seen, settings.operator_guild)
            for channel_id in channel_ids:
                yield await _channel(seen, channel_id)
    except KuasError as error:
        yield CheckResult("discord", ok=False, detail=str(error))


async def _commands(seen: LoginSession) -> CheckResult:
    try:
        names = await seen.commands()
    except KuasError as error:
        return CheckResult("discord commands", ok=False, detail=str(error))
    words = ", ".join(f"/{name}" for name in names) if names else "none yet; the first start registers them"
    return CheckResult("discord commands", ok=True, detail=words)


async def _operator_guild(seen: LoginSession, guild_id: int) -> CheckResult:
    try:
        name = await seen.guild_name(guild_id)
    except KuasError as error:
        words = f"discord.operator_guild {guild_id}: {error}; invite the bot there"
        return CheckResult("operator's server", ok=False, detail=words)
    return CheckResult("operator's server", ok=True, detail=f"/operator is in {name}")


async def _channel(seen: LoginSession, channel_id: int) -> CheckResult:
    name = f"channel {channel_id}"
    try:
        missing = await seen.missing_permissions(channel_id)
    except KuasError as error:
        return CheckResult(name, ok=False, detail=str(error))
    if missing:
        return CheckResult(name, ok=False, detail=f"the bot lacks {', '.join(missing)}")
    return CheckResult(name, ok=True, detail="pictures can be posted there")


def _disk(path: Path) -> CheckResult:
    try:
        free = shutil.disk_usage(path.resolve().parent).free
    except OSError as error:
        return CheckResult("disk", ok=False, detail=f"{path.parent}: {error.strerror}")
    megabytes = free // 1_000_000
    if free < MIN_FREE_BYTES:
        return CheckResult("disk", ok=False, detail=f"only {megabytes} MB are free beside {path}")
    return CheckResult("disk", ok=True, detail=f"{megabytes} MB are free beside {path}")


def _clock(attempts: Iterable[Attempt]) -> CheckResult:
    """Ours tells how long an answer of Discord's can still be edited, and when a day ends."""
    ahead = next((a.clock_ahead_seconds for a in attempts if a.clock_ahead_seconds is not None), None)
    if ahead is None:
        return CheckResult("clock", ok=True, detail="not compared: Rivya did not say what time it is")
    words = f"{abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead of'} Rivya's"
    return CheckResult("clock", ok=abs(ahead) <= CLOCK_TOLERANCE_SECONDS, detail=words)


async def _wallet(rivya: RivyaClient, model: ImageModel) -> CheckResult:
    try:
        credits_left = await rivya.credits()
    except KuasError as error:
        return CheckResult("rivya key and wallet", ok=False, detail=str(error))
    pictures = credits_left // model.cost_credits
    return CheckResult(
        "rivya key and wallet",
        ok=pictures > 0,
        detail=f"{credits_left} credits, enough for {pictures} pictures",
    )


async def _scopes(rivya: RivyaClient) -> CheckResult:
    """Asked for a task that cannot exist, Rivya says not_found to a key that may read, else refuses."""
    try:
        await rivya.get_task("task_that_cannot_exist")
    except ContractViolation as error:
        if error.code == "not_found":
            return CheckResult(
                "rivya scopes",
                ok=True,
                detail="generations:read is there; the scopes to create show with the first picture",
            )
        return CheckResult("rivya scopes", ok=False, detail=str(error))
    except KuasError as error:
        return CheckResult("rivya scopes", ok=False, detail=str(error))
    return CheckResult("rivya scopes", ok=False, detail="a task that cannot exist was found")


async def _model(rivya: RivyaClient, model: ImageModel) -> CheckResult:
    try:
        offers = {offer.model_id: offer for offer in await rivya.models()}
    except KuasError as error:
        return CheckResult("rivya model", ok=False, detail=str(error))
    offer = offers.get(model.model_id)
    if offer is None:
        return CheckResult("rivya model", ok=False, detail=f"{model.model_id} is not in Rivya's catalogue")
    if offer.api_status not in (None, "available"):
        return CheckResult("rivya model", ok=False, detail=f"{model.model_id} is {offer.api_status}")
    if offer.base_credits not in (None, model.cost_credits):
        return CheckResult(
            "rivya model",
            ok=False,
            detail=f"{model.model_id} costs {offer.base_credits} credits, Kuas reserves {model.cost_credits}",
        )
    return CheckResult(
        "rivya model", ok=True, detail=f"{model.model_id} at {model.cost_credits} credits a picture"
    )
