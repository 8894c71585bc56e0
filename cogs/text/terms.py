"""Words for credits, pictures, periods, limits, sizes, permissions, people, times and durations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.image_models import ANY_FORMAT, AUTO, MODELS
from bot.domain.limits import LimitScope
from bot.domain.periods import Period
from cogs.text.escaping import escape
from cogs.text.translation import gettext, gettext_noop, ngettext, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.domain.jobs import Reference, Request
    from bot.domain.limits import Limit, Usage
    from bot.domain.prices import PriceList, ShownPrice

_CURRENT_PERIODS: Final = {
    Period.DAY: gettext_noop("today"),
    Period.WEEK: gettext_noop("this week"),
    Period.MONTH: gettext_noop("this month"),
    Period.TOTAL: gettext_noop("in total"),
}
_EACH_PERIOD: Final = {
    Period.DAY: gettext_noop("a day"),
    Period.WEEK: gettext_noop("a week"),
    Period.MONTH: gettext_noop("a month"),
    Period.TOTAL: gettext_noop("in total"),
}
PERIODS_OF_LIMITS: Final = {
    Period.DAY: gettext_noop("Every day"),
    Period.WEEK: gettext_noop("Every week, from Monday"),
    Period.MONTH: gettext_noop("Every month, from the first"),
    Period.TOTAL: gettext_noop("Once: never resets"),
}
"""How the options of commands offer a limit's period."""
_SCOPES_FOR_MEMBERS: Final = {
    LimitScope.CEILING_ALL: gettext_noop("the bot's own budget for all servers"),
    LimitScope.CEILING: gettext_noop("what this bot allows this server"),
    LimitScope.GUILD: gettext_noop("this server's limit"),
    LimitScope.EVERYONE: gettext_noop("the limit for each member"),
    LimitScope.ROLE: gettext_noop("the limit of your role {role}"),
    LimitScope.MEMBER: gettext_noop("your own limit"),
}
_SCOPES_FOR_ADMINS: Final = {
    LimitScope.CEILING_ALL: gettext_noop("The bot's own budget for all servers"),
    LimitScope.CEILING: gettext_noop("What this bot allows this server"),
    LimitScope.GUILD: gettext_noop("This server's limit"),
    LimitScope.EVERYONE: gettext_noop("The limit for each member"),
    LimitScope.ROLE: gettext_noop("The limit of {role}"),
    LimitScope.MEMBER: gettext_noop("The limit of {member}"),
}
SIZES: Final = {
    "square_hd": gettext_noop("Square, high definition"),
    "square": gettext_noop("Square"),
    "portrait_5_4": gettext_noop("Portrait 4:5"),
    "portrait_4_3": gettext_noop("Portrait 3:4"),
    "portrait_3_2": gettext_noop("Portrait 2:3"),
    "portrait_16_9": gettext_noop("Portrait 9:16"),
    "portrait_4_1": gettext_noop("Portrait 1:4"),
    "portrait_8_1": gettext_noop("Portrait 1:8"),
    "landscape_5_4": gettext_noop("Landscape 5:4"),
    "landscape_4_3": gettext_noop("Landscape 4:3"),
    "landscape_3_2": gettext_noop("Landscape 3:2"),
    "landscape_16_9": gettext_noop("Landscape 16:9"),
    "landscape_21_9": gettext_noop("Landscape 21:9"),
    "landscape_4_1": gettext_noop("Landscape 4:1"),
    "landscape_8_1": gettext_noop("Landscape 8:1"),
    AUTO: gettext_noop("As it suits the picture"),
}
FORMATS: Final = {
    "png": gettext_noop("PNG"),
    "jpeg": gettext_noop("JPEG (smaller file)"),
    ANY_FORMAT: gettext_noop("As the model makes it"),
}
PERMISSION_NAMES: Final = {
    "view_channel": gettext_noop("View Channel"),
    "send_messages": gettext_noop("Send Messages"),
    "send_messages_in_threads": gettext_noop("Send Messages in Threads"),
    "attach_files": gettext_noop("Attach Files"),
    "read_message_history": gettext_noop("Read Message History"),
    "use_application_commands": gettext_noop("Use Application Commands"),
    "manage_guild": gettext_noop("Manage Server"),
    "manage_messages": gettext_noop("Manage Messages"),
}
BOT_OWNER: Final = "bot_owner"
"""Among missing permissions: to own the application, which is no permission of Discord."""
MODEL_UNITS: Final = 100
"""The longest name or id of a model."""
FILENAME_UNITS: Final = 60
"""How much of the name of a file or a preset is shown."""
_MINUTE_SECONDS: Final = 60
_HOUR_SECONDS: Final = 3600


def credits_text(credits: int) -> str:
    """Return `1 credit` or `4 credits`."""
    return ngettext("{n} credit", "{n} credits", credits)


