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
from bot.domain.access import loosens_safety, may_use_model, requires_spoiler
from bot.domain.errors import MemberError, MemberReason
from bot.domain.jobs import Job, Request, Stage
from bot.guilds import settings
from bot.guilds.access_rules import enforce, load_policy, reject_duplicate_click
from bot.guilds.operator_decisions import require_admitted, require_not_paused
from bot.guilds.settings import GuildSetting
from bot.jobs import drafts
from bot.jobs.model_choice import choose, for_reference, naming_others
from bot.jobs.request_options import resolve
from bot.jobs.rows import insert_job
from bot.jobs.validation import require_reference_support, validate_request

if TYPE_CHECKING:
    from bot.credits.ledger import Transaction
    from bot.domain.access import AccessPolicy
    from bot.domain.image_models import ImageModel
    from bot.domain.jobs import RequestContext, RequestOptions
    from bot.domain.limits import Limit, MemberLimits
    from bot.domain.model_catalog import ModelCatalog
    from bot.domain.prices import Quote, SettingsPrices
    from bot.jobs.model_choice import ChosenModel


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
class Submitted:
    """A request as it came in, and the data needed to check it and to tell its price.

    `at` is epoch milliseconds; `default_limit` binds guilds that have set none.
    """

    request: Request | RequestOptions
    context: RequestContext
    catalog: ModelCatalog
    at: int
    default_limit: Limit
    known_prices: SettingsPrices
    """What the operator says that settings cost."""

    @property
    def guild_id(self) -> int:
        """The guild of the request."""
        return self.request.destination.guild_id


@dataclass(frozen=True, slots=True)
class PricedRequest:
    """A resolved request with its price, and the data needed to check it, as in `Submitted`."""

    request: Request
    context: RequestContext
    model: ImageModel
    """The request's, with its price of now."""
    price: Quote
    policy: AccessPolicy
    at: int
    default_limit: Limit


def submit(
    tx: Transaction, submitted: Submitted, *, job_id: str, draft_id: int | None, confirmed: bool
) -> SubmitResult:
    """Check a request and write its job, or its draft if the price has to be confirmed first.

    `draft_id` is the draft that is submitted; it can become one job only.

    Raises:
        MemberError: GUILD_NOT_ADMITTED; MODEL_UNAVAILABLE; as `resolve`; DRAFT_TAKEN, the draft is gone or
            has a job already; as `validate_request`, `require_not_paused`, `enforce` and
            `reject_duplicate_click`.
        LimitExceeded: a limit has no room. Nothing is written after any error.
    """
    require_admitted(tx, submitted.guild_id)
    policy = load_policy(tx, submitted.guild_id, submitted.at)
    chosen = choose(tx, submitted.catalog, submitted.request)
    with naming_others(submitted.catalog, chosen, submitted.request, submitted.context, policy):
        priced = _priced(tx, submitted, chosen, policy)
        validate_request(priced.request, priced.model)
        if _must_ask(tx, submitted.guild_id, priced.price, draft_id, confirmed=confirmed):
            return _ask(tx, priced, draft_id)
        return _accept(tx, priced, job_id, draft_id)


def _priced(
    tx: Transaction,
    submitted: Submitted,
    chosen: ChosenModel,
    policy: AccessPolicy,
    *,
    strict: bool = True,
) -> PricedRequest:
    """Resolve a request, as strictly as `resolve` is told to, and price it."""
    model = submitted.catalog.require(chosen.model_id)
    request = resolve(tx, submitted.request, model, strict=strict)
    price = quote(tx, model, request.settings, submitted.known_prices)
    return PricedRequest(
        request, submitted.context, model, price, policy, submitted.at, submitted.default_limit
    )


def _accept(
    tx: Transaction, priced: PricedRequest, job_id: str, draft_id: int | None
) -> Accepted | Duplicate:
    """Write the job and reserve its credits."""
    request, at = priced.request, priced.at
    job = Job(
        job_id=job_id,
        request=_as_admins_say(priced),
        stage=Stage.ACCEPTED,
        quote_credits=priced.price.credits,
        accepted_at=at,
    )
    # Inserted before the checks, so that a second delivery is a `Duplicate`; an error rolls it back.
    if not insert_job(tx, job):
        return Duplicate()
    require_not_paused(tx, request.destination.guild_id)
    enforce(tx, request, priced.context, priced.policy, at)
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


