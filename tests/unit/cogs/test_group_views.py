"""The message of a group: a word about each picture, within Discord's limits."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.errors import MemberReason
from bot.domain.jobs import Failure, FailureCause, FailureCode, GroupKind, GroupPlace, Stage
from bot.domain.limits import LimitScope, Receipt, Usage
from bot.domain.periods import Period
from bot.domain.progress import Phase, Progress
from bot.jobs.groups import JobGroup
from cogs.pictures.group_views import ShownGroup, group_view, minimal_group_view
from cogs.text.error_messages import NO_CHARGE
from cogs.ui.discord_limits import VIEW_PARTS, all_components
from tests.support.factories import make_job, make_request
from tests.support.views import view_text

NOON = 1_750_000_000_000
RECEIPT = Receipt(4, Usage(LimitScope.GUILD, 200, 12, 4, Period.MONTH, NOON))
REFUSED = Failure(FailureCause.MEMBER, MemberReason.CONTENT_REFUSED, '{"message": "no foxes"}')
NAMES = {"qwen-image": "Qwen Image", "z-image": "Z Image"}


def make_group(*changes: dict[str, Any], kind: GroupKind = GroupKind.PICTURES, **request: Any) -> JobGroup:
    """A group of as many jobs as there are changes."""
    asked = make_request(**request)
    jobs = tuple(
        replace(make_job(asked), place=GroupPlace(number, len(changes)), **each)
        for number, each in enumerate(changes, start=1)
    )
    charged = {
        job.job_id: 4 for job in jobs if job.stage in {Stage.SUCCEEDED, Stage.DELIVERED, Stage.UNDELIVERABLE}
    }
    return JobGroup(1, kind, jobs, charged)


def shown(group: JobGroup, **options: Any) -> ShownGroup:
    """The group with the pictures of all jobs that were delivered."""
    names = {
        job.job_id: (f"{job.job_id}.png",)
        for job in group.jobs
        if job.stage is Stage.DELIVERED and job.deleted_at is None
    }
    facts: dict[str, Any] = {"filenames": names, "receipt": RECEIPT} | options
    return ShownGroup(group, **facts)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stage": Stage.DELIVERED}, "done"),
        ({"stage": Stage.DELIVERED, "deleted_at": NOON}, "deleted"),
        ({"stage": Stage.CANCELLED}, "cancelled, not charged"),
        ({"stage": Stage.UNDELIVERABLE}, "done, but Discord does not let me post it here"),
        ({"stage": Stage.FAILED, "failure": REFUSED}, "refused, not charged"),
        (
            {"stage": Stage.FAILED, "failure": Failure(FailureCause.RIVYA, "x", charged_credits=4)},
            "refused; 4 credits",
        ),
        ({"stage": Stage.FAILED, "failure": Failure(FailureCause.OPERATOR, "x")}, "failed, not charged"),
        (
            {"stage": Stage.FAILED, "failure": Failure(FailureCause.DEVELOPER, "x", charged_credits=1)},
            "failed; 1 credit",
        ),
        (
            {"stage": Stage.FAILED, "failure": Failure(FailureCause.OPERATOR, "x", in_doubt=True)},
            "failed, charge being checked",
        ),
        (
            {
                "stage": Stage.UNDELIVERABLE,
                "failure": Failure(FailureCause.RIVYA, FailureCode.RESULT_LOST, charged_credits=4),
            },
            "painted, but not handed over; 4 credits",
        ),
        ({"stage": Stage.ACCEPTED}, "waiting"),
        ({"stage": Stage.CREATED}, "painting"),
        ({"stage": Stage.CREATED, "late_at": NOON}, "late"),
        ({"stage": Stage.SUCCEEDED}, "fetching"),
    ],
)
def test_a_place_says_what_became_of_its_picture(changes: dict[str, Any], words: str) -> None:
    group = make_group({"stage": Stage.DELIVERED}, changes)
    assert f"1 done · 2 {words}" in view_text(group_view(shown(group))).splitlines()


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (Progress(Phase.WAITING, NOON), "waiting"),
        (Progress(Phase.WAITING, NOON, position=1), "waiting"),
        (Progress(Phase.WAITING, NOON, position=3), "waiting, place 3"),
        (Progress(Phase.UPLOADING, NOON), "uploading"),
        (Progress(Phase.ASKING, NOON), "asking"),
        (Progress(Phase.PAINTING, NOON), "painting"),
        (Progress(Phase.LATE, NOON), "late"),
        (Progress(Phase.OUTAGE, NOON), "waiting for Rivya"),
        (Progress(Phase.FETCHING, NOON), "fetching"),
        (Progress(Phase.RESULT_LATE, NOON), "painted, not handed over yet"),
    ],
)
def test_a_place_says_what_its_job_is_doing(progress: Progress, words: str) -> None:
    group = make_group({"stage": Stage.DELIVERED}, {"stage": Stage.CREATED})
    view = group_view(shown(group, progress={group.jobs[1].job_id: progress}))
    assert f"1 done · 2 {words}" in view_text(view).splitlines()


def test_every_phase_has_a_word() -> None:
    for phase in Phase:
        group = make_group({"stage": Stage.CREATED})
        text = view_text(group_view(shown(group, progress={group.jobs[0].job_id: Progress(phase, NOON)})))
        assert re.search(r"^1 [a-z]+", text, re.MULTILINE), phase
        assert "None" not in text


def test_the_slowest_of_those_that_run_is_told_of_once() -> None:
    group = make_group(
        {"stage": Stage.CREATED}, {"stage": Stage.ACCEPTED}, {"stage": Stage.FAILED, "failure": REFUSED}
    )
    first, second, third = (job.job_id for job in group.jobs)
    progress = {
        first: Progress(Phase.PAINTING, NOON, expected_seconds=30),
        second: Progress(Phase.WAITING, NOON, position=2, expected_seconds=60),
        third: Progress(Phase.OUTAGE, NOON),  # it has failed since
    }
    text = view_text(group_view(shown(group, progress=progress)))
    assert "Waiting: place 2 in line. It should be ready in about 1 minute." in text
    assert "Painting, started" not in text
    assert "does not answer" not in text


def test_a_reason_for_the_member_alone_is_not_in_public_and_one_of_rivya_is_there_once() -> None:
    of_rivya = Failure(FailureCause.RIVYA, "x", "too abstract")
    group = make_group(
        {"stage": Stage.FAILED, "failure": REFUSED},
        {"stage": Stage.FAILED, "failure": of_rivya},
        {"stage": Stage.FAILED, "failure": of_rivya},
    )
    public, private = (
        view_text(group_view(shown(group))),
        view_text(group_view(shown(group), is_private=True)),
    )
    assert "no foxes" not in public
    assert "1: " in private
    assert "no foxes" in private
    for text in (public, private):
        assert text.count("too abstract") == 1
        assert "2, 3: Rivya could not paint this. It says: too abstract" in text
        assert NO_CHARGE in text


def test_a_failure_of_ours_has_the_code_for_the_operator() -> None:
    group = make_group({"stage": Stage.FAILED, "failure": Failure(FailureCause.DEVELOPER, "bug")})
    assert group.jobs[0].job_id in view_text(group_view(shown(group)))
    group = make_group({"stage": Stage.FAILED, "failure": Failure(FailureCause.OPERATOR, "wallet_empty")})
    assert group.jobs[0].job_id not in view_text(group_view(shown(group)))
    assert group.jobs[0].job_id in view_text(group_view(shown(group), is_private=True))


def test_the_small_print_has_the_member_the_model_and_what_all_of_it_cost() -> None:
    group = make_group(*[{"stage": Stage.DELIVERED}] * 4)
    last = view_text(group_view(shown(group, model_names=NAMES))).splitlines()[-1]
    assert last == "-# <@7> · Qwen Image · 16 credits · 184 of 200 left this month"
    without = shown(group, receipt=None)  # after a restart it is not known what was left
    assert view_text(group_view(without)).splitlines()[-1] == "-# <@7> · 16 credits"
    more = Receipt(4, RECEIPT.usage, over_limit_credits=3)
    quoted = replace(group, jobs=tuple(replace(job, quote_credits=3) for job in group.jobs))
    last = view_text(group_view(shown(quoted, receipt=more))).splitlines()[-1]
    assert last.endswith("4 credits more than was known before · 3 credits beyond the limit")
    smaller = shown(group, shrunk=frozenset({group.jobs[0].job_id, group.jobs[2].job_id}))
    assert "1, 3: made smaller, as a JPEG" in view_text(group_view(smaller))


def test_of_compared_models_each_line_has_model_price_and_votes() -> None:
    group = make_group(
        {"stage": Stage.DELIVERED}, {"stage": Stage.FAILED, "failure": REFUSED}, kind=GroupKind.COMPARE
    )
    asked = replace(group.jobs[1].request, model="z-image", size="square_hd", asked_size="square")
    second = replace(group.jobs[1], request=asked)
    group = replace(group, jobs=(group.jobs[0], second), votes={1: 2})
    lines = view_text(group_view(shown(group, model_names=NAMES))).splitlines()
    assert "**1** Qwen Image · 4 credits · done · 2 votes" in lines
    assert (
        "**2** Z Image · refused, not charged · Square, high definition, as this model has no Square" in lines
    )
    assert "Qwen Image" not in lines[-1]


def test_pictures_are_in_the_order_of_their_numbers_with_alt_text_and_spoiler() -> None:
    group = make_group(*[{"stage": Stage.DELIVERED}] * 3)
    spoilers = tuple(replace(job, request=replace(job.request, spoiler=True)) for job in group.jobs)
    group = replace(group, jobs=spoilers)
    first, _, third = (job.job_id for job in group.jobs)
    names = {third: (f"{third}.png",), first: (f"{first}.png", f"{first}-2.png")}
    (items,) = [
        part["items"]
        for part in all_components(group_view(shown(group, filenames=names)).to_components())
        if "items" in part
    ]
    assert [item["media"]["url"] for item in items] == [
        f"attachment://{name}" for name in (f"{first}.png", f"{first}-2.png", f"{third}.png")
    ]
    assert all(item["spoiler"] for item in items)
    assert [item["description"] for item in items] == ["1: a red fox", "1: a red fox", "3: a red fox"]
    assert "done, 2 pictures" in view_text(group_view(shown(group, filenames=names)))


@pytest.mark.parametrize("kind", GroupKind)
@pytest.mark.parametrize("in_guild", [True, False])
def test_the_longest_message_is_within_discords_limits(kind: GroupKind, in_guild: bool) -> None:
    wordy = Failure(FailureCause.RIVYA, "x", "*" * 4000, charged_credits=10**9)
    changes: list[dict[str, Any]] = [
        {"stage": Stage.DELIVERED},
        *[{"stage": Stage.FAILED, "failure": wordy}] * 3,
    ]
    group = make_group(*changes, kind=kind, prompt="_" * 4000)
    group = replace(
        group,
        jobs=tuple(
            replace(job, failure=job.failure and replace(job.failure, message=f"{number}{wordy.message}"))
            for number, job in enumerate(group.jobs)
        ),
        votes=dict.fromkeys((1, 2, 3, 4), 10**6),
    )
    progress = {job.job_id: Progress(Phase.LATE, NOON) for job in group.jobs}
    view = group_view(
        shown(group, progress=progress, model_names={"qwen-image": "*" * 200}),
        greeting="hello",
        in_guild=in_guild,
        is_private=True,
    )
    assert len(list(all_components(view.to_components()))) <= VIEW_PARTS  # texts: build_view checks them
    assert "1 done" in view_text(view) or "**1** " in view_text(view)


def test_the_minimal_view_has_the_pictures_and_a_code() -> None:
    group = make_group(*[{"stage": Stage.DELIVERED}] * 2, prompt="words")
    view = minimal_group_view(shown(group))
    assert "words" not in str(view.to_components())
    assert all(job.job_id in str(view.to_components()) for job in group.jobs)
