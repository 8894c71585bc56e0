"""Check how a storm ended: Kuas's ledger against Rivya's tasks and Discord's messages."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator

from tests.e2e.environment import E2EEnvironment, paint
from tests.e2e.fake_discord.server import message_text
from tests.e2e.fake_discord.state import Interaction, Message
from tests.e2e.fake_discord.write_routes import DEFERRED_MESSAGE
from tests.e2e.storm_endless import EndlessTasks
from tests.e2e.storm_plan import CLOSED_CHANNEL, PERSON_WITHOUT_DMS, PlannedRequest
from tests.e2e.storm_strangers import Strangers

PROGRESS_WORDS = ("Waiting", "Uploading", "Asking", "Painting", "fetching")
"""Each progress line contains one of them."""


class Verification:
    """Compares what the bot, Rivya and Discord recorded."""

    def __init__(
        self,
        environment: E2EEnvironment,
        requests: dict[int, PlannedRequest],
        strangers: Strangers,
        endless: EndlessTasks,
    ) -> None:
        self._environment = environment
        self._strangers = strangers
        self._endless = endless
        self._requests = requests
        self._rows = {row["interaction_id"]: row for row in environment.bot.jobs()}
        self._ledger = {str(entry["job_id"]): entry for entry in environment.bot.ledger_entries()}
        self._tasks = Counter(task.client_request_id for task in environment.rivya.tasks.values())
        self._models = {task.client_request_id: task.model for task in environment.rivya.tasks.values()}

    def errors(self) -> list[str]:
        """Return one line for each error."""
        environment = self._environment
        found = [
            *self._check_credits(),
            *environment.bot.unexpected_log_lines(),
            *environment.discord.violations,
        ]
        found += [*self._strangers.errors(), *self._endless.errors()]
        for interaction in environment.discord.interactions.values():
            if interaction.id in self._strangers.interaction_ids:
                continue
            request, row = self._requests[interaction.id], self._rows.get(interaction.id)
            errors = self._check_job(interaction, request, row)
            found += [f"{request.prompt} ({request.kind}): {error}" for error in errors]
        unknown = set(self._rows) - set(environment.discord.interactions)
        return found + [f"a job without an interaction: {interaction_id}" for interaction_id in unknown]

    def counts(self) -> Counter[str]:
        """Count the jobs by stage and delivery method."""
        counts = Counter(f"{row['stage']} {row['landed_way'] or ''}".strip() for row in self._rows.values())
        sent = len(self._environment.discord.interactions) - len(self._strangers.interaction_ids)
        counts["never received"] = sent - len(self._rows)
        return counts

    # Credits, in total and task by task.

    def _check_credits(self) -> Iterator[str]:
        rivya = self._environment.rivya
        tasks = rivya.tasks
        if unknown := set(self._tasks) - set(self._ledger):
            yield f"{len(unknown)} tasks that no job asked for"
        if rivya.creates_without_key:
            yield f"{rivya.creates_without_key} create calls without an Idempotency-Key"
        for entry in self._ledger.values():
            charged = tasks[str(entry["task_id"])].final_credits if entry["task_id"] else 0
            if entry["state"] != "held" and entry["final_credits"] != charged:
                yield f"{entry['job_id']}: booked {entry['final_credits']}, charged {charged}"
        rows = self._environment.bot.query("SELECT job_id, note FROM reservations WHERE state = 'held'")
        held = {row["job_id"]: row["note"] for row in rows}
        yield from (f"{job_id}: held without a note" for job_id, note in held.items() if not note)
        in_doubt = sum(task.final_credits for task in tasks.values() if task.client_request_id in held)
        settled = sum(int(entry["final_credits"] or 0) for entry in self._ledger.values())
        if settled + in_doubt != rivya.charged_credits:
            yield f"settled {settled}, in doubt {in_doubt}, charged {rivya.charged_credits}"

    # Each job.

    def _check_job(
        self, interaction: Interaction, request: PlannedRequest, row: sqlite3.Row | None
    ) -> Iterator[str]:
        if interaction.answer_type != DEFERRED_MESSAGE:
            # The member saw "did not respond", or an error message.
            if row is not None and row["stage"] != "cancelled":
                yield f"{row['stage']}, but the interaction has the answer {interaction.answer_type}"
            if row is not None and self._tasks[row["job_id"]]:
                yield "a task for a member who got no answer"
            return
        if row is None:
            yield "answered, but there is no job"
            return
        if row["finished_at"] is None or row["interaction_token"]:
            yield f"unfinished: {row['stage']}"
        reply = self._environment.discord.reply(interaction)
        text = message_text(reply)
        if not reply.deleted and (reply.loading or any(word in text for word in PROGRESS_WORDS)):
            yield f"finished, but the reply still says {text or 'thinking'}"
        yield from self._check_outcome(interaction, request, row)

    def _check_outcome(
        self, interaction: Interaction, request: PlannedRequest, row: sqlite3.Row
    ) -> Iterator[str]:
        tasks = self._tasks[row["job_id"]]
        if tasks != (request.kind != "no picture"):
            yield f"{tasks} tasks"
        models = {row["model"], self._models.get(row["job_id"], request.model)}
        if models != {request.model}:
            yield f"{models} instead of {request.model}"
        if request.kind in {"no picture", "forbidden"} or row["job_id"] == self._endless.abandoned:
            if row["stage"] != "failed":
                yield f"{row['stage']}, but it should have failed"
            yield from self._check_failure_notice(interaction, request)
        elif row["stage"] == "undeliverable":
            yield from self._check_undeliverable(request, row)
        elif row["stage"] == "delivered":
            yield from self._check_delivered(request, row)
        else:
            yield f"ended as {row['stage']}: {row['failure_who']} {row['failure_code']}"

    def _check_failure_notice(self, interaction: Interaction, request: PlannedRequest) -> Iterator[str]:
        """Check that a member whose reply was left alone has read what the failed job cost."""
        notices = [
            message
            for message in self._environment.discord.visible_messages()
            if message.interaction_id == interaction.id and "charged" in message_text(message)
        ]
        if request.reply_fault == "none" and not notices:
            yield "nobody told the member that it failed"

    def _check_undeliverable(self, request: PlannedRequest, row: sqlite3.Row) -> Iterator[str]:
        deliverable = request.channel != CLOSED_CHANNEL or request.person != PERSON_WITHOUT_DMS
        if deliverable or request.reply_fault == "none":
            yield "undeliverable, but it could have been delivered"
        if self._environment.bot.kept_pictures().get(row["job_id"]) != paint(request.prompt):
            yield "undeliverable, but its picture was not stored"

    def _check_delivered(self, request: PlannedRequest, row: sqlite3.Row) -> Iterator[str]:
        """Check that the message named by the row, deleted or not, is the only one with the picture.

        There may be another only if the bot was killed between posting a message and its commit, and the
        nonce had expired before the next run; the fake Discord counts these cases.
        """
        discord = self._environment.discord
        delivered = discord.messages.get(row["landed_message_id"])
        if delivered is None or not _has_picture(delivered, request.prompt):
            yield "delivered, but its message has no picture"
        others = [
            message
            for message in discord.visible_messages()
            if message.id != row["landed_message_id"] and _has_picture(message, request.prompt)
        ]
        late_repeats = discord.late_repeats.count(row["job_id"].replace("-", "")[:25])
        if len(others) != late_repeats:
            yield f"{1 + len(others)} pictures, with {late_repeats} repeats after the nonce had expired"


def _has_picture(message: Message, prompt: str) -> bool:
    return [item.data for item in message.attachments] == [paint(prompt)]
