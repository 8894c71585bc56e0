"""What a walk brings in and keeps: its reference, made ready to be sent; its picture, made fit to be posted.

Owns the handling of files under way. Never imports anything of ours but catalog, errors, jobs, tools.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.domain.errors import ContractBroken, MemberError, MemberReason
from bot.domain.image_models import MODELS

if TYPE_CHECKING:
    from pathlib import Path

    from bot.domain.jobs import Job, Picture, Reference
    from bot.engine.dependencies import Tools

UPLOAD_CEILING_BYTES: Final = 10 * 1024 * 1024
"""What every guild lets a bot attach; an interaction may promise more than a channel message then takes."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A reference in the vault, as it is sent to Rivya."""

    path: Path
    mime_type: str
    sha256: str


class Materials:
    """Fetches, makes ready and keeps."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def reference(self, job: Job, reference: Reference) -> Ready:
        """The reference in the vault: kept before, or made from its source.

        What is kept is sent as it is, so that a picture painted again has the very same reference.

        Raises:
            MemberError: any of the REFERENCE reasons.
            TryLater, OperatorError, ContractBroken: as `Fetcher.reference`, `Easel` and `Vault`.
        """
        vault, easel = self._tools.vault, self._tools.easel
        if reference.sha256 is not None and await vault.read(reference.sha256) is not None:
            mime_type = reference.content_type or "image/png"
            return Ready(vault.path(reference.sha256), mime_type, reference.sha256)
        limit_bytes = MODELS[job.request.model].reference_limit_bytes
        with easel.folder() as folder:
            original = await self._original(reference, folder / "original", limit_bytes)
            ready = folder / "reference"
            normalised = await easel.reference(original, ready, limit_bytes=limit_bytes)
            sha256 = await vault.keep_file(ready)
        return Ready(vault.path(sha256), normalised.mime_type, sha256)

    async def _original(self, reference: Reference, target: Path, limit_bytes: int) -> Path:
        vault, source = self._tools.vault, reference.source_sha256
        if source is None:
            await self._tools.fetcher.reference(reference.url, target, limit_bytes=limit_bytes)
            return target
        if await vault.read(source) is None:
            raise MemberError(MemberReason.REFERENCE_GONE)
        return vault.path(source)

    async def picture(self, job: Job, *, anew: bool) -> tuple[Picture, bool]:
        """The finished picture, verified, and whether it had to be made smaller to be posted.

        With `anew` Rivya is asked for its address again: what did not work may be an address that has died.

        Raises:
            TryLater, OperatorError, ContractBroken: as `Rivya.task`, `Fetcher.result` and `Easel.result`;
                `result_missing`: Rivya names no address.
        """
        url = job.result_url
        if anew or url is None:
            assert job.task_id is not None  # the schema says so of a succeeded job
            url = (await self._tools.rivya.task(job.task_id)).result_url or url
        if url is None:
            raise ContractBroken("result_missing", "a succeeded task has no result URL")
        data = await self._tools.fetcher.result(url)
        limit_bytes = min(job.request.destination.upload_limit_bytes, UPLOAD_CEILING_BYTES)
        return await self._tools.easel.result(data, limit_bytes=limit_bytes)

    async def keep(self, job: Job, picture: Picture) -> None:
        """Keep a picture that is not to be seen by everybody, or could not be; twice is once.

        Raises:
            OperatorError: `disk` or `database`.
        """
        sha256 = await self._tools.vault.keep(picture.data)
        await self._tools.store.keep_picture(job.job_id, picture, sha256)


def filename_of(mime_type: str) -> str:
    """What a reference is called at Rivya: the member's own name for it stays here."""
    return f"reference.{mime_type.partition('/')[2]}"
