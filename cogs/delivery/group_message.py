"""The one message of a group: what waits to be shown in it, and the task that edits it when that is due."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from bot.domain.errors import KuasError
from bot.engine.delivery import UndeliverableError
from bot.engine.waits import WakeableWait
from cogs.delivery.group_editor import GroupEditor

if TYPE_CHECKING:
    from bot.domain.jobs import DeliveredMessage
    from bot.domain.progress import Progress
    from cogs.delivery.edit_budget import Edit
    from cogs.delivery.group_editor import GroupTools, Outcome

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A runner that waits until the outcome of its job is shown."""

    outcome: Outcome
    shown: asyncio.Future[DeliveredMessage | None]


class GroupMessage:
    """The message of one group. One task edits it, as long as there is something to show."""

    def __init__(self, interaction_id: int, channel_id: int, tools: GroupTools) -> None:
        self._interaction_id = interaction_id
        self._budget = tools.budget
        self._editor = GroupEditor(interaction_id, channel_id, tools)
        self._waiting: dict[str, _Waiting] = {}
        self._refreshes: list[asyncio.Future[None]] = []
        self._content = self._editor.content
        self._wait = WakeableWait()
        self._task: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be shown."""
        return self._task is None or self._task.done()

    def show_progress(self, job_id: str, progress: Progress) -> None:
        """Show what a job is doing, with one of the next edits."""
        if self._content.note_progress(job_id, progress):
            self._wake()

    async def deliver(self, job_id: str, outcome: Outcome) -> DeliveredMessage | None:
        """Show a picture, or why there is none; returns where the picture was posted.

        Raises:
            UndeliverableError: Discord refused every method.
            TransientError: Discord does not answer, or answers 429 or 5xx; it may have been posted.
            OperatorError: `database`.
        """
        waiting = _Waiting(outcome, asyncio.get_running_loop().create_future())
        self._waiting[job_id] = waiting
        self._content.stuck.discard(job_id)
        self._wake()
        try:
            while not waiting.shown.done():
                await self._next_edit()
            return waiting.shown.result()
        finally:
            if self._waiting.get(job_id) is waiting:
                del self._waiting[job_id]

    async def refresh(self) -> None:
        """Show the group as its rows say now."""
        refreshed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._refreshes.append(refreshed)
        self._wake()
        while not refreshed.done():
            await self._next_edit()

    async def aclose(self) -> None:
        """Stop editing; what waits is cancelled."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _wake(self) -> None:
        self._wait.wake()
        if self.idle:
            self._task = asyncio.create_task(self._run(), name=f"group {self._interaction_id}")

    async def _next_edit(self) -> None:
        """Wait until the edit that is due next was made, or has failed."""
        task = self._task
        assert task is not None  # it runs as long as anything waits
        await asyncio.wait({task})
        task.result()  # it raises only if it was cancelled

    @property
    def _is_final(self) -> bool:
        """Whether more than progress waits."""
        return bool(self._waiting or self._refreshes or self._content.is_incomplete)

    async def _run(self) -> None:
        """Make one edit, and begin the next if something waits for it by then."""
        while (edit := await self._take_edit()) is None:
            pass
        try:
            await self._edit()
        finally:
            edit.made(time.monotonic())
        if self._is_final or self._content.has_news:
            self._task = asyncio.create_task(self._run(), name=f"group {self._interaction_id}")

    async def _take_edit(self) -> Edit | None:
        """Wait until an edit is due and within the budget; None if something else may be due by now."""
        final, now, channel = self._is_final, time.monotonic(), self._budget.of(self._editor.channel_id)
        due_at = self._editor.pace.due_at(final=final)
        if not final:
            due_at = max(due_at, channel.progress_from)
        if due_at > now:
            await self._wait.wait(lambda: asyncio.sleep(due_at - now))
            return None
        edit = channel.reserve(now)
        while (at := edit.at) > now:
            await asyncio.sleep(at - now)
            now = time.monotonic()
        return edit

    async def _edit(self) -> None:
        """Show all that waits. An error ends the wait of everything that was to be shown with this edit."""
        waiting, refreshes = dict(self._waiting), self._refreshes
        self._refreshes, self._content.has_news = [], False
        outcomes = {job_id: each.outcome for job_id, each in waiting.items()}
        try:
            shown = await self._editor.show(outcomes, asked=bool(refreshes))
            for job_id, where in shown.items():
                self._end_wait(job_id, waiting[job_id], where)
        except Exception as error:
            if isinstance(error, (KuasError, UndeliverableError)):  # their runners know what to do
                log.info("group left as it was", interaction_id=self._interaction_id, error=str(error))
            else:
                log.exception("group not shown", interaction_id=self._interaction_id)
            self._content.forget_fetched()
            for job_id, each in waiting.items():
                self._end_wait(job_id, each, error)
        finally:
            for refreshed in refreshes:
                if not refreshed.done():
                    refreshed.set_result(None)

    def _end_wait(self, job_id: str, waiting: _Waiting, outcome: DeliveredMessage | Exception | None) -> None:
        if self._waiting.get(job_id) is not waiting:  # its runner was stopped, and nobody reads the outcome
            return
        del self._waiting[job_id]
        if isinstance(outcome, Exception):
            waiting.shown.set_exception(outcome)
        else:
            waiting.shown.set_result(outcome)
