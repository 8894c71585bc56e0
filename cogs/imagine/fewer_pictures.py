"""Ask for fewer pictures, or compare fewer models, after a request for more was refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from discord import ui

from bot.domain.errors import LimitExceeded, MemberError, MemberReason
from cogs.text.terms import shows_numbers
from cogs.text.translation import ngettext
from cogs.ui.component_router import SNOWFLAKE

if TYPE_CHECKING:
    from bot.domain.jobs import Request, RequestOptions

FEWER_ID: Final = rf"kuas:fewer:(?P<pictures>[1-9]):(?P<draft_id>{SNOWFLAKE})"


def fewer_button(draft_id: int, pictures: int) -> ui.Button[ui.LayoutView]:
    """Make the button that asks for so many pictures of a draft; `Submission.ask_for_fewer` handles it."""
    label = ngettext("Ask for {n} instead", "Ask for {n} instead", pictures)
    return ui.Button(label=label, custom_id=f"kuas:fewer:{pictures}:{draft_id}")


def accepted_pictures(error: Exception) -> int:
    """Return for how many pictures a request would have been accepted that was for too many; 0 if for none.

    It is 0, too, if only the operator may know that.
    """
    if isinstance(error, LimitExceeded):
        return error.fitting if shows_numbers(error.usage) else 0
    if not isinstance(error, MemberError):
        return 0
    limit, running = error.data.get("limit"), error.data.get("running", 0)
    if error.reason not in {MemberReason.TOO_MANY_PICTURES, MemberReason.TOO_MANY_RUNNING}:
        return 0
    return max(0, limit - running) if isinstance(limit, int) and isinstance(running, int) else 0


def with_fewer(request: Request | RequestOptions, error: Exception) -> Request | RequestOptions:
    """Return a refused request as its form and its card begin with it: for as many as would be accepted.

    Of models that are compared, which of them are kept is for the member to choose, unless they are more than
    a request may have.
    """
    reason = error.reason if isinstance(error, MemberError) else None
    if reason is MemberReason.PICTURES_AND_MODELS:
        return replace(request, pictures=1)
    accepted = accepted_pictures(error)
    if not accepted:
        return request
    if not request.models:
        return replace(request, pictures=min(accepted, request.pictures))
    if reason is not MemberReason.TOO_MANY_PICTURES:
        return request
    kept = request.models[:accepted]
    return replace(request, model=kept[0], models=kept if len(kept) > 1 else ())
