"""Submit a request: one transaction that checks it and writes its jobs or, to confirm its price, a draft.

The checks and the reservations share the transaction, so nothing can change between them.

Owns no table; it writes jobs, drafts and reservations through their owners.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.credits import ledger
from bot.domain.access import may_use_model
from bot.domain.errors import MemberError, MemberReason
from bot.domain.jobs import GroupPlace, Job, Request, Stage
from bot.domain.prices import total_quote
from bot.guilds import settings
from bot.guilds.access_rules import load_policy, reject_duplicate_click
from bot.guilds.operator_decisions import require_admitted
from bot.guilds.settings import GuildSetting
from bot.jobs import groups
from bot.jobs.requests import drafts
from bot.jobs.requests.model_choice import choose, for_reference
from bot.jobs.requests.priced_requests import (
    as_admins_say,
    naming_other_models,
    price_pictures,
    require_acceptable,
    require_allowed,
    require_room,
)
from bot.jobs.requests.validation import require_reference_support, validate_request

if TYPE_CHECKING:
    from bot.credits.ledger import Transaction
    from bot.domain.limits import MemberLimits
    from bot.domain.model_catalog import ModelCatalog
    from bot.domain.prices import Quote
    from bot.jobs.requests.priced_requests import PricedRequest, Submitted


@dataclass(frozen=True, slots=True)
class Accepted:
    """The jobs of the request are written, and their credits are reserved."""

    jobs: tuple[Job, ...]
    """One or more, in the order of their numbers."""

    @property
    def job(self) -> Job:
        """The first; of a request for one picture the only one."""
        return self.jobs[0]


@dataclass(frozen=True, slots=True)
class NeedsConfirmation:
    """The guild asks for a confirmation above this price; nothing is reserved."""

    draft_id: int
    """The draft to be confirmed."""
    request: Request
    quote: Quote
    """Of all pictures together."""
    member_limits: MemberLimits
    """How far the member's limits are used, without this request."""
    pictures: tuple[PricedRequest, ...] = ()
    """Each picture of a request for several."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The interaction was submitted before: Discord may deliver an event twice. Nothing is written."""


SubmitResult = Accepted | NeedsConfirmation | Duplicate


def submit(
    tx: Transaction, submitted: Submitted, *, job_id: str, draft_id: int | None, confirmed: bool
) -> SubmitResult:
    """Check a request and write its jobs, or its draft if the price has to be confirmed first.

    `job_id` is that of the first job. `draft_id` is the draft that is submitted, which is done once.

    Raises:
        MemberError: GUILD_NOT_ADMITTED; MODEL_UNAVAILABLE; TOO_MANY_PICTURES, PICTURES_AND_MODELS,
            TOO_MANY_RESULTS; as `resolve`; DRAFT_TAKEN, the draft is gone or was submitted already; as
            `validate_request`, `require_not_paused`, `enforce` and `reject_duplicate_click`.
        LimitExceeded: a limit has no room for all pictures. Nothing is written after any error.
    """
    require_admitted(tx, submitted.guild_id)
    policy = load_policy(tx, submitted.guild_id, submitted.at)
    chosen = choose(tx, submitted.catalog, submitted.request)
    with naming_other_models(submitted, chosen, policy):
        pictures = price_pictures(tx, submitted, chosen, policy, validate_request)
        total = total_quote([each.price for each in pictures])
        if _must_ask(tx, submitted.guild_id, total, draft_id, confirmed=confirmed):
            return _ask(tx, pictures, total, draft_id)
        return _accept(tx, pictures, job_id, draft_id)


def _accept(
    tx: Transaction, pictures: list[PricedRequest], job_id: str, draft_id: int | None
) -> Accepted | Duplicate:
    """Write the jobs and reserve their credits."""
    jobs = [_job(priced, job_id, number, len(pictures)) for number, priced in enumerate(pictures, start=1)]
    # Inserted before the checks, so that a second delivery is a `Duplicate`; an error rolls it back.
    if not groups.insert_jobs(tx, jobs):
        return Duplicate()
    require_allowed(tx, pictures)
    reject_duplicate_click(tx, jobs[0], pictures[0].submitted.at)
    if draft_id is not None and not drafts.claim(tx, draft_id, job_id):
        raise MemberError(MemberReason.DRAFT_TAKEN)
    if len(pictures) > 1:
        # Before the first is reserved, so that a refusal tells what is left for all.
        require_room(tx, pictures)
    for priced, job in zip(pictures, jobs, strict=True):
        _reserve(tx, priced, job)
    return Accepted(tuple(jobs))


