"""The part of `check` about the network: proxy, certificate authorities, and the hosts of pictures."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from yarl import URL

from bot.cli.check.result import Unproven
from bot.discord_client.login import cdn_file_url
from bot.domain.errors import ContractViolation, MemberError, OperatorError
from bot.jobs.newest_jobs import newest_result_url
from bot.network.certificates import describe_authorities
from bot.network.connections import Network
from bot.network.proxies import Proxies

if TYPE_CHECKING:
    from bot.config.settings import NetworkSettings
    from bot.images.downloads import Downloader

CDN_FILE_LIMIT_BYTES: Final = 1_000_000
"""Far more than a default avatar has."""


def open_network(settings: NetworkSettings) -> Network:
    """Return what the bot would connect with, without what it would refuse to start with.

    `check_proxy` and `check_authorities` say what is left out; the other checks go on.
    """
    try:
        return Network.open(settings.ca_file)
    except OperatorError:
        return Network()


async def check_proxy() -> str:
    """Say which proxy the environment names.

    Raises:
        OperatorError: `settings`; it cannot be used.
    """
    proxies = Proxies.from_environment()
    if proxies.https is None:
        return "none; HTTPS_PROXY is not set"
    without = f"; without it: {proxies.no_proxy}" if proxies.no_proxy else ""
    return f"{proxies.https}{without}"


async def check_authorities(settings: NetworkSettings) -> str:
    """Say whose certificates are trusted.

    Raises:
        OperatorError: `settings`; a file cannot be read.
    """
    return describe_authorities(settings.ca_file)


async def check_discord_files(downloader: Downloader) -> str:
    """Download a fixed file of Discord's CDN, where the references of members are.

    Raises:
        KuasError: as `Downloader.reference`.
    """
    url = cdn_file_url()
    host = URL(url).host
    with TemporaryDirectory() as folder:
        target = Path(folder, "file")
        try:
            await downloader.reference(url, target, limit_bytes=CDN_FILE_LIMIT_BYTES)
        except MemberError as error:
            raise OperatorError("network", f"{host} does not have the file {url}") from error
        size_bytes = (await asyncio.to_thread(target.stat)).st_size
        return f"{size_bytes} bytes came from {host}"


async def check_results(database: Path, downloader: Downloader) -> str:
    """Ask the host of the latest result in the database for it; it may have expired there.

    Raises:
        KuasError: as `Downloader.result`; the database cannot be read.
    """
    address = await asyncio.to_thread(newest_result_url, database)
    if address is None:
        return Unproven("not tried: no picture has been made yet whose host could be asked")
    host = URL(address).host
    try:
        data = await downloader.result(address)
    except ContractViolation as error:
        if error.code != "result_gone":
            raise
        return f"{host} answers, and no longer has the latest picture ({error})"
    return f"{len(data)} bytes came from {host}"
