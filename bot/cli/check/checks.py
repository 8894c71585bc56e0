"""`check`: examine the database, the disk, the monitoring port, the network, Discord, Rivya and the clock.

`Database.open` creates or migrates the file; with a running bot only the pages are checked.
Nothing is spent, so the scope of the API key that only a create call needs is not checked.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bot.cli.check.monitor import check_port
from bot.cli.check.network import (
    check_authorities,
    check_discord_files,
    check_proxy,
    check_results,
    open_network,
)
from bot.cli.check.result import CheckResult, Unproven
from bot.cli.output import enough_text, limit_text
from bot.discord_client.login import open_login
from bot.domain.admission import AdmissionMode
from bot.domain.errors import ContractViolation, KuasError, OperatorError, TransientError
from bot.images.downloads import Downloader
from bot.jobs.newest_jobs import newest_task_id
from bot.network.connections import describe_issuer
from bot.rivya.client import RivyaClient, open_session
from bot.rivya.scopes import Scope
from bot.storage.database import Database
from bot.storage.file_lock import DatabaseInUse, is_missing
from bot.storage.integrity import MAX_SECONDS, quick_check

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterable
    from pathlib import Path

    from bot.config.settings import RivyaSettings, Settings
    from bot.discord_client.login import LoginSession
    from bot.domain.image_models import ImageModel
    from bot.domain.model_catalog import LiveModel, ModelCatalog
    from bot.domain.prices import PriceList
    from bot.network.connections import Network
    from bot.rivya.calls import Attempt


MIN_FREE_BYTES: Final = 200_000_000
"""Space for references, the write-ahead log and a backup."""
CLOCK_TOLERANCE_SECONDS: Final = 20.0
"""More than network delay and Rivya's rounding to whole seconds can explain."""


async def run_checks(settings: Settings, channel_ids: Iterable[int] = ()) -> AsyncIterator[CheckResult]:
    """Run every check in turn, also after one has failed; `channel_ids` are further channels to check."""
    yield await run_check("database", _database(settings.database.path, settings.backup_folder))
    yield await run_check("disk", asyncio.to_thread(_disk, settings.database.path))
    if settings.monitor.port is not None:
        port_check = check_port(settings.monitor.host, settings.monitor.port, settings.database.path)
        yield await run_check("monitor", port_check)
    yield await run_check("proxy", check_proxy())
    yield await run_check("certificates", check_authorities(settings.network))
    network = open_network(settings.network)
    async for result in _discord(settings, network, channel_ids):
        yield result
    async for result in _rivya(settings, network):
        yield result
    async for result in _pictures(settings, network):
        yield result


async def run_check(name: str, check: Awaitable[str], network: Network | None = None) -> CheckResult:
    """Await a check, which returns the detail or raises a `KuasError` that says what is wrong.

    With a network, it is also looked up who issued a certificate that is not trusted.
    """
    try:
        return CheckResult(name, ok=True, detail=await check)
    except KuasError as error:
        return await _failure(name, error, network)


async def _failure(name: str, error: KuasError, network: Network | None) -> CheckResult:
    issuer = None if network is None else await describe_issuer(error, network)
    return CheckResult(name, ok=False, detail=f"{error}; {issuer}" if issuer else str(error))


async def _rivya(settings: Settings, network: Network) -> AsyncIterator[CheckResult]:
    catalog = settings.rivya.catalog
    attempts: list[Attempt] = []
    async with open_session(network) as session:
        rivya = RivyaClient(
            session,
            base_url=settings.rivya.base_url,
            api_key=settings.rivya.api_key.get_secret_value(),
            watch=attempts.append,
        )
        yield await run_check("rivya key and wallet", _wallet(rivya, catalog.price_list), network)
        yield await run_check("rivya scopes", _scopes(rivya, settings.database.path), network)
        async for result in _models(rivya, catalog, network):
            yield result
    yield await run_check("clock", _clock(attempts))


