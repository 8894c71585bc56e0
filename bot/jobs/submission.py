"""Submit a request: one transaction that checks it and writes its job or, to confirm its price, a draft.

The checks and the reservation share the transaction, so nothing can change between them.

Owns no table; it writes jobs, drafts and reservations through their owners.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.credits import ledger
from bot.credits.model_prices import quote
from bot.credits.usage import LimitUsage
from bot.domain.access import requires_spoiler
from bot.domain.errors import MemberError, MemberReason
from bot.domain.jobs import Job, Request, Stage
from bot.guilds import settings
from bot.guilds.access_rules import enforce, load_policy, reject_duplicate_click
from bot.guilds.operator_decisions import require_admitted, require_not_paused
from bot.guilds.settings import GuildSetting
from bot.jobs import drafts
from bot.jobs.request_options import resolve
from bot.jobs.rows import insert_job
from bot.jobs.validation import validate_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.credits.ledger import Transaction
    from bot.domain.access import AccessPolicy
    from bot.domain.image_models import ImageModel
    from bot.domain.jobs import RequestContext, RequestOptions
    from bot.domain.limits import Limit, MemberLimits
    from bot.domain.prices import Quote, SettingsPrices


@dataclass(frozen=True, slots=True)
class Accepted:
    """The job is written, and its credits are reserved."""

    job: Job


@dataclass(frozen=True, slots=True)
class NeedsConfirmation:
    """The guild asks for a confirmation above this price; nothing is reserved."""

    draft_id: int
    """The draft to be confirmed."""
    request: Request
    quote: Quote
    member_limits: MemberLimits
    """How far the member's limits are used, without this request."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The interaction was submitted before: Discord may deliver an event twice. Nothing is written."""


SubmitResult = Accepted | NeedsConfirmation | Duplicate


@dataclass(frozen=True, slots=True)
class PricedRequest:
    """A request, and the data needed to check it and to tell its price.

    `at` is epoch milliseconds; `default_limit` binds guilds that have set none.
    """

    request: Request | RequestOptions
    context: RequestContext
    model: ImageModel
    """The request's, with its price of now."""
    at: int
    default_limit: Limit
    known_prices: SettingsPrices
    """What the operator says that settings cost."""

    def quote(self, tx: Transaction, request: Request) -> Quote:
        """Return what the picture will cost, with the settings of the resolved request."""
        return quote(tx, self.model, request.settings, self.known_prices)


def submit(
    tx: Transaction, priced: PricedRequest, *, job_id: str, draft_id: int | None, confirmed: bool
) -> SubmitResult:
    """Check a request and write its job, or its draft if the price has to be confirmed first.

    `draft_id` is the draft that is submitted; it can become one job only.

    Raises:
        MemberError: GUILD_NOT_ADMITTED; as `resolve`; DRAFT_TAKEN, the draft is gone or has a job already;
            as `validate_request`, `require_not_paused`, `enforce` and `reject_duplicate_click`.
        LimitExceeded: a limit has no room. Nothing is written after any error.
    """
    at, guild_id = priced.at, priced.request.destination.guild_id
    require_admitted(tx, guild_id)
    request = resolve(tx, priced.request, priced.model)
    validate_request(request, priced.model)
    policy, price = load_policy(tx, guild_id, at), priced.quote(tx, request)
    if _must_ask(tx, guild_id, price, draft_id, confirmed=confirmed):
        return _ask(tx, priced, request, price, policy, draft_id)
    job = Job(
        job_id=job_id,
        request=_hidden(request, priced.context, policy),
        stage=Stage.ACCEPTED,
        quote_credits=price.credits,
        accepted_at=at,
    )
    # Inserted before the checks, so that a second delivery is a `Duplicate`; an error rolls it back.
    if not insert_job(tx, job):
        return Duplicate()
    require_not_paused(tx, guild_id)
    enforce(tx, request, priced.context, policy, at)
    reject_duplicate_click(tx, request, at)
    if draft_id is not None and not drafts.claim(tx, draft_id, job_id):
        raise MemberError(MemberReason.DRAFT_TAKEN)
    _reserve(tx, priced, job)
    return Accepted(job)


