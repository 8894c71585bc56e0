"""Drafts: requests that wait for a form to be sent in, or for a yes to their price.

One is submitted once: it becomes one job, or those of one group.

Owns the table drafts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bot.domain.clock import DAY_MS, now_ms
from bot.domain.ids import MAX_ID
from bot.domain.jobs import Request
from bot.domain.model_settings import from_json, to_json
from bot.guilds import settings
from bot.jobs.references import DRAFT_REFERENCES, insert_references, references_from
from bot.jobs.requests.model_choice import choose
from bot.jobs.requests.request_options import resolve
from bot.jobs.rows import insert, preset_from, request_columns

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from bot.domain.jobs import Destination, Preset, Reference, RequestOptions
    from bot.domain.model_catalog import ModelCatalog
    from bot.domain.model_settings import SettingValues
    from bot.storage.database import Database

TTL_MS: Final = DAY_MS
"""Discord serves an attached reference about as long."""

UNSENT_MS: Final = 15 * 60 * 1000
"""How long one reference after another is added to the same draft."""

_TAKEN: Final = (
    "(job_id IS NOT NULL AND EXISTS"
    " (SELECT 1 FROM jobs first JOIN jobs of_group USING (interaction_id)"
    "  WHERE first.job_id = drafts.job_id AND of_group.stage <> 'cancelled'))"
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A request without its destination, which comes from the interaction that sends it in."""

    draft_id: int
    """The id of the interaction that made it."""
    guild_id: int
    user_id: int
    prompt: str
    model: str
    size: str
    format: str
    private: bool
    spoiler: bool
    references: tuple[Reference, ...] = ()
    preset: Preset | None = None
    parent_job_id: str | None = None
    asked_size: str | None = None
    settings: SettingValues = ()
    """Also those that the model does not take, as they were typed."""
    pictures: int = 1
    models: tuple[str, ...] = ()
    """Those to compare: ids, or what was typed in their place."""
    taken: bool = False
    """Whether a job was made from it already."""
    picture_limit: int = 1
    """How many pictures its server allows at most, where a form or a card asks for the number; not stored."""
    full_model: str | None = None
    """The model of the draft that the member had begun a moment ago, if that has no room for a reference."""

    @property
    def model_ids(self) -> tuple[str, ...]:
        """The models that are compared, or the one that it is for."""
        return self.models or (self.model,)

    @property
    def picture_count(self) -> int:
        """How many pictures it is for."""
        return len(self.models) or self.pictures

    def request(self, destination: Destination) -> Request:
        """Return the request with this destination, which also says whether it is private."""
        return Request(
            destination=destination,
            prompt=self.prompt,
            model=self.model,
            size=self.size,
            format=self.format,
            references=self.references,
            spoiler=self.spoiler,
            preset=self.preset,
            parent_job_id=self.parent_job_id,
            asked_size=self.asked_size,
            settings=self.settings,
            pictures=self.pictures,
            models=self.models,
        )


def draft_from(request: Request) -> Draft:
    """Return the draft of a request."""
    destination = request.destination
    return Draft(
        draft_id=destination.interaction_id,
        guild_id=destination.guild_id,
        user_id=destination.user_id,
        prompt=request.prompt,
        model=request.model,
        size=request.size,
        format=request.format,
        private=destination.private,
        spoiler=request.spoiler,
        references=request.references,
        preset=request.preset,
        parent_job_id=request.parent_job_id,
        asked_size=request.asked_size,
        settings=request.settings,
        pictures=request.pictures,
        models=request.models,
    )


def insert_draft(
    transaction: sqlite3.Connection, request: Request, at: int, quote_credits: int | None = None
) -> bool:
    """Save a request under its interaction's id; False if that was done before.

    `quote_credits` is the price that its member is asked to confirm.
    """
    destination = request.destination
    columns = {
        "draft_id": destination.interaction_id,
        "guild_id": destination.guild_id,
        "user_id": destination.user_id,
        **request_columns(request),
        "pictures": request.pictures,
        "models": _models_json(request.models),
        "drafted_at": at,
        "quote_credits": quote_credits,
    }
    if not insert(transaction, "drafts", columns, "draft_id"):
        return False
    if request.references:
        insert_references(transaction, "draft_references", destination.interaction_id, request.references)
    return True


def _models_json(models: tuple[str, ...]) -> str | None:
    return json.dumps(models) if models else None


def newest_unsent(transaction: sqlite3.Connection, destination: Destination, at: int) -> Draft | None:
    """Return the newest draft of the member in the guild that was begun less than `UNSENT_MS` before `at`.

    None without one; a draft whose price was asked about has been sent in.
    """
    row = transaction.execute(
        f"SELECT *, 0 AS taken, {DRAFT_REFERENCES} FROM drafts"  # noqa: S608  # our own text
        " WHERE guild_id = ? AND user_id = ? AND drafted_at > ? AND job_id IS NULL AND quote_credits IS NULL"
        " ORDER BY drafted_at DESC, draft_id DESC LIMIT 1",
        (destination.guild_id, destination.user_id, at - UNSENT_MS),
    ).fetchone()
    return None if row is None else _draft(row)


def with_references(draft: Draft, request: Request, *, derived: bool) -> Draft:
    """Return a draft with the references of a request that it does not have yet.

    If the request is `derived` from a picture, the draft becomes private or a spoiler where the picture is.
    """
    known = {reference.address for reference in draft.references}
    new = tuple(reference for reference in request.references if reference.address not in known)
    return replace(
        draft,
        references=draft.references + new,
        private=draft.private or (derived and request.destination.private),
        spoiler=draft.spoiler or (derived and request.spoiler),
        parent_job_id=draft.parent_job_id or request.parent_job_id,
    )


