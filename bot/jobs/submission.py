"""Submit a request: one transaction that checks it and writes its job or, to confirm its price, a draft.

The checks and the reservation share the transaction, so nothing can change between them.

Owns no table; it writes jobs, drafts and reservations through their owners.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from bot.credits import ledger
from bot.credits.model_prices import quote
from bot.credits.usage import LimitUsage
from bot.domain.access import loosens_safety, may_use_model, requires_spoiler
from bot.domain.errors import LimitExceeded, MemberError, MemberReason
from bot.domain.jobs import MOST_PICTURES, GroupPlace, Job, Request, Stage
from bot.domain.pictures import MOST_IN_MESSAGE
from bot.domain.prices import total_quote
from bot.guilds import settings
from bot.guilds.access_rules import enforce, load_policy, reject_duplicate_click
from bot.guilds.operator_decisions import require_admitted, require_not_paused
from bot.guilds.settings import GuildSetting
from bot.jobs import drafts, groups
from bot.jobs.model_choice import choose, for_reference, naming_others
from bot.jobs.request_options import resolve
from bot.jobs.validation import require_reference_support, validate_request

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

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
    """The jobs of the request are written, and their credits are reserved."""

    job: Job
    others: tuple[Job, ...] = ()
    """Those of a request for several pictures, without the first."""

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All of them, in the order of their numbers."""
        return (self.job, *self.others)


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
    """A picture that was asked for: its resolved request with its price, and what is needed to check it."""

    request: Request
    submitted: Submitted
    chosen: ChosenModel
    model: ImageModel
    """The request's, with its price of now."""
    price: Quote
    policy: AccessPolicy


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
    with _naming_others(submitted, chosen, policy):
        pictures = _pictures(tx, submitted, chosen, policy, validate_request)
        total = total_quote([each.price for each in pictures])
        if _must_ask(tx, submitted.guild_id, total, draft_id, confirmed=confirmed):
            return _ask(tx, pictures, total, draft_id)
        return _accept(tx, pictures, job_id, draft_id)


def _naming_others(
    submitted: Submitted, chosen: ChosenModel, policy: AccessPolicy, compared: str | None = None
) -> AbstractContextManager[None]:
    """Let an error about the model of a request name those that would do.

    Where models are compared it is about one of them, the `compared` one, and without that about none.
    """
    if bool(submitted.request.models) is (compared is None):
        return nullcontext()
    if compared is not None:
        chosen = replace(chosen, model_id=compared)
    return naming_others(submitted.catalog, chosen, submitted.request, submitted.context, policy)


def _pictures(
    tx: Transaction,
    submitted: Submitted,
    chosen: ChosenModel,
    policy: AccessPolicy,
    check: Callable[[Request, ImageModel], None],
    *,
    strict: bool = True,
) -> list[PricedRequest]:
    """Return the request of each picture, which differ in the model if models are compared.

    Each is resolved as strictly as `resolve` is told to, and checked by `check`.
    """
    asked = submitted.request
    models = tuple(dict.fromkeys(asked.models)) or (chosen.model_id,)
    _require_count(asked.pictures, len(models), policy.picture_limit)
    found = []
    for model_id in models:
        with _naming_others(submitted, chosen, policy, model_id):
            priced = _priced(tx, submitted, replace(chosen, model_id=model_id), policy, strict=strict)
            check(priced.request, priced.model)
        found.append(priced)
    if strict:
        _require_few_enough(found * asked.pictures)
    return found * asked.pictures


def _require_count(pictures: int, models: int, limit: int) -> None:
    """Check how many pictures are asked for: one of each model, or several of one."""
    if pictures > 1 and models > 1:
        raise MemberError(MemberReason.PICTURES_AND_MODELS)
    if (count := max(pictures, models)) > limit:
        raise MemberError(MemberReason.TOO_MANY_PICTURES, count=count, limit=limit, compared=models > 1)


def _require_few_enough(pictures: list[PricedRequest]) -> None:
    """Refuse more pictures than an admin allows or one message shows, if tasks make as many as they may."""
    most = sum(priced.model.most_pictures(priced.request.settings) for priced in pictures)
    allowed = pictures[0].policy.picture_limit
    is_set = allowed < MOST_PICTURES
    limit = allowed if is_set else MOST_IN_MESSAGE
    if most > limit:
        raise MemberError(MemberReason.TOO_MANY_RESULTS, count=most, limit=limit, by_admin=is_set)


def _priced(
    tx: Transaction,
    submitted: Submitted,
    chosen: ChosenModel,
    policy: AccessPolicy,
    *,
    strict: bool,
) -> PricedRequest:
    """Resolve a request, as strictly as `resolve` is told to, and price it."""
    model = submitted.catalog.require(chosen.model_id)
    request = resolve(tx, submitted.request, model, strict=strict)
    price = quote(tx, model, request.settings, submitted.known_prices)
    return PricedRequest(request, submitted, chosen, model, price, policy)