def pictures_text(pictures: int) -> str:
    """Return `1 picture` or `4 pictures`."""
    return ngettext("{n} picture", "{n} pictures", pictures)


def place_text(place: int, count: int) -> str:
    """Return `picture 2 of 4`: which of the pictures of one request; empty if it is alone."""
    if count == 1:
        return ""
    return gettext("picture {place} of {count}", place=number(place), count=number(count))


def model_text(name: str) -> str:
    """Return the name or the id of a model, which the operator may have written."""
    return escape(name, MODEL_UNITS)


def amount_text(shown: ShownPrice) -> str:
    """Return `4 credits`, or `from 8 credits` if settings of the model can raise it."""
    price = credits_text(shown.credits)
    return gettext("from {price}", price=price) if shown.can_rise else price


def known_model_name(model_id: str) -> str:
    """Return the name of a model of the documentation, and of any other one its id."""
    return model_text(MODELS[model_id].name if model_id in MODELS else model_id)


def price_text(shown: ShownPrice) -> str:
    """Return `4 credits`, or `4 credits with Qwen Image` where there are other models."""
    return _with_model(amount_text(shown), shown.model_name)


def total_text(prices: Sequence[ShownPrice]) -> str:
    """Return what several pictures cost, as a product, or of several models as a sum: `5 + 4 = 9 credits`.

    Of one picture it is `price_text`.
    """
    first = prices[0]
    if len(prices) == 1:
        return price_text(first)
    names = {shown.model_name for shown in prices}
    if len(set(prices)) == 1:
        terms = f"{number(len(prices))} \N{MULTIPLICATION SIGN} {number(first.credits)}"
    else:
        terms = " + ".join(number(shown.credits) for shown in prices)
    total = f"{terms} = {credits_text(sum(shown.credits for shown in prices))}"
    if any(shown.can_rise for shown in prices):
        total = gettext("from {price}", price=total)
    return _with_model(total, first.model_name if len(names) == 1 else None)


def _with_model(price: str, model_name: str | None) -> str:
    if model_name is None:
        return price
    return gettext("{price} with {model}", price=price, model=model_text(model_name))


def enough_text(left_credits: int, prices: PriceList) -> str:
    """Return for how many pictures the credits are enough: of the default model, or else of a cheaper one.

    Without a choice of models it also says what a picture costs.
    """
    if not prices.has_choice:
        return _enough_for_more(left_credits, prices.default)
    best, default = prices.best_for(left_credits), model_text(prices.default.model_name or "")
    if best is None:
        price = price_text(prices.cheapest)
        return gettext("Not enough is left for a picture: the cheapest costs {price}.", price=price)
    if best is prices.default:
        return enough_for_text(left_credits, best)
    return ngettext(
        "{left} left: not enough for {model}, but for {n} of {other}.",
        "{left} left: not enough for {model}, but for {n} of {other}.",
        left_credits // best.credits,
        left=number(left_credits),
        model=default,
        other=model_text(best.model_name or ""),
    )


def enough_for_text(left_credits: int, shown: ShownPrice) -> str:
    """Return `12 left: enough for 3 of Qwen Image.`; the credits must be enough for one."""
    return ngettext(
        "{left} left: enough for {n} of {model}.",
        "{left} left: enough for {n} of {model}.",
        left_credits // shown.credits,
        left=number(left_credits),
        model=model_text(shown.model_name or ""),
    )


def _enough_for_more(left_credits: int, shown: ShownPrice) -> str:
    price, pictures = price_text(shown), left_credits // shown.credits
    if not pictures:
        return gettext("A picture costs {price}: not enough is left for one.", price=price)
    return ngettext(
        "A picture costs {price}: enough for {n} more.",
        "A picture costs {price}: enough for {n} more.",
        pictures,
        price=price,
    )


def length_text(seconds: float) -> str:
    """Return a duration in whole seconds, minutes or hours: `45 seconds`, `2 hours`."""
    if seconds < _MINUTE_SECONDS:
        return ngettext("{n} second", "{n} seconds", round(seconds))
    if seconds < _HOUR_SECONDS:
        return ngettext("{n} minute", "{n} minutes", round(seconds / _MINUTE_SECONDS))
    return ngettext("{n} hour", "{n} hours", round(seconds / _HOUR_SECONDS))


def size_name(size: str) -> str:
    """Return the name of a size; the size itself if no model has it any more."""
    return gettext(SIZES[size]) if size in SIZES else size


def size_note(request: Request) -> str:
    """Return that another size was taken than the one that was asked for; empty if it was not."""
    if request.asked_size is None:
        return ""
    return gettext(
        "{size}, as this model has no {asked}",
        size=size_name(request.size),
        asked=size_name(request.asked_size),
    )