def _reserve(tx: Transaction, priced: PricedRequest, job: Job) -> None:
    ledger.reserve(
        tx,
        job_id=job.job_id,
        guild_id=job.request.destination.guild_id,
        user_id=job.request.destination.user_id,
        model=job.request.model,
        cost_credits=job.quote_credits,
        default=priced.default_limit,
        at=priced.at,
        role_ids=priced.context.role_ids,
    )


def open_draft(
    tx: Transaction, priced: PricedRequest, room_of: Callable[[str], int] | None = None
) -> drafts.Draft | None:
    """Save a request whose form is shown next; None if the interaction was saved before.

    With `room_of`, how many references a model takes, the request's references are added to the draft that
    its member has begun a moment ago, if there is one with room.

    Raises:
        MemberError, LimitExceeded: it would be refused, whatever is typed into the form.
    """
    require_admitted(tx, priced.request.destination.guild_id)
    # What a button repeats can still be changed in the form; what was typed just now is refused at once.
    request = resolve(tx, priced.request, priced.model, strict=not isinstance(priced.request, Request))
    # So can the prompt, so blocked words and the preset are not checked yet.
    blank = replace(request, prompt="", preset=None)
    policy = load_policy(tx, request.destination.guild_id, priced.at)
    _require_capacity(tx, priced, blank, priced.quote(tx, request).credits, policy)
    begun = room_of and drafts.newest_unsent(tx, request.destination, priced.at)
    if room_of and begun:
        extended = drafts.with_references(begun, request, derived=isinstance(priced.request, Request))
        if len(extended.references) <= room_of(extended.model):
            drafts.save_references(tx, begun, extended)
            return extended
    if not drafts.insert_draft(tx, request, priced.at):
        return None
    return replace(drafts.draft_from(request), full_model=begun.model if begun else None)


def _hidden(request: Request, context: RequestContext, policy: AccessPolicy) -> Request:
    """Return the request as a spoiler, if a rule makes it one."""
    hides = not request.spoiler and requires_spoiler(context, policy)
    return replace(request, spoiler=True) if hides else request


def _must_ask(tx: Transaction, guild_id: int, price: Quote, draft_id: int | None, *, confirmed: bool) -> bool:
    """Whether the member has to confirm the price first: the guild wants that, or it has risen since.

    A price that is not known may be above any other.
    """
    if confirmed:
        quoted = None if draft_id is None else drafts.quoted_credits(tx, draft_id)
        return quoted is not None and price.credits > quoted
    above = settings.load(tx, guild_id)[GuildSetting.CONFIRM_ABOVE]
    return above is not None and (price.credits > int(above) or not price.is_exact)


def _ask(
    tx: Transaction,
    priced: PricedRequest,
    request: Request,
    price: Quote,
    policy: AccessPolicy,
    draft_id: int | None,
) -> NeedsConfirmation | Duplicate:
    """Save the request as a new draft for the yes button, and delete the draft it came from."""
    member_limits = _require_capacity(tx, priced, request, price.credits, policy)
    if not drafts.insert_draft(tx, request, priced.at, price.credits):
        return Duplicate()
    if draft_id is not None and not drafts.delete(tx, draft_id):
        raise MemberError(MemberReason.DRAFT_TAKEN)
    return NeedsConfirmation(request.destination.interaction_id, request, price, member_limits)


def _require_capacity(
    tx: Transaction, priced: PricedRequest, request: Request, cost_credits: int, policy: AccessPolicy
) -> MemberLimits:
    """Return how far the member's limits are used; raise if pauses, access rules or limits refuse it now."""
    require_not_paused(tx, request.destination.guild_id)
    enforce(tx, request, priced.context, policy, priced.at)
    usage = LimitUsage.at_time(
        tx, request.destination.guild_id, priced.default_limit, priced.at, split_held=False
    )
    user_id, role_ids = request.destination.user_id, priced.context.role_ids
    return ledger.require_capacity(usage, user_id, role_ids, cost_credits)