async def check_key(settings: RivyaSettings, api_key: str, network: Network) -> str:
    """Say what the balance of a key is good for; a key with an empty wallet is a good one.

    Raises:
        KuasError: as the calls to Rivya; one that lacks a scope names it.
    """
    model = settings.catalog.default
    async with open_session(network) as session:
        rivya = RivyaClient(session, base_url=settings.base_url, api_key=api_key)
        credits_left = await rivya.credits()
        await _upload_scope(rivya)
    return f"the key is good for {credits_left // model.cost_credits} pictures, by {credits_left} credits"


async def _pictures(settings: Settings, network: Network) -> AsyncIterator[CheckResult]:
    """Try the hosts that pictures are downloaded from."""
    async with Downloader(
        network,
        allow_loopback=settings.network.allow_loopback,
        allow_fake_ip=settings.network.allow_fake_ip,
    ) as downloader:
        yield await run_check("discord files", check_discord_files(downloader), network)
        results = check_results(settings.database.path, downloader)
        yield await run_check("results", results, network)


async def _database(path: Path, backup_folder: Path | None = None) -> str:
    path = path.absolute()  # noqa: ASYNC240  # asks for the working directory only
    new = await asyncio.to_thread(is_missing, path)
    try:
        database = await Database.open(path, backup_folder=backup_folder)
    except DatabaseInUse:
        state = "in use by the running bot"
    else:
        await database.close()
        state = "new: there was none" if new else "up to date"
    detail = f"{path}, {state}"
    if await asyncio.to_thread(quick_check, path):
        return detail
    return Unproven(f"{detail}; too large to look at every page in {MAX_SECONDS:.0f} s")


def _disk(path: Path) -> str:
    try:
        free_bytes = shutil.disk_usage(path.resolve().parent).free
    except OSError as error:
        raise OperatorError("disk", f"{path.parent}: {error.strerror}") from error
    megabytes = free_bytes // 1_000_000
    if free_bytes < MIN_FREE_BYTES:
        raise OperatorError("disk", f"only {megabytes} MB are free beside {path}")
    return f"{megabytes} MB are free beside {path}"


async def _discord(
    settings: Settings, network: Network, channel_ids: Iterable[int]
) -> AsyncIterator[CheckResult]:
    operator_guild = settings.discord.operator_guild
    try:
        async with open_login(settings.discord.token.get_secret_value(), network) as login:
            detail = f"the token belongs to {login.name}; no privileged intent is needed"
            yield CheckResult("discord", ok=True, detail=detail)
            public = "public" if login.is_public else "not public"
            yield CheckResult(
                "discord application", ok=True, detail=f"{public}; {_who_may_spend(login, settings)}"
            )
            yield CheckResult("discord invitation", ok=True, detail=login.invitation)
            yield await run_check("discord commands", _commands(login))
            if operator_guild is not None:
                yield await run_check("operator's server", _operator_guild(login, operator_guild))
            for channel_id in channel_ids:
                yield await run_check(f"channel {channel_id}", _channel(login, channel_id))
    except KuasError as error:
        yield await _failure("discord", error, network)


def _who_may_spend(login: LoginSession, settings: Settings) -> str:
    """Say who can add the bot to a server, and what such a server may spend."""
    who = "anybody can add the bot to a server" if login.is_public else "only its owner can add it to servers"
    spends = f"may spend {limit_text(settings.limits.ceiling)}"
    match settings.guilds.admission:
        case AdmissionMode.OPEN:
            return f"{who}, and each {spends} unless it has another ceiling"
        case AdmissionMode.APPROVE:
            return f"{who}, and you allow each before it may spend anything"
        case AdmissionMode.LIST:
            listed = len(settings.guilds.allowed)
            return f"{who}, but only the {listed} of guilds.allowed and your own may spend anything"


async def _commands(login: LoginSession) -> str:
    names = await login.commands()
    return ", ".join(f"/{name}" for name in names) or "none yet; the first start registers them"


async def _operator_guild(login: LoginSession, guild_id: int) -> str:
    try:
        name = await login.guild_name(guild_id)
    except KuasError as error:
        detail = f"discord.operator_guild {guild_id}: {error}; invite the bot there"
        raise OperatorError("discord", detail) from error
    return f"/operator is in {name}"


