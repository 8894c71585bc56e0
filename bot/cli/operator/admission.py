"""`operator admissions`, `allow` and `refuse`: which servers may ask for pictures, on the command line.

A running bot sees a decision with the next request, and within a minute tells a server that was refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.cli.operator.arguments import ADMISSION_STATES
from bot.cli.output import FAILED, confirm, limit_text, one_line, print_error, print_line, report
from bot.domain.admission import AdmissionMode, AdmissionState
from bot.domain.clock import iso
from bot.domain.ids import THE_COMMAND_LINE
from bot.domain.periods import Period

if TYPE_CHECKING:
    import argparse

    from bot.credits.approvals import GuildApprovals
    from bot.domain.admission import Admission
    from bot.guilds.admission import AdmissionStore

SUBCOMMANDS: Final = ("admissions", "allow", "refuse")
_STATES: Final = dict(
    zip(
        ADMISSION_STATES,
        (AdmissionState.WAITING, AdmissionState.ADMITTED, AdmissionState.REFUSED),
        strict=True,
    )
)
_STATE_NAMES: Final = {state: name for name, state in _STATES.items()}
_LIST_DECIDES: Final = 'guilds.admission is "list", so guilds.allowed decides, whatever is recorded here'


async def run(args: argparse.Namespace, admissions: AdmissionStore, approvals: GuildApprovals) -> int:
    """Run one of `SUBCOMMANDS` and return its exit code.

    A decision here replaces an earlier one, whoever made it.

    Raises:
        OperatorError: `database`.
    """
    if args.subcommand == "admissions":
        rows = await admissions.by_state(None if args.state is None else _STATES[args.state])
        for admission in rows:
            print_line(_line(admission))
        print_line(f"{len(rows)} servers{f' {args.state}' if args.state else ''}")
    elif args.subcommand == "allow":
        period = None if args.period is None else Period(args.period)
        standing = await approvals.allow(
            args.guild, args.credits, decided_by=THE_COMMAND_LINE, period=period, again=True
        )
        report(f"server {args.guild}: allowed, at most {limit_text(standing.ceiling)}")
    elif args.yes or confirm(_question(args.guild, await admissions.get(args.guild))):
        await approvals.refuse(args.guild, decided_by=THE_COMMAND_LINE, again=True)
        report(f"server {args.guild}: refused; the bot says so there, and leaves in a day")
    else:
        print_error("nothing was changed")
        return FAILED
    if await admissions.mode() is AdmissionMode.LIST:
        print_error(_LIST_DECIDES)
    return 0


def _question(guild_id: int, admission: Admission | None) -> str:
    name = "" if admission is None else f" ({_name(admission)})"
    return f"Refuse server {guild_id}{name}, and leave it in a day?"


def _line(admission: Admission) -> str:
    who = "on the command line" if admission.decided_by == THE_COMMAND_LINE else f"by {admission.decided_by}"
    facts = [
        f"server {admission.guild_id} ({_name(admission)}): {_STATE_NAMES[admission.state]}",
        "" if admission.members is None else f"{admission.members} members",
        f"since {iso(admission.joined_at)}",
        "" if admission.decided_at is None else f"decided {who} at {iso(admission.decided_at)}",
        "" if admission.leave_at is None else f"the bot leaves at {iso(admission.leave_at)}",
    ]
    return ", ".join(filter(None, facts))


def _name(admission: Admission) -> str:
    return one_line(admission.name) or "name not known"