def _job(priced: PricedRequest, first_id: str, number: int, count: int) -> Job:
    """Return the job of one of `count` pictures, by its number."""
    request = as_admins_say(priced)
    return Job(
        job_id=groups.job_id_of(first_id, number),
        request=request if count == 1 else replace(request, pictures=1, models=()),
        stage=Stage.ACCEPTED,
        quote_credits=priced.price.credits,
        accepted_at=priced.submitted.at,
        place=GroupPlace(number, count) if count > 1 else None,
    )


def _reserve(tx: Transaction, priced: PricedRequest, job: Job) -> None:
    ledger.reserve(
        tx,
        job_id=job.job_id,
        guild_id=job.request.destination.guild_id,
        user_id=job.request.destination.user_id,
        model=job.request.model,
        cost_credits=job.quote_credits,
        default=priced.submitted.default_limit,
        at=priced.submitted.at,
        role_ids=priced.submitted.context.role_ids,
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
    with naming_other_models(submitted, chosen, policy):
        # What a button repeats can still be changed in the form; what was typed just now is refused at once.
        strict = not isinstance(submitted.request, Request)
        pictures = price_pictures(tx, submitted, chosen, policy, require_reference_support, strict=strict)
        # So can the prompt, so blocked words and the preset are not checked yet.
        require_acceptable(
            tx, [replace(each, request=replace(each.request, prompt="", preset=None)) for each in pictures]
        )
        if extends and catalog.most_references > 1:
            draft = _extend_draft(tx, pictures[0], catalog, derived=not strict)
        else:
            draft = _new_draft(tx, pictures)
    return draft and replace(draft, picture_limit=policy.picture_limit)


def _new_draft(
    tx: Transaction, pictures: list[PricedRequest], quote_credits: int | None = None
) -> drafts.Draft | None:
    """Save the request of these pictures; None if its interaction was saved before."""
    request, at = pictures[0].request, pictures[0].submitted.at
    if request.models:
        # The format that was asked for is that of a model which has several.
        formats = (each.request.format for each in pictures if len(each.model.file_formats) > 1)
        request = replace(request, format=next(formats, request.format))
    saved = drafts.insert_draft(tx, request, at, quote_credits)
    return drafts.draft_from(request) if saved else None


def _extend_draft(
    tx: Transaction, priced: PricedRequest, catalog: ModelCatalog, *, derived: bool
) -> drafts.Draft | None:
    """Add the references to the draft that was begun a moment ago; else save a new one."""
    request, submitted = priced.request, priced.submitted
    begun = drafts.newest_unsent(tx, request.destination, submitted.at)
    full_model = None
    # Not if a model was denied meanwhile, is gone, or takes none.
    if begun and all(
        may_use_model(each, submitted.context, priced.policy) and catalog.references_of(each)
        for each in begun.model_ids
    ):
        full_model = min(begun.model_ids, key=catalog.references_of)
        extended = drafts.with_references(begun, request, derived=derived)
        if len(extended.references) <= catalog.references_of(full_model):
            drafts.save_references(tx, begun, extended)
            return extended
    draft = _new_draft(tx, [priced])
    return draft and replace(draft, full_model=full_model)


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
    tx: Transaction, pictures: list[PricedRequest], total: Quote, draft_id: int | None
) -> NeedsConfirmation | Duplicate:
    """Save the request as a new draft for the yes button, and delete the draft it came from."""
    member_limits = require_acceptable(tx, pictures)
    if _new_draft(tx, pictures, total.credits) is None:
        return Duplicate()
    if draft_id is not None and not drafts.delete(tx, draft_id):
        raise MemberError(MemberReason.DRAFT_TAKEN)
    request = pictures[0].request
    several = tuple(pictures) if len(pictures) > 1 else ()
    return NeedsConfirmation(request.destination.interaction_id, request, total, member_limits, several)
