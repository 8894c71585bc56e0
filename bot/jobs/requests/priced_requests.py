"""Resolve a request, price it and check it: for each of its pictures, which may be of several models.

Owns no table.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from bot.credits import ledger
from bot.credits.model_prices import quote
from bot.credits.usage import LimitUsage
from bot.domain.access import loosens_safety, requires_spoiler
from bot.domain.errors import LimitExceeded, MemberError, MemberReason
from bot.domain.jobs import MOST_PICTURES
from bot.domain.pictures import MOST_IN_MESSAGE
from bot.guilds.access_rules import enforce
from bot.guilds.operator_decisions import require_not_paused
from bot.jobs.requests.model_choice import naming_others
from bot.jobs.requests.request_options import resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from bot.credits.ledger import Transaction
    from bot.domain.access import AccessPolicy
    from bot.domain.image_models import ImageModel
    from bot.domain.jobs import Request, RequestContext, RequestOptions
    from bot.domain.limits import Limit, MemberLimits
    from bot.domain.model_catalog import ModelCatalog
    from bot.domain.prices import Quote, SettingsPrices
    from bot.jobs.requests.model_choice import ChosenModel


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


def naming_other_models(
    submitted: Submitted, chosen: ChosenModel, policy: AccessPolicy, *, compared: bool = False
) -> AbstractContextManager[None]:
    """Let an error about the model of a request name those that would do.

    Where models are compared, that is an error about a `compared` one: without it none is named.
    """
    if compared is not bool(submitted.request.models):
        return nullcontext()
    return naming_others(submitted.catalog, chosen, submitted.request, submitted.context, policy)


def price_pictures(
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

    Raises:
        MemberError: TOO_MANY_PICTURES, PICTURES_AND_MODELS, TOO_MANY_RESULTS; as `resolve` and `check`.
    """
    asked = submitted.request
    models = dict.fromkeys(asked.models)
    if models or asked.pictures > 1:
        _require_count(asked.pictures, len(models), policy.picture_limit)
    found = []
    for model_id in models:
        each = replace(chosen, model_id=model_id)
        with naming_other_models(submitted, each, policy, compared=True):
            found.append(_priced(tx, submitted, each, policy, check, strict=strict))
    if not models:
        found.append(_priced(tx, submitted, chosen, policy, check, strict=strict))
    found *= asked.pictures
    if strict:
        _require_few_enough(found)
    return found


def _require_count(pictures: int, models: int, limit: int) -> None:
    """Check how many pictures are asked for: one of each model, or several of one."""
    if pictures > 1 and models > 1:
        raise MemberError(MemberReason.PICTURES_AND_MODELS)
    if (count := max(pictures, models)) > limit:
        raise MemberError(MemberReason.TOO_MANY_PICTURES, count=count, limit=limit, compared=models > 1)


def _require_few_enough(pictures: list[PricedRequest]) -> None:
    """Refuse more pictures than an admin allows or one message shows, if tasks make as many as they may."""
    most = sum([priced.model.most_pictures(priced.request.settings) for priced in pictures])
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
    check: Callable[[Request, ImageModel], None],
    *,
    strict: bool,
) -> PricedRequest:
    """Resolve a request, as strictly as `resolve` is told to, price and check it."""
    model = submitted.catalog.require(chosen.model_id)
    request = resolve(tx, submitted.request, model, strict=strict)
    price = quote(tx, model, request.settings, submitted.known_prices)
    check(request, model)
    return PricedRequest(request, submitted, chosen, model, price, policy)


def require_allowed(tx: Transaction, pictures: list[PricedRequest]) -> None:
    """Check the pictures against pauses and access rules.

    Raises:
        MemberError: as `require_not_paused` and `enforce`.
    """
    first, submitted, policy = pictures[0], pictures[0].submitted, pictures[0].policy
    context, at, count = submitted.context, submitted.at, len(pictures)
    require_not_paused(tx, submitted.guild_id)
    if not submitted.request.models:  # the same request several times is checked once
        enforce(tx, first.request, context, policy, at, pictures=count)
        return
    for priced in pictures:
        with naming_other_models(submitted, priced.chosen, policy, compared=True):
            enforce(tx, priced.request, context, policy, at, pictures=count)


def as_admins_say(priced: PricedRequest) -> Request:
    """Return the request as a spoiler, if a rule makes it one, and checked as strictly as admins want it."""
    request, context, policy = priced.request, priced.submitted.context, priced.policy
    spoiler = request.spoiler or requires_spoiler(context, policy)
    loose = loosens_safety(context, policy) and priced.model.can_loosen
    if (spoiler, loose) == (request.spoiler, request.loose_safety):
        return request
    return replace(request, spoiler=spoiler, loose_safety=loose)


def require_acceptable(tx: Transaction, pictures: list[PricedRequest]) -> MemberLimits:
    """Return how far the member's limits are used, if pauses, access rules and limits allow all pictures now.

    Raises:
        MemberError, LimitExceeded: as `require_allowed` and `require_room`.
    """
    require_allowed(tx, pictures)
    return require_room(tx, pictures)


def require_room(tx: Transaction, pictures: list[PricedRequest]) -> MemberLimits:
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