def save_references(transaction: sqlite3.Connection, draft: Draft, extended: Draft) -> None:
    """Save what `with_references` has added to a draft."""
    have = len(draft.references)
    new = extended.references[have:]
    insert_references(transaction, "draft_references", draft.draft_id, new, first=have + 1)
    transaction.execute(
        "UPDATE drafts SET private = ?, spoiler = ?, parent_job_id = ? WHERE draft_id = ?",
        (extended.private, extended.spoiler, extended.parent_job_id, draft.draft_id),
    )


def quoted_credits(transaction: sqlite3.Connection, draft_id: int) -> int | None:
    """Return the price that the draft's member was asked to confirm; None if they were not asked."""
    row = transaction.execute("SELECT quote_credits FROM drafts WHERE draft_id = ?", (draft_id,)).fetchone()
    return None if row is None else row["quote_credits"]


def delete(transaction: sqlite3.Connection, draft_id: int) -> bool:
    """Delete a draft; False if a job was made from it, or there is none."""
    row = transaction.execute(
        f"DELETE FROM drafts WHERE draft_id = ? AND NOT {_TAKEN} RETURNING draft_id",  # noqa: S608  # our own text
        (draft_id,),
    ).fetchone()
    return row is not None


def claim(transaction: sqlite3.Connection, draft_id: int, job_id: str) -> bool:
    """Record that this job, the first of its group, was made from the draft; False if it is gone or has one.

    Cancelled jobs do not count: nothing was spent, and their member may try again.
    """
    row = transaction.execute(
        f"UPDATE drafts SET job_id = ? WHERE draft_id = ? AND NOT {_TAKEN} RETURNING draft_id",  # noqa: S608  # our own text
        (job_id, draft_id),
    ).fetchone()
    return row is not None


def prune(transaction: sqlite3.Connection, at: int) -> int:
    """Delete the drafts that expired before `at` (epoch milliseconds); returns how many."""
    return transaction.execute("DELETE FROM drafts WHERE drafted_at < ?", (at - TTL_MS,)).rowcount


class DraftStore:
    """The drafts of every member, for the models of `catalog`."""

    def __init__(self, database: Database, catalog: ModelCatalog) -> None:
        self._database = database
        self._catalog = catalog

    async def save(self, request: Request | RequestOptions) -> int | None:
        """Save a request as a draft, and return its id.

        An unknown preset is left out, and settings that the model does not take are kept as they were typed.
        If its model is not on offer any more, it is for the one that is most like it.

        None if this interaction was saved before: Discord may deliver an event twice.
        """
        at = now_ms()

        def unit(tx: sqlite3.Connection) -> bool:
            model = self._catalog.offered_or_nearest(choose(tx, self._catalog, request).model_id)
            return insert_draft(tx, resolve(tx, request, model, strict=False), at)

        saved = await self._database.run(unit)
        return request.destination.interaction_id if saved else None

    async def find(self, draft_id: int) -> Draft | None:
        """Return a draft; None if it was deleted or has expired."""
        if draft_id > MAX_ID:  # forged, and larger than SQLite's integers
            return None
        since = now_ms() - TTL_MS

        return await self._database.run(lambda tx: _find(tx, draft_id, since))

    async def change(self, draft_id: int, change: Callable[[Draft], Draft]) -> Draft | None:
        """Change what a draft is for, but not its words and references, and not who sees the picture.

        None if it is gone or a job was made from it.

        `change` depends on nothing but the draft.
        """
        since = now_ms() - TTL_MS

        def unit(tx: sqlite3.Connection) -> Draft | None:
            draft = _find(tx, draft_id, since)
            if draft is None or draft.taken:
                return None
            changed = change(draft)
            tx.execute(
                "UPDATE drafts SET model = ?, size = ?, asked_size = ?, format = ?, settings = ?,"
                " pictures = ?, models = ?"
                " WHERE draft_id = ?",
                (
                    changed.model,
                    changed.size,
                    changed.asked_size,
                    changed.format,
                    to_json(changed.settings),
                    changed.pictures,
                    _models_json(changed.models),
                    draft_id,
                ),
            )
            return changed

        return await self._database.run(unit)

    async def delete(self, draft_id: int) -> bool:
        """Delete a draft; False if a job was made from it, or there is none."""
        return await self._database.run(lambda tx: delete(tx, draft_id))


def _find(transaction: sqlite3.Connection, draft_id: int, since: int) -> Draft | None:
    row = transaction.execute(
        f"SELECT *, {_TAKEN} AS taken, {DRAFT_REFERENCES} FROM drafts"  # noqa: S608  # our own text
        " WHERE draft_id = ? AND drafted_at >= ?",
        (draft_id, since),
    ).fetchone()
    if row is None:
        return None
    return replace(_draft(row), picture_limit=settings.load(transaction, row["guild_id"]).picture_limit())


def _draft(row: sqlite3.Row) -> Draft:
    return Draft(
        draft_id=row["draft_id"],
        guild_id=row["guild_id"],
        user_id=row["user_id"],
        prompt=row["prompt"],
        model=row["model"],
        size=row["size"],
        format=row["format"],
        private=bool(row["private"]),
        spoiler=bool(row["spoiler"]),
        references=references_from(row),
        preset=preset_from(row),
        parent_job_id=row["parent_job_id"],
        asked_size=row["asked_size"],
        settings=from_json(row["settings"]),
        pictures=row["pictures"],
        models=tuple(json.loads(row["models"] or "[]")),
        taken=bool(row["taken"]),
    )
