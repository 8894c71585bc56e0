"""The files of a job: its reference, prepared for upload; its result, prepared for posting, and stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.domain.errors import ContractViolation, MemberError, MemberReason
from bot.domain.image_models import MODELS

if TYPE_CHECKING:
    from pathlib import Path

    from bot.domain.jobs import Job, Picture, Reference
    from bot.engine.dependencies import EngineDependencies

UPLOAD_CEILING_BYTES: Final = 10 * 1024 * 1024
"""What every guild lets a bot attach; an interaction may promise more than a channel message then takes."""


@dataclass(frozen=True, slots=True)
class PreparedReference:
    """A stored reference, as it is sent to Rivya."""

    path: Path
    mime_type: str
    sha256: str


class JobFiles:
    """Fetches, makes ready and keeps."""

    def __init__(self, dependencies: EngineDependencies) -> None:
        self._dependencies = dependencies

    async def prepare_reference(self, job: Job, reference: Reference) -> PreparedReference:
        """The stored reference: stored before, or made from its source.

        What is kept is sent as it is, so that a picture painted again has the very same reference.

        Raises:
            MemberError: any of the REFERENCE reasons.
            TransientError, OperatorError, ContractViolation: as `Downloader.reference`, `ImageWorkers` and
                `PictureStore`.
        """
        picture_store, image_workers = self._dependencies.picture_store, self._dependencies.image_workers
        if reference.sha256 is not None and await picture_store.read(reference.sha256) is not None:
            mime_type = reference.content_type or "image/png"
            return PreparedReference(picture_store.path(reference.sha256), mime_type, reference.sha256)
        limit_bytes = MODELS[job.request.model].reference_limit_bytes
        with image_workers.temp_folder() as folder:
            original = await self._original(reference, folder / "original", limit_bytes)
            ready = folder / "reference"
            normalised = await image_workers.normalise_reference(original, ready, limit_bytes=limit_bytes)
            sha256 = await picture_store.save_file(ready)
        return PreparedReference(picture_store.path(sha256), normalised.mime_type, sha256)

    async def _original(self, reference: Reference, target: Path, limit_bytes: int) -> Path:
        picture_store, source = self._dependencies.picture_store, reference.source_sha256
        if source is None:
            await self._dependencies.downloader.reference(reference.url, target, limit_bytes=limit_bytes)
            return target
        if await picture_store.read(source) is None:
            raise MemberError(MemberReason.REFERENCE_GONE)
        return picture_store.path(source)

    async def fetch_result(self, job: Job, *, anew: bool) -> tuple[Picture, bool]:
        """The finished picture, verified, and whether it had to be made smaller to be posted.

        With `anew` Rivya is asked for its address again: what did not work may be an address that has died.

        Raises:
            TransientError, OperatorError, ContractViolation: as `RivyaClient.get_task`,
                `Downloader.result` and `ImageWorkers.prepare_result`;
                `result_missing`: Rivya names no address.
        """
        url = job.result_url
        if anew or url is None:
            assert job.task_id is not None  # the schema says so of a succeeded job
            url = (await self._dependencies.rivya.get_task(job.task_id)).result_url or url
        if url is None:
            raise ContractViolation("result_missing", "a succeeded task has no result URL")
        data = await self._dependencies.downloader.result(url)
        limit_bytes = min(job.request.destination.upload_limit_bytes, UPLOAD_CEILING_BYTES)
        return await self._dependencies.image_workers.prepare_result(data, limit_bytes=limit_bytes)

    async def store_picture(self, job: Job, picture: Picture) -> None:
        """Keep a picture that is not to be seen by everybody, or could not be; twice is once.

        Raises:
            OperatorError: `disk` or `database`.
        """
        sha256 = await self._dependencies.picture_store.save(picture.data)
        await self._dependencies.store.record_kept_picture(job.job_id, picture, sha256)


def reference_filename(mime_type: str) -> str:
    """What a reference is called at Rivya: the member's own name for it stays here."""
    return f"reference.{mime_type.partition('/')[2]}"
