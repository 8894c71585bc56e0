"""`/operator late`: the jobs that take too long, with buttons to try each now or to end it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import discord
import structlog
from discord import ui

from bot.jobs.late_jobs import LateJobResult
from cogs.limits.views import REASON_UNITS
from cogs.operator import late_job_views as views
from cogs.operator.authorization import require_operator
from cogs.operator.late_job_views import LateAction
from cogs.text.escaping import single_line
from cogs.text.translation import gettext, gettext_noop
from cogs.ui.component_router import component, modal, typed_text
from cogs.ui.context import guild_names
from cogs.ui.forms import build_form, labelled
from cogs.ui.layout import row

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from bot.jobs.late_jobs import LateJob, LateJobStore
    from cogs.operator.views import NameOf

log = structlog.get_logger(__name__)


_LABELS: Final = {
    LateAction.RETRY: gettext_noop("Try now"),
    LateAction.ABANDON: gettext_noop("Stop waiting"),
    LateAction.RELEASE: gettext_noop("Release the credits"),
}
_QUESTIONS: Final = {
    LateAction.ABANDON: gettext_noop(
        "Its member is told, unless they know already. What Rivya has charged, or may still charge, is not"
        " given back."
    ),
    LateAction.RELEASE: gettext_noop(
        "Its member is told, unless they know already. Its credits are given back, although Rivya may still"
        " charge them."
    ),
}
_JOB: Final = r"(?P<job_id>[0-9a-f-]{36}):(?P<page>[0-9]{1,6})"


class LateJobCommands:
    """The list of late jobs and its buttons; `Operator` has the command."""

    def __init__(self, guild_id: int, late_jobs: LateJobStore, wake_jobs: Callable[[], None]) -> None:
        self._guild_id = guild_id
        self._late_jobs = late_jobs
        self._wake_jobs = wake_jobs

    async def view(self, number: int, name_of: NameOf, outcome: str = "") -> ui.LayoutView:
        """Return a page of the list; `outcome` is what was just done."""
        page = await self._late_jobs.page(number)
        buttons = [_buttons(late_job, page.page) for late_job in page.rows]
        pages = row(
            page_button(page.page - 1, gettext("Previous"), enabled=page.page > 1),
            page_button(page.page + 1, gettext("Next"), enabled=page.page < page.pages),
        )
        return views.late_jobs_view(page, name_of, buttons, pages, outcome)

    @component(r"kuas:late:page:(?P<page>[0-9]{1,6})")
    async def show_page(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Show another page in the same message."""
        await require_operator(interaction, self._guild_id)
        await self._show(interaction, int(custom_id["page"]))

    @component(rf"kuas:late:{LateAction.RETRY}:{_JOB}")
    async def retry(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Poll the task, or download the picture, now."""
        await require_operator(interaction, self._guild_id)
        job_id = custom_id["job_id"]
        result = await self._late_jobs.retry(job_id)
        await self._finish(interaction, custom_id, LateAction.RETRY, result)

    @component(rf"kuas:late:(?P<action>{LateAction.ABANDON}|{LateAction.RELEASE}):{_JOB}")
    async def ask(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """Ask for a reason, which also confirms that the job is to be ended."""
        await require_operator(interaction, self._guild_id)
        action = LateAction(custom_id["action"])
        form = reason_form(action, custom_id["job_id"], int(custom_id["page"]))
        await interaction.response.send_modal(form)

    @modal(rf"kuas:late_form:(?P<action>{LateAction.ABANDON}|{LateAction.RELEASE}):{_JOB}")
    async def end(self, interaction: discord.Interaction, custom_id: re.Match[str]) -> None:
        """End the wait for a job, for the reason that was typed."""
        await require_operator(interaction, self._guild_id)
        action, job_id = LateAction(custom_id["action"]), custom_id["job_id"]
        reason = single_line(typed_text(cast("dict[str, Any]", interaction.data)), REASON_UNITS)
        if not reason:
            await self._show(interaction, int(custom_id["page"]), gettext(views.NO_REASON))
            return
        if action is LateAction.RELEASE:
            result = await self._late_jobs.release(job_id, reason=reason, by=interaction.user.id)
        else:
            result = await self._late_jobs.abandon(job_id, reason=reason)
        await self._finish(interaction, custom_id, action, result)

    async def _finish(
        self,
        interaction: discord.Interaction,
        custom_id: re.Match[str],
        action: LateAction,
        result: LateJobResult,
    ) -> None:
        job_id = custom_id["job_id"]
        log.info("late job", job_id=job_id, action=action, result=result, by=interaction.user.id)
        if result is LateJobResult.DONE:
            self._wake_jobs()
        outcome = views.outcome_text(action, result, job_id)
        await self._show(interaction, int(custom_id["page"]), outcome)

    async def _show(self, interaction: discord.Interaction, number: int, outcome: str = "") -> None:
        view = await self.view(number, guild_names(interaction), outcome)
        await interaction.response.edit_message(view=view)


def reason_form(action: LateAction, job_id: str, page: int) -> ui.Modal:
    """Build the form that asks why a late job is ended."""
    field: ui.TextInput[ui.Modal] = ui.TextInput(custom_id="reason", max_length=REASON_UNITS)
    return build_form(
        gettext(_LABELS[action]),
        f"kuas:late_form:{action}:{job_id}:{page}",
        ui.TextDisplay(gettext(_QUESTIONS[action])),
        labelled(gettext("Reason"), field),
    )


def page_button(number: int, label: str, *, enabled: bool) -> ui.Button[ui.LayoutView]:
    """Make the button to a page of the list."""
    return ui.Button(label=label, custom_id=f"kuas:late:page:{number}", disabled=not enabled)


def _buttons(late_job: LateJob, page: int) -> ui.ActionRow[ui.LayoutView]:
    releasable = late_job.held_credits > 0
    actions = [LateAction.RETRY, LateAction.ABANDON, *([LateAction.RELEASE] if releasable else [])]
    return row(*(action_button(action, late_job.job.job_id, page) for action in actions))


def action_button(action: LateAction, job_id: str, page: int) -> ui.Button[ui.LayoutView]:
    """Make the button of one action on one late job."""
    danger = action is LateAction.RELEASE
    return ui.Button(
        label=gettext(_LABELS[action]),
        style=discord.ButtonStyle.danger if danger else discord.ButtonStyle.secondary,
        custom_id=f"kuas:late:{action}:{job_id}:{page}",
    )
