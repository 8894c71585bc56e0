"""Check how a storm ended: Kuas's ledger against Rivya's tasks and Discord's messages."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.e2e.environment import E2EEnvironment, paint
from tests.e2e.fake_discord.server import alt_texts, message_text
from tests.e2e.fake_discord.state import Interaction, Message
from tests.e2e.fake_discord.write_routes import DEFERRED_MESSAGE
from tests.e2e.storm_endless import EndlessTasks
from tests.e2e.storm_plan import CLOSED_CHANNEL, PERSON_WITHOUT_DMS, PlannedRequest
from tests.e2e.storm_strangers import Strangers

PROGRESS_WORDS = ("Waiting", "Uploading", "Asking", "Painting", "fetching")
"""Each progress line contains one of them."""
PROGRESS_OF_GROUP = re.compile(r"\b(waiting|uploading|asking|painting|fetching|late)\b")
"""What the message of a group says of a job that has not ended."""


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
        self._rows: dict[int, list[sqlite3.Row]] = defaultdict(list)
        for row in environment.bot.query("SELECT * FROM jobs ORDER BY interaction_id, number"):
            self._rows[row["interaction_id"]].append(row)
        groups = environment.bot.query("SELECT interaction_id, message_id FROM job_groups")
        self._groups = {row["interaction_id"]: row["message_id"] for row in groups}
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
            request, rows = self._requests[interaction.id], self._rows.get(interaction.id, [])
            errors = self._check_request(interaction, request, rows)
            found += [f"{request.prompt} ({request.kind}, {request.shape}): {error}" for error in errors]
        unknown = set(self._rows) - set(environment.discord.interactions)
        return found + [f"a job without an interaction: {interaction_id}" for interaction_id in unknown]

    def counts(self) -> Counter[str]:
        """Count the jobs by stage and delivery method."""
        rows = (row for rows in self._rows.values() for row in rows)
        counts = Counter(f"{row['stage']} {row['landed_way'] or ''}".strip() for row in rows)
        missed = self._requests.keys() - self._rows.keys()
        counts["never received"] = sum(len(self._requests[each].models) for each in missed)
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

    # Each request, and each of its jobs.

    def _check_request(
        self, interaction: Interaction, request: PlannedRequest, rows: list[sqlite3.Row]
    ) -> Iterator[str]:
        if interaction.answer_type != DEFERRED_MESSAGE:
            yield from self._check_unanswered(interaction, rows)
            return
        if (len(rows) > 1) != (interaction.id in self._groups) or len(rows) != len(request.models):
            yield f"answered, but there are {len(rows)} jobs instead of {len(request.models)}"
            return
        reply = self._environment.discord.reply(interaction)
        text = message_text(reply)
        words = PROGRESS_OF_GROUP.search(text) if len(rows) > 1 else None
        if not reply.deleted and (reply.loading or words or any(word in text for word in PROGRESS_WORDS)):
            yield f"finished, but the reply still says {text or 'thinking'}"
        for row, model in zip(rows, request.models, strict=True):
            if row["finished_at"] is None or row["interaction_token"]:
                yield f"unfinished: {row['stage']}"
            yield from self._check_outcome(interaction, request, row, model)
        if len(rows) > 1:
            yield from self._check_group(interaction.id, request, rows)

    def _check_unanswered(self, interaction: Interaction, rows: list[sqlite3.Row]) -> Iterator[str]:
        """Check the jobs of a member who saw "did not respond", or an error message."""
        for row in rows:
            if row["stage"] != "cancelled":
                yield f"{row['stage']}, but the interaction has the answer {interaction.answer_type}"
            if self._tasks[row["job_id"]]:
                yield "a task for a member who got no answer"

    def _check_outcome(
        self, interaction: Interaction, request: PlannedRequest, row: sqlite3.Row, model: str
    ) -> Iterator[str]:
        tasks = self._tasks[row["job_id"]]
        if tasks != (request.kind != "no picture"):
            yield f"{tasks} tasks"
        models = {row["model"], self._models.get(row["job_id"], model)}
        if models != {model}:
            yield f"{models} instead of {model}"
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
        """Check that the message named by the row, deleted or not, is the only one with the pictures.

        There may be another only if the bot was killed between posting a message and its commit, and the
        nonce had expired before the next run; the fake Discord counts these cases.
        """
        discord, job_id = self._environment.discord, row["job_id"]
        delivered = discord.messages.get(row["landed_message_id"])
        found = [] if delivered is None else _pictures(delivered, job_id)
        # Those of a task may be fewer than it was asked for, if the host of one does not have it.
        most = request.pictures if request.shape == "task of several" else 1
        if not 1 <= len(found) <= most or set(found) != {paint(request.prompt)}:
            yield f"delivered, but its message has {len(found)} of its {most} pictures"
        others = [
            message
            for message in discord.visible_messages()
            if message.id != row["landed_message_id"] and _pictures(message, job_id)
        ]
        late_repeats = [message for message in others if message.nonce in discord.late_repeats]
        if len(others) != len(late_repeats):
            yield f"{1 + len(others)} pictures, with {len(late_repeats)} repeats after the nonce had expired"

    def _check_group(
        self, interaction_id: int, request: PlannedRequest, rows: list[sqlite3.Row]
    ) -> Iterator[str]:
        """Check that one message, deleted or not, has what was delivered of a group, and nothing else."""
        delivered = [row for row in rows if row["stage"] == "delivered"]
        if not delivered:
            return
        messages = {row["landed_message_id"] for row in delivered}
        if messages != {self._groups[interaction_id]}:
            yield f"in messages {messages}, but the group is in {self._groups[interaction_id]}"
            return
        message = self._environment.discord.messages[self._groups[interaction_id]]
        jobs = [item.filename.partition(".")[0] for item in message.attachments]
        if sorted(jobs) != sorted(row["job_id"] for row in delivered):
            yield f"its message has {len(jobs)} pictures, {len(delivered)} were delivered"
        if len(alt_texts(message)) != len(delivered):
            yield f"its gallery has {len(alt_texts(message))} pictures, {len(delivered)} were delivered"
        if words := PROGRESS_OF_GROUP.search(message_text(message)):
            yield f"its message still says {words.group()}"


def _pictures(message: Message, job_id: str) -> list[bytes]:
    return [item.data for item in message.attachments if item.filename.startswith(job_id)]