def open_draft(tx: Transaction, submitted: Submitted, *, extends: bool = False) -> drafts.Draft | None:
    """Save a request whose form is shown next; None if the interaction was saved before.

    With `extends` the request's references are added to the draft that its member has begun a moment ago, if
    there is one with room; else another model takes the place of one that takes no reference, or that may not
    be used.

    Raises:
        MemberError, LimitExceeded: it would be refused, whatever is typed into the form.
    """
    require_admitted(tx, submitted.guild_id)
    catalog = submitted.catalog
    policy = load_policy(tx, submitted.guild_id, submitted.at)
    chosen = choose(tx, catalog, submitted.request)
    if extends:
        chosen = replace(chosen, model_id=for_reference(catalog, chosen.model_id, submitted.context, policy))
    with naming_others(catalog, chosen, submitted.request, submitted.context, policy):
        # What a button repeats can still be changed in the form; what was typed just now is refused at once.
        strict = not isinstance(submitted.request, Request)
        priced = _priced(tx, submitted, chosen, policy, strict=strict)
        require_reference_support(priced.request, priced.model)
        # So can the prompt, so blocked words and the preset are not checked yet.
        blank = replace(priced, request=replace(priced.request, prompt="", preset=None))
        _require_capacity(tx, blank)
        if extends and catalog.most_references > 1:
            return _extend_draft(tx, priced, catalog, derived=not strict)
        return _new_draft(tx, priced)


def _new_draft(tx: Transaction, priced: PricedRequest) -> drafts.Draft | None:
    saved = drafts.insert_draft(tx, priced.request, priced.at)
    return drafts.draft_from(priced.request) if saved else None


def _extend_draft(
    tx: Transaction, priced: PricedRequest, catalog: ModelCatalog, *, derived: bool
) -> drafts.Draft | None:
    """Add the references to the draft that was begun a moment ago; else save a new one."""
    request = priced.request
    begun = drafts.newest_unsent(tx, request.destination, priced.at)
    if begun and not may_use_model(begun.model, priced.context, priced.policy):
        begun = None  # its model was denied meanwhile
    if begun and not catalog.references_of(begun.model):
        begun = None  # it is gone, or takes none
    if begun:
        extended = drafts.with_references(begun, request, derived=derived)
        if len(extended.references) <= catalog.references_of(extended.model):
            drafts.save_references(tx, begun, extended)
            return extended
    draft = _new_draft(tx, priced)
    return draft and replace(draft, full_model=begun.model if begun else None)


def _as_admins_say(priced: PricedRequest) -> Request:
    """Return the request as a spoiler, if a rule makes it one, and checked as strictly as admins want it."""
    request, context, policy = priced.request, priced.context, priced.policy
    spoiler = request.spoiler or requires_spoiler(context, policy)
    loose = loosens_safety(context, policy) and priced.model.can_loosen
    if (spoiler, loose) == (request.spoiler, request.loose_safety):
        return request
    return replace(request, spoiler=spoiler, loose_safety=loose)


def _must_ask(tx: Transaction, guild_id: int, price: Quote, draft_id: int | None, *, confirmed: bool) -> bool:
    """Whether the member has to confirm the price first: the guild wants that, or it has risen since.

    A price that is not known may be above any other.
    """
    if confirmed:
        quoted = None if draft_id is None else drafts.quoted_credits(tx, draft_id)
        return quoted is not None and price.credits > quoted
    above = settings.load(tx, guild_id)[GuildSetting.CONFIRM_ABOVE]
    return above is not None and (price.credits > int(above) or not price.is_exact)


def _ask(tx: Transaction, priced: PricedRequest, draft_id: int | None) -> NeedsConfirmation | Duplicate:
    """Save the request as a new draft for the yes button, and delete the draft it came from."""
    request, price = priced.request, priced.price
    member_limits = _require_capacity(tx, priced)
    if not drafts.insert_draft(tx, request, priced.at, price.credits):
        return Duplicate()
    if draft_id is not None and not drafts.delete(tx, draft_id):
        raise MemberError(MemberReason.DRAFT_TAKEN)
    return NeedsConfirmation(request.destination.interaction_id, request, price, member_limits)


def _require_capacity(tx: Transaction, priced: PricedRequest) -> MemberLimits:
    """Return how far the member's limits are used; raise if pauses, access rules or limits refuse it now."""
    request, at = priced.request, priced.at
    require_not_paused(tx, request.destination.guild_id)
    enforce(tx, request, priced.context, priced.policy, at)
    usage = LimitUsage.at_time(tx, request.destination.guild_id, priced.default_limit, at, split_held=False)
    user_id, role_ids = request.destination.user_id, priced.context.role_ids
    return ledger.require_capacity(usage, user_id, role_ids, priced.price.credits)