async def _channel(login: LoginSession, channel_id: int) -> str:
    if missing := await login.missing_permissions(channel_id):
        raise OperatorError("discord", f"the bot lacks {', '.join(missing)}")
    return "pictures can be posted there"


async def _wallet(rivya: RivyaClient, prices: PriceList) -> str:
    credits_left = await rivya.credits()
    if prices.has_choice:
        detail = enough_text(credits_left, prices)
    else:
        pictures = credits_left // prices.default.credits
        detail = f"{credits_left} credits, enough for {pictures} pictures"
    if prices.best_for(credits_left) is None:
        raise OperatorError("wallet_empty", detail)
    return detail


async def _scopes(rivya: RivyaClient, database: Path) -> str:
    """Ask for the newest task, or for one that cannot exist, which at least a refused scope is proven by.

    `Scope.GENERATIONS_CREATE` is the only one that cannot be tested without a task, which costs credits.
    """
    upload = await _upload_scope(rivya)
    try:
        task_id = newest_task_id(database)
    except OperatorError:  # the check of the database has said so
        task_id = None
    try:
        await rivya.get_task(task_id or "task_that_cannot_exist")
    except ContractViolation as error:
        if error.code != "not_found":
            raise
        why = "does not know the newest task of the database" if task_id else "has no task of ours to show"
        scopes = f"{Scope.GENERATIONS_READ} is not refused, but not proven either: Rivya {why}"
        return Unproven(f"{scopes}; {upload}; the first picture tests {Scope.GENERATIONS_CREATE}")
    return f"{Scope.GENERATIONS_READ} works; {upload}; the next picture tests {Scope.GENERATIONS_CREATE}"


async def _upload_scope(rivya: RivyaClient) -> str:
    """Say that the key may upload references, which keys made before Rivya had files may not.

    Raises:
        OperatorError: `scope_denied` or `key_refused`.
    """
    try:
        await rivya.probe_upload()
    except ContractViolation:
        return f"{Scope.FILES_CREATE} is not refused"
    except TransientError as error:
        return f"{Scope.FILES_CREATE} is not proven ({error})"
    return f"{Scope.FILES_CREATE} works"


async def _model(model: ImageModel, live: LiveModel | None) -> str:
    """Compare an offered model with Rivya's list, which wins over the table."""
    if live is None:
        raise OperatorError("model", f"{model.model_id} is not in Rivya's catalogue")
    if not live.is_available:
        raise OperatorError("model", f"{model.model_id} is {live.status}")
    if None in (live.status, live.base_credits):
        unsaid = "whether it is available" if live.status is None else "what it costs"
        detail = f"Rivya does not say {unsaid}; Kuas reserves {model.cost_credits} credits a picture"
        return Unproven(f"{model.model_id}: {detail}")
    detail = f"{model.model_id} at {live.base_credits} credits a picture"
    if live.base_credits != model.cost_credits:
        return Unproven(f"{detail}, and not {model.cost_credits}; Kuas reserves what Rivya says")
    return detail


async def _models(
    rivya: RivyaClient, catalog: ModelCatalog, network: Network | None = None
) -> AsyncIterator[CheckResult]:
    try:
        live = {each.model_id: each for each in await rivya.models()}
    except KuasError as error:
        failed = await _failure("rivya model", error, network)
        yield replace(failed, detail=f"the prices of the table hold, since {failed.detail}")
        return
    for model in catalog.offered:
        yield await run_check("rivya model", _model(model, live.get(model.model_id)))


async def _clock(attempts: Iterable[Attempt]) -> str:
    """Compare our clock with Rivya's: ours decides when the period of a limit ends."""
    ahead = next((a.clock_ahead_seconds for a in attempts if a.clock_ahead_seconds is not None), None)
    if ahead is None:
        return Unproven("not compared: Rivya did not say what time it is")
    detail = f"{abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead of'} Rivya's"
    if abs(ahead) > CLOCK_TOLERANCE_SECONDS:
        raise OperatorError("clock", detail)
    return detail
