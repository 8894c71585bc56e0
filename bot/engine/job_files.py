"""What a job sends and fetches: its references, the body of its create call, and its result."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bot.domain.attachments import UPLOAD_LIMIT_BYTES
from bot.domain.errors import ContractViolation, MemberError, MemberReason, OperatorError
from bot.domain.image_models import RESULT_LIMIT_BYTES
from bot.domain.prices import PricedSettings
from bot.images.data_urls import decode_data_url, is_data_url
from bot.rivya.models import create_body

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bot.domain.image_models import ImageModel
    from bot.domain.jobs import Job, Picture, Reference, UploadedReference
    from bot.domain.model_catalog import ModelCatalog
    from bot.images.downloads import Downloader
    from bot.images.workers import ImageWorkers
    from bot.jobs.store import JobStore
    from bot.rivya.client import RivyaClient
    from bot.storage.picture_store import PictureStore

MAX_UNVERIFIED: Final = 16
"""Results in memory at once that are being downloaded or wait to be verified; each may have megabytes."""


@dataclass(frozen=True, slots=True)
class PreparedReference:
    """A stored reference in the form that is sent to Rivya."""

    path: Path
    mime_type: str
    sha256: str


class _UnreadableResultError(ContractViolation):
    """What was downloaded is no picture; `data` is what it is instead."""

    def __init__(self, error: ContractViolation, data: bytes) -> None:
        super().__init__(error.code, str(error))
        self.data = data


class JobFiles:
    """Prepare, fetch and store the files of jobs."""

    def __init__(
        self,
        store: JobStore,
        rivya: RivyaClient,
        downloader: Downloader,
        image_workers: ImageWorkers,
        picture_store: PictureStore,
        catalog: ModelCatalog,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._rivya = rivya
        self._downloader = downloader
        self._image_workers = image_workers
        self._picture_store = picture_store
        self._unverified = asyncio.Semaphore(MAX_UNVERIFIED)

    async def upload(self, job: Job, reference: Reference) -> tuple[UploadedReference, str]:
        """Prepare a reference and upload it; return it as it is at Rivya, and the SHA-256 of its stored file.

        Raises:
            KuasError: as `prepare_reference` and `RivyaClient.upload`.
        """
        ready = await self.prepare_reference(job, reference)
        uploaded = await self._rivya.upload(
            ready.path,
            filename=reference_filename(ready.mime_type),
            mime_type=ready.mime_type,
            model=job.request.model,
            client_request_id=job.job_id,
        )
        return replace(uploaded, mime_type=uploaded.mime_type or ready.mime_type), ready.sha256

    async def prepare_reference(self, job: Job, reference: Reference) -> PreparedReference:
        """Return the stored reference; download, normalise and store it if it is not stored yet.

        A stored reference is sent unchanged, so that *Again* uses exactly the same one.

        Raises:
            MemberError: any of the REFERENCE reasons.
            TransientError, OperatorError, ContractViolation: as `Downloader.reference`, `ImageWorkers` and
                `PictureStore`; `model_unknown`: the settings have lost the model since the job was accepted.
        """
        picture_store = self._picture_store
        if reference.sha256 is not None and await picture_store.is_intact(reference.sha256):
            mime_type = reference.content_type or "image/png"
            return PreparedReference(picture_store.path(reference.sha256), mime_type, reference.sha256)
        limit_bytes = self._model(job).reference_limit_bytes
        with self._image_workers.temp_folder() as folder:
            original = await self._original(reference, folder / "original", limit_bytes)
            ready = folder / "reference"
            normalised = await self._image_workers.normalise_reference(
                original, ready, limit_bytes=limit_bytes
            )
            sha256 = await picture_store.save_file(ready)
        return PreparedReference(picture_store.path(sha256), normalised.mime_type, sha256)

    async def _original(self, reference: Reference, target: Path, limit_bytes: int) -> Path:
        source = reference.source_sha256
        if source is None:
            await self._downloader.reference(reference.url, target, limit_bytes=limit_bytes)
            return target
        if not await self._picture_store.is_intact(source):
            raise MemberError(MemberReason.REFERENCE_GONE)
        return self._picture_store.path(source)

    def begin_fetch(self, job: Job, url: str) -> asyncio.Task[tuple[Picture, bool]]:
        """Begin to fetch a picture whose task has succeeded while that is committed.

        Nothing is written. The task that is returned is for `fetch_result`, once the job is in `succeeded`.
        """
        fetch = self._fetch(job, url)
        task = asyncio.create_task(fetch, name=f"result {job.job_id}")
        # It may fail before it is awaited, or never be, and asyncio logs an error that nobody has read.
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return task

    async def result_urls(self, job: Job, *, anew: bool) -> tuple[str, ...]:
        """Return the addresses of the pictures of a succeeded job, in their order.

        Rivya is asked if the row lacks one, or with `anew`, as those of the row may have expired.

        Raises:
            TransientError, OperatorError, ContractViolation: as `RivyaClient.get_task`;
                `result_missing`: Rivya names no address.
        """
        known = job.result_urls
        if anew or None in known:
            current = await self._current_result_urls(job)
            known = (*current, *known[len(current) :])
        urls = tuple(url for url in known if url is not None)
        if not urls:
            raise ContractViolation("result_missing", "a succeeded task has no result URL")
        return urls

    async def fetch_result(
        self, job: Job, url: str, *, begun: asyncio.Task[tuple[Picture, bool]] | None = None
    ) -> tuple[Picture, bool]:
        """Download and verify a finished picture; also return whether it was shrunk to fit a message.

        `begun` is what `begin_fetch` has returned, and takes the place of a fetch.

        Raises:
            TransientError, OperatorError, ContractViolation: as `Downloader.result` and
                `ImageWorkers.prepare_result`.
        """
        try:
            return await (self._fetch(job, url) if begun is None else begun)
        except _UnreadableResultError as error:
            await self._keep_unreadable(job, error.data)
            raise

    async def fit(self, picture: Picture, limit_bytes: int) -> tuple[Picture, bool]:
        """Fit a fetched picture into fewer bytes; the second value tells whether it was made smaller."""
        return await self._image_workers.fit_upload(picture, limit_bytes)

    async def _fetch(self, job: Job, url: str) -> tuple[Picture, bool]:
        limit_bytes = min(job.request.destination.upload_limit_bytes, UPLOAD_LIMIT_BYTES)
        async with self._unverified:
            if is_data_url(url):
                data = await asyncio.to_thread(decode_data_url, url, limit_bytes=RESULT_LIMIT_BYTES)
            else:
                data = await self._downloader.result(url)
            try:
                return await self._image_workers.prepare_result(data, limit_bytes=limit_bytes)
            except ContractViolation as error:
                raise _UnreadableResultError(error, data) from error

    async def _current_result_urls(self, job: Job) -> tuple[str, ...]:
        """Ask Rivya for the addresses; none if it names none, or does not know the task any more."""
        assert job.task_id is not None  # the schema says so of a succeeded job
        try:
            return (await self._rivya.get_task(job.task_id)).result_urls
        except ContractViolation as error:
            if error.code != "not_found":
                raise
            return ()

    async def _keep_unreadable(self, job: Job, data: bytes) -> None:
        """Store what was downloaded instead of a picture, so that the operator can look at it."""
        sha256 = await self._picture_store.save(data)
        await self._store.record_unreadable_result(job.job_id, sha256, len(data))

    async def store_pictures(self, job: Job, pictures: Sequence[Picture]) -> None:
        """Store the pictures of a job that is private or could not be posted; a second call changes nothing.

        Raises:
            OperatorError: `disk` or `database`.
        """
        for number, picture in enumerate(pictures, start=1):
            sha256 = await self._picture_store.save(picture.data)
            await self._store.record_kept_picture(job.job_id, picture, sha256, number=number)

    def request_body(self, job: Job) -> str:
        """Return the body of the create call, from the row and its model; the same row gives the same text.

        Raises:
            OperatorError: `model_unknown`; the settings have lost the model since the job was accepted.
        """
        request = job.request
        return create_body(
            self._model(job),
            prompt=request.full_prompt,
            size=request.size,
            format=request.format,
            references=[_named(upload) for upload in job.uploads],
            client_request_id=job.job_id,
            settings=request.settings,
            loose_safety=request.loose_safety,
        )

    def priced_settings(self, job: Job) -> PricedSettings | None:
        """Return the settings of a job that move its price; None if there are none."""
        model = self._catalog.find(job.request.model)
        moving = () if model is None else model.price_settings(job.request.settings)
        if model is None or not moving:
            return None
        return PricedSettings(model.model_id, moving, model.cost_credits)

    def _model(self, job: Job) -> ImageModel:
        model = self._catalog.find(job.request.model)
        if model is None:
            raise OperatorError("model_unknown", f"the settings have no model {job.request.model} any more")
        return model


def _named(upload: UploadedReference) -> UploadedReference:
    """Return a reference at Rivya with a type and a name, whatever Rivya's answer had of them."""
    mime_type = upload.mime_type or "image/png"
    return replace(upload, mime_type=mime_type, name=upload.name or reference_filename(mime_type))


def reference_filename(mime_type: str) -> str:
    """Return the name of a reference at Rivya; the member's own file name is not sent."""
    return f"reference.{mime_type.partition('/')[2]}"
