"""When the storm is over: what is wrong with how it ended; nothing, if every promise was kept."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator

from tests.e2e.environment import E2EEnvironment, paint
from tests.e2e.fake_discord.server import said
from tests.e2e.fake_discord.state import Interaction, Message
from tests.e2e.storm_plan import CLOSED_CHANNEL, SHUT_PERSON, PlannedRequest

DEFERRED = 5
UNDER_WAY = ("Waiting", "Uploading", "Asking", "Painting", "fetching")
"""What the progress lines begin with, or end with."""


class Verification:
    """Holds what each side remembers against the others: the books, Rivya's tasks, Discord's messages."""

    def __init__(self, environment: E2EEnvironment, deeds: dict[int, PlannedRequest]) -> None:
        self._town = environment
        self._deeds = deeds
        self._rows = {row["interaction_id"]: row for row in environment.bot.jobs()}
        self._books = {str(entry["job_id"]): entry for entry in environment.bot.books()}
        self._tasks = Counter(task.client_request_id for task in environment.rivya.tasks.values())

    def wrongs(self) -> list[str]:
        """One line each."""
        found = [*self._money(), *self._town.bot.unexpected_log_lines(), *self._town.discord.surprises]
        for interaction in self._town.discord.interactions.values():
            deed, row = self._deeds[interaction.id], self._rows.get(interaction.id)
            found += [f"{deed.prompt} ({deed.kind}): {wrong}" for wrong in self._job(interaction, deed, row)]
        strangers = set(self._rows) - set(self._town.discord.interactions)
        return found + [f"a job of nobody's: {stranger}" for stranger in strangers]

    def counts(self) -> Counter[str]:
        """How many jobs ended in which way."""
        ended = Counter(f"{row['stage']} {row['landed_way'] or ''}".strip() for row in self._rows.values())
        ended["never heard of"] = len(self._town.discord.interactions) - len(self._rows)
        return ended

    # Money: to the credit, and task by task.

    def _money(self) -> Iterator[str]:
        tasks = self._town.rivya.tasks
        if stray := set(self._tasks) - set(self._books):
            yield f"{len(stray)} tasks that no job asked for"
        if self._town.rivya.creates_without_key:
            yield f"{self._town.rivya.creates_without_key} create calls without an Idempotency-Key"
        for entry in self._books.values():
            charged = tasks[str(entry["task_id"])].final_credits if entry["task_id"] else 0
            if entry["state"] != "held" and entry["final_credits"] != charged:
                yield f"{entry['job_id']}: booked {entry['final_credits']}, charged {charged}"
        held = self._held()
        yield from (f"{job_id}: held without a note" for job_id, note in held.items() if not note)
        in_doubt = sum(task.final_credits for task in tasks.values() if task.client_request_id in held)
        settled = sum(int(entry["final_credits"] or 0) for entry in self._books.values())
        if settled + in_doubt != self._town.rivya.charged_credits:
            yield f"settled {settled}, in doubt {in_doubt}, charged {self._town.rivya.charged_credits}"

    def _held(self) -> dict[str, str | None]:
        connection = sqlite3.connect(f"file:{self._town.bot.database}?mode=ro", uri=True)
        try:
            held = "SELECT job_id, note FROM reservations WHERE state = 'held'"
            return dict(connection.execute(held).fetchall())
        finally:
            connection.close()

    # Each job.

    def _job(self, interaction: Interaction, deed: PlannedRequest, row: sqlite3.Row | None) -> Iterator[str]:
        if interaction.answer_type != DEFERRED:
            # They saw "did not respond", or were refused.
            if row is not None and row["stage"] != "cancelled":
                yield f"{row['stage']}, and its member was answered {interaction.answer_type}"
            if row is not None and self._tasks[row["job_id"]]:
                yield "painted for a member who was never answered"
            return
        if row is None:
            yield "answered, and there is no job"
            return
        if row["finished_at"] is None or row["interaction_token"]:
            yield f"unfinished: {row['stage']}"
        reply = self._town.discord.reply(interaction)
        if not reply.deleted and (reply.loading or any(word in said(reply) for word in UNDER_WAY)):
            yield f"over, and its reply does not say so: {said(reply) or 'thinking'}"
        yield from self._ending(interaction, deed, row)

    def _ending(self, interaction: Interaction, deed: PlannedRequest, row: sqlite3.Row) -> Iterator[str]:
        tasks = self._tasks[row["job_id"]]
        if tasks != (deed.kind != "no picture"):
            yield f"{tasks} tasks"
        if deed.kind in {"no picture", "forbidden"}:
            if row["stage"] != "failed":
                yield f"{row['stage']}, and should have failed"
            yield from self._told(interaction, deed)
        elif row["stage"] == "undeliverable":
            yield from self._kept(deed, row)
        elif row["stage"] == "delivered":
            yield from self._shown(deed, row)
        else:
            yield f"ended as {row['stage']}: {row['failure_who']} {row['failure_code']}"

    def _told(self, interaction: Interaction, deed: PlannedRequest) -> Iterator[str]:
        """Where the way was open, the member has read what it cost."""
        told = [
            message
            for message in self._town.discord.visible_messages()
            if message.interaction_id == interaction.id and "charged" in said(message)
        ]
        if deed.fate == "none" and not told:
            yield "nobody told the member that it failed"

    def _kept(self, deed: PlannedRequest, row: sqlite3.Row) -> Iterator[str]:
        if deed.channel != CLOSED_CHANNEL or deed.person != SHUT_PERSON or deed.fate == "none":
            yield "undeliverable, and a way was open"
        if self._town.bot.kept_pictures().get(row["job_id"]) != paint(deed.prompt):
            yield "undeliverable, and its picture was not kept"

    def _shown(self, deed: PlannedRequest, row: sqlite3.Row) -> Iterator[str]:
        """One message shows it, the one that the row names.

        That one may have been deleted by somebody since. The one way to more is a `kill -9` between a new
        message and its commit, if Discord has forgotten the nonce by the time the bot is back; the loopback
        counts exactly those.
        """
        messages = self._town.discord.messages
        landed = messages.get(row["landed_message_id"])
        if landed is None or not _shows(landed, deed.prompt):
            yield "delivered, and where it should be there is no picture"
        others = [
            message
            for message in self._town.discord.visible_messages()
            if message.id != row["landed_message_id"] and _shows(message, deed.prompt)
        ]
        late = self._town.discord.late_repeats.count(row["job_id"].replace("-", "")[:25])
        if len(others) != late:
            yield f"{1 + len(others)} pictures, with {late} repeats after the nonce's life"


def _shows(message: Message, prompt: str) -> bool:
    return [item.data for item in message.attachments] == [paint(prompt)]