def _accept(
    tx: Transaction, pictures: list[PricedRequest], job_id: str, draft_id: int | None
) -> Accepted | Duplicate:
    """Write the jobs and reserve their credits."""
    jobs = [_job(priced, job_id, number, len(pictures)) for number, priced in enumerate(pictures, start=1)]
    # Inserted before the checks, so that a second delivery is a `Duplicate`; an error rolls it back.
    if not groups.insert_jobs(tx, jobs):
        return Duplicate()
    _require_allowed(tx, pictures)
    reject_duplicate_click(tx, jobs[0], pictures[0].submitted.at)
    if draft_id is not None and not drafts.claim(tx, draft_id, job_id):
        raise MemberError(MemberReason.DRAFT_TAKEN)
    if len(pictures) > 1:
        _require_room(
            tx, pictures
        )  # before the first is reserved, so that a refusal tells what is left for all
    for priced, job in zip(pictures, jobs, strict=True):
        _reserve(tx, priced, job)
    return Accepted(jobs[0], tuple(jobs[1:]))


def _job(priced: PricedRequest, first_id: str, number: int, count: int) -> Job:
    return Job(
        job_id=groups.job_id_of(first_id, number),
        request=replace(_as_admins_say(priced), pictures=1, models=())
        if count > 1
        else _as_admins_say(priced),
        stage=Stage.ACCEPTED,
        quote_credits=priced.price.credits,
        accepted_at=priced.submitted.at,
        place=GroupPlace(number, count) if count > 1 else None,
    )


def _require_allowed(tx: Transaction, pictures: list[PricedRequest]) -> None:
    """Check the pictures against pauses and access rules."""
    require_not_paused(tx, pictures[0].request.destination.guild_id)
    # The same request several times is checked once.
    for model_id, priced in {priced.model.model_id: priced for priced in pictures}.items():
        submitted, policy = priced.submitted, priced.policy
        with _naming_others(submitted, priced.chosen, policy, model_id):
            enforce(tx, priced.request, submitted.context, policy, submitted.at, pictures=len(pictures))


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
    with _naming_others(submitted, chosen, policy):
        # What a button repeats can still be changed in the form; what was typed just now is refused at once.
        strict = not isinstance(submitted.request, Request)
        pictures = _pictures(tx, submitted, chosen, policy, require_reference_support, strict=strict)
        # So can the prompt, so blocked words and the preset are not checked yet.
        _require_capacity(
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


def _as_admins_say(priced: PricedRequest) -> Request:
    """Return the request as a spoiler, if a rule makes it one, and checked as strictly as admins want it."""
    request, context, policy = priced.request, priced.submitted.context, priced.policy
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


def _ask(
    tx: Transaction, pictures: list[PricedRequest], total: Quote, draft_id: int | None
) -> NeedsConfirmation | Duplicate:
    """Save the request as a new draft for the yes button, and delete the draft it came from."""
    member_limits = _require_capacity(tx, pictures)
    if _new_draft(tx, pictures, total.credits) is None:
        return Duplicate()
    if draft_id is not None and not drafts.delete(tx, draft_id):
        raise MemberError(MemberReason.DRAFT_TAKEN)
    request = pictures[0].request
    several = tuple(pictures) if len(pictures) > 1 else ()
    return NeedsConfirmation(request.destination.interaction_id, request, total, member_limits, several)


def _require_capacity(tx: Transaction, pictures: list[PricedRequest]) -> MemberLimits:
    """Return how far the member's limits are used; raise if pauses, access rules or limits refuse it now."""
    _require_allowed(tx, pictures)
    return _require_room(tx, pictures)


def _require_room(tx: Transaction, pictures: list[PricedRequest]) -> MemberLimits:
    """Return how far the member's limits are used, if they have room for all pictures.

    Raises:
        LimitExceeded: one has no room; it tells the price of all, and for how many, the cheapest first, there
            is room.
    """
    destination, submitted = pictures[0].request.destination, pictures[0].submitted
    guild_id, user_id, role_ids = destination.guild_id, destination.user_id, submitted.context.role_ids
    usage = LimitUsage.at_time(tx, guild_id, submitted.default_limit, submitted.at, split_held=False)
    totals = list(accumulate(sorted(priced.price.credits for priced in pictures)))
    try:
        return ledger.require_capacity(usage, user_id, role_ids, totals[-1])
    except LimitExceeded as error:
        error.pictures = len(pictures)
        error.fitting = sum(total <= error.usage.left_credits for total in totals)
        raise