def filenames_text(references: Sequence[Reference]) -> str:
    """Return the file name of a reference, or the names of several, for a message."""
    names = [each.filename for each in references]
    if len(names) > 1:
        names = [reference_name(each) for each in references]
    return ", ".join(escape(name, FILENAME_UNITS) for name in names)


def reference_name(reference: Reference) -> str:
    """Return what a reference is called among others: its file name, unless that is only the id of a job."""
    return gettext("a picture of this bot") if reference.job_id else reference.filename


def attached_text(references: Sequence[Reference]) -> str:
    """Return the sentence that says with which references a picture will be made; "" without one."""
    names = filenames_text(references)
    if len(references) > 1:
        return gettext("With {n} references: {names}.", n=len(references), names=names)
    return gettext("With the reference you attached: {name}.", name=names) if names else ""


def format_name(file_format: str) -> str:
    """Return the name of a format; the format itself if no model has it any more."""
    return gettext(FORMATS[file_format]) if file_format in FORMATS else file_format


def period_name(period: Period) -> str:
    """Return a limit's period as in `200 credits a month`."""
    return gettext(_EACH_PERIOD[period])


def period_noun(period: Period) -> str:
    """Return the current period as in `12 left this month`."""
    return gettext(_CURRENT_PERIODS[period])


def timestamp(at: int, style: str = "R") -> str:
    """Return a Discord timestamp of epoch milliseconds: relative with style `R`, a date with `f` or `D`."""
    return f"<t:{at // 1000}:{style}>"


def permission_names(permissions: Iterable[str]) -> str:
    """Return a list of discord.py's permissions by the names in Discord's settings."""
    return ", ".join(
        gettext(PERMISSION_NAMES[name]) if name in PERMISSION_NAMES else name.replace("_", " ").title()
        for name in permissions
    )


def scope_text(usage: Usage) -> str:
    """Return the name of a limit for the member it applies to: `the limit of your role @Painters`."""
    return gettext(_SCOPES_FOR_MEMBERS[usage.scope], role=role_mention(usage.subject_id))


def scope_name(scope: LimitScope, subject_id: int = 0) -> str:
    """Return the name of a limit for an admin, as the beginning of a line: `The limit of @Painters`."""
    return gettext(_SCOPES_FOR_ADMINS[scope], role=role_mention(subject_id), member=mention(subject_id))


def shows_numbers(usage: Usage) -> bool:
    """Return whether people of a server may see the numbers: those over all servers tell about others."""
    return usage.scope != LimitScope.CEILING_ALL


def limit_text(limit: Limit | None) -> str:
    """Return `200 credits a month`, `exempt`, or `no limit` for None."""
    if limit is None:
        return gettext("no limit")
    if limit.exempt:
        return gettext("exempt")
    return gettext(
        "{credits} {each_period}",
        credits=credits_text(limit.credits),
        each_period=period_name(limit.period),
    )


def ceiling_text(ceiling: Limit) -> str:
    """Return what the operator allows a server, and that its admins cannot raise it."""
    return gettext(
        "The people who run this bot allow this server {ceiling}: that is all it can spend, whatever its"
        " limit and its grants. Only they can raise it.",
        ceiling=limit_text(ceiling),
    )


def mention(user_id: int) -> str:
    """Return the mention of a user; an id of 0 or less stands for one whose name was erased."""
    return f"<@{user_id}>" if user_id > 0 else gettext("somebody whose name was erased")


def role_mention(role_id: int) -> str:
    """Return the mention of a role; Discord shows a deleted one as `@unknown-role`."""
    return f"<@&{role_id}>"


def channel_mention(channel_id: int) -> str:
    """Return the mention of a channel or thread."""
    return f"<#{channel_id}>"


def usage_text(usage: Usage) -> str:
    """Return `188 of 200 credits used this month`, with what grants still hold if they hold any."""
    used = gettext(
        "{used} of {credits} used {this_period}",
        used=number(usage.used_credits),
        credits=credits_text(usage.limit_credits),
        this_period=period_noun(usage.period),
    )
    return _with_grants(used, usage)


def left_text(usage: Usage) -> str:
    """Return `12 of 200 left this month`, with what grants still hold if they hold any."""
    left = gettext(
        "{left} of {limit} left {this_period}",
        left=number(usage.left_credits - usage.granted_credits),
        limit=number(usage.limit_credits),
        this_period=period_noun(usage.period),
    )
    return _with_grants(left, usage)


def _with_grants(text: str, usage: Usage) -> str:
    if not usage.granted_credits:
        return text
    return f"{text}; {gettext('grants hold {more} more', more=number(usage.granted_credits))}"


def reset_text(usage: Usage) -> str:
    """Return when the limit's period ends, or that it never does."""
    if usage.resets_at is None:
        return gettext("It never resets.")
    return gettext("It resets {when}.", when=timestamp(usage.resets_at))
