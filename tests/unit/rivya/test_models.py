"""Parsing Rivya's responses, also those that differ from the documentation."""

from __future__ import annotations

import json
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.errors import (
    ContractViolation,
    KuasError,
    MemberError,
    MemberReason,
    OperatorError,
    TransientError,
)
from bot.domain.image_models import QWEN_IMAGE
from bot.domain.jobs import UploadedReference
from bot.domain.model_catalog import LiveModel
from bot.rivya.json_values import Json
from bot.rivya.models import (
    Task,
    TaskStatus,
    create_body,
    parse_balance,
    parse_models,
    parse_upload,
)
from bot.rivya.responses import Operation, Response, UncertainOutcome, error_from, parse_response

READ, CREATE, UPLOAD = Operation.READ, Operation.CREATE, Operation.UPLOAD

# With Rivya's own keys and words, generated values get further into a parser.
WORDS = st.sampled_from([
    "id", "url", "status", "result", "primary_url", "primaryUrl", "urls", "error", "code", "message", "data",
    "requestId", "reserved_credits", "final_credits", "current_credits", "base_credits", "file", "succeeded",
    "failed", "https://rivya.ai/x.png", "rate_limited", "validation_failed", "images", "image",
    "done", "//[x",
])  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | WORDS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(), inner, max_size=6),
    max_leaves=25,
)


def make_response(status: int, value: object = None, headers: dict[str, str] | None = None) -> Response:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Response.from_http(status, headers or {}, body)


def error_body(code: str) -> dict[str, object]:
    return {"error": {"code": code, "message": "Rivya's message.", "requestId": "req_7"}}


def describe_error(error: KuasError) -> str:
    """Return the class of an error with its code, its reason, or whether it was answered."""
    match error:
        case MemberError():
            return f"member {error.reason}"
        case OperatorError():
            return f"operator {error.code}"
        case TransientError():
            return f"later {'answered' if error.had_no_effect else 'unanswered'}"
        case ContractViolation():
            return f"contract {error.code}{' in doubt' if error.in_doubt else ''}"
    raise AssertionError(error)


def test_a_documented_response_to_create_is_parsed() -> None:
    task = Task.from_json({
        "id": "task_1", "status": "queued", "model": "qwen-image", "reserved_credits": 4, "final_credits": 0,
        "created_at": "2026-05-11T00:00:00.000Z", "updated_at": "2026-05-11T00:00:00.000Z",
        "result": None, "error": None,
    })  # fmt: skip
    assert task == Task(
        "task_1",
        TaskStatus.QUEUED,
        reserved_credits=4,
        final_credits=0,
        model="qwen-image",
        status_word="queued",
    )


def test_a_task_in_camel_case_is_parsed() -> None:
    task = Task.from_json({
        "taskId": "task_1", "status": "SUCCESS", "reservedCredits": 4, "finalCredits": 4,
        "result": {"primaryUrl": "https://cdn/x.png"},
    })  # fmt: skip
    assert task == Task("task_1", TaskStatus.SUCCEEDED, 4, 4, ("https://cdn/x.png",), status_word="SUCCESS")


def test_without_a_primary_url_the_usable_ones_of_the_list_are_taken() -> None:
    result: Json = {"primary_url": "", "urls": [None, 5, "https://cdn/a.png", "https://cdn/b.png"]}
    task = Task.from_json({"id": "t", "status": "succeeded", "result": result})
    assert task.result_urls == ("https://cdn/a.png", "https://cdn/b.png")


def test_a_failed_task_has_rivyas_code_and_message() -> None:
    error: Json = {"code": "generation_failed", "message": "The generation failed."}
    task = Task.from_json({"id": "t", "status": "failed", "final_credits": 0, "result": None, "error": error})
    assert (task.status, task.final_credits) == (TaskStatus.FAILED, 0)
    assert (task.error_code, task.error_message) == ("generation_failed", "The generation failed.")


def test_a_failed_task_may_have_no_error() -> None:
    task = Task.from_json({"id": "t", "status": "failed", "error": None})
    assert (task.error_code, task.error_message, task.final_credits) == (None, None, None)


@pytest.mark.parametrize(
    "value", [{}, {"id": ""}, {"id": 5}, {"id": None}, {"id": "\ud800"}, [], None, "task_1"]
)
def test_a_task_without_an_id_is_unreadable(value: Json) -> None:
    with pytest.raises(ContractViolation) as caught:
        Task.from_json(value)
    assert caught.value.code == "unreadable"


DOCUMENTED = {
    "queued": TaskStatus.QUEUED,
    "WAITING": TaskStatus.QUEUED,
    "Processing": TaskStatus.PROCESSING,
    "GENERATING": TaskStatus.PROCESSING,
    "succeeded": TaskStatus.SUCCEEDED,
    "FAILED": TaskStatus.FAILED,
}
SUCCESS_WORDS = ("SUCCESS", "completed", "Complete", "done", "finished", "ready", "succeed", "successful")
FAILURE_WORDS = (
    *(
        "cancelled",
        "canceled",
        "Expired",
        "error",
        "rejected",
        "timeout",
        "timed_out",
        "TIMED-OUT",
        "timed out",
    ),
    *("failure", "fail", "aborted", "moderated", "Content Moderated", "request_moderated", "refused"),
)
OTHER_WORDS = (
    "",
    "paused",
    "in_progress",
    "dreaming",
    "unknown",
    "incomplete",
    None,
    3,
    ["done"],
    "done" * 40,
)


@pytest.mark.parametrize("has_result", [True, False])
@pytest.mark.parametrize(
    ("word", "status"),
    [
        *DOCUMENTED.items(),
        *((word, TaskStatus.FAILED) for word in FAILURE_WORDS),
        *((word, TaskStatus.PROCESSING) for word in OTHER_WORDS),
    ],
)
def test_an_unknown_status_is_taken_as_processing(word: Json, status: TaskStatus, has_result: bool) -> None:
    assert TaskStatus.from_json(word, has_result=has_result) is status


@pytest.mark.parametrize("word", SUCCESS_WORDS)
def test_the_success_word_of_another_api_needs_a_result(word: str) -> None:
    assert TaskStatus.from_json(word, has_result=True) is TaskStatus.SUCCEEDED
    assert TaskStatus.from_json(word, has_result=False) is TaskStatus.PROCESSING
    finished: Json = {"id": "t", "status": word, "result": {"urls": ["/a.png"]}}
    assert Task.from_json(finished).status is TaskStatus.SUCCEEDED
    unfinished: list[Json] = [{"urls": []}, {"message": "ok"}, "ok", None]
    for result in unfinished:
        assert Task.from_json({"id": "t", "status": word, "result": result}).status is TaskStatus.PROCESSING


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("Dreaming", "Dreaming"),
        ("in-progress", "in-progress"),
        (" Content  Moderated", "Content_Moderated"),
        ("wait\x1b[31m", None),
        ("w\u00e4rten", None),
        ("x" * 129, "x" * 128),
        ("", None),
        (7, None),
        (None, None),
    ],
)
def test_the_status_as_rivya_spells_it_is_available_if_it_is_harmless(status: Json, word: str | None) -> None:
    assert Task.from_json({"id": "t", "status": status}).status_word == word


PNG_URL = "data:image/png;base64,AAAA"


@pytest.mark.parametrize(
    ("result", "url"),
    [
        ({"primary_url": "https://cdn/a", "url": "https://cdn/b"}, "https://cdn/a"),
        ({"urls": ["https://cdn/a"], "url": "https://cdn/b"}, "https://cdn/a"),
        ({"url": "https://cdn/a"}, "https://cdn/a"),
        ({"image_url": "https://cdn/a"}, "https://cdn/a"),
        ({"urls": [{"url": "https://cdn/a"}]}, "https://cdn/a"),
        ({"urls": "https://cdn/a"}, "https://cdn/a"),
        ({"images": [{"url": "https://cdn/a"}]}, "https://cdn/a"),
        ({"images": ["https://cdn/a"]}, "https://cdn/a"),
        ({"image": {"url": "https://cdn/a"}}, "https://cdn/a"),
        ({"image": "https://cdn/a"}, "https://cdn/a"),
        ("https://cdn/a", "https://cdn/a"),
        (["https://cdn/a"], "https://cdn/a"),
        ([{"url": "https://cdn/a"}], "https://cdn/a"),
        ({"primary_url": PNG_URL}, PNG_URL),
        ({"url": "file.png", "images": [5, {"name": "x"}], "image": "ok"}, None),
        ({"images": {}}, None),
    ],
)
def test_a_result_is_found_in_the_places_of_other_apis(result: Json, url: str | None) -> None:
    task = Task.from_json({"id": "t", "status": "succeeded", "result": result})
    assert (task.result_urls, task.status) == (() if url is None else (url,), TaskStatus.SUCCEEDED)


A, B, C = "https://cdn/a", "https://cdn/b", "https://cdn/c"


@pytest.mark.parametrize(
    ("result", "urls", "unusable"),
    [
        ({"primary_url": A, "urls": [A, B, C]}, (A, B, C), 0),
        ({"primary_url": B, "urls": [A, B]}, (A, B), 0),
        ({"primary_url": C, "urls": [A, B]}, (C, A, B), 0),
        ({"urls": [A, f" {A} ", B, A]}, (A, B), 0),
        ({"urls": [A, None, "", " ", 7, {}, {"error": "refused"}, {"url": B, "error": {}}, B]}, (A, B), 7),
        ({"urls": [{"url": A, "error": None}, {"image_url": B}]}, (A, B), 0),
        ({"primary_url": f"{A}?sig=1", "urls": [f"{A}?sig=2", B]}, (f"{A}?sig=2", B), 0),
        ({"primary_url": A, "urls": [None]}, (A,), 1),
        ({"primary_url": A, "urls": None}, (A,), 0),
        ({"primary_url": None, "urls": [None, None]}, (), 0),
        ({"urls": [A, PNG_URL, B]}, (A, PNG_URL, B), 0),
        ({"urls": [f"https://cdn/{number}" for number in range(12)]},
         tuple(f"https://cdn/{number}" for number in range(10)), 0),
        ({"images": [{"url": A}, {"error": "refused"}, "x", {"url": B}]}, (A, B), 0),
        ([A, {"url": B}], (A, B), 0),
    ],
)  # fmt: skip
def test_all_addresses_of_a_task_are_found_in_their_order(
    result: Json, urls: tuple[str, ...], unusable: int
) -> None:
    task = Task.from_json({"id": "t", "status": "succeeded", "result": result})
    assert (task.result_urls, task.unusable_results) == (urls, unusable)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("https://cdn/a?sig=%2f&b=+#", "https://cdn/a?sig=%2f&b=+#"),
        ("HTTP://CDN/a", "HTTP://CDN/a"),
        (" https://cdn/a\n", "https://cdn/a"),
        ("/results/a.png?x=1", "https://rivya.example/results/a.png?x=1"),
        ("results/a.png", "https://rivya.example/base/results/a.png"),
        ("//cdn.example/a.png", "https://cdn.example/a.png"),
        ("?file=1", "https://rivya.example/base/?file=1"),
        ("file:///etc/passwd", "file:///etc/passwd"),
        ("DATA:image/png;base64,AAAA", "DATA:image/png;base64,AAAA"),
        ("//[half", "//[half"),
    ],
)
def test_an_address_is_made_absolute_and_else_left_alone(address: str, url: str) -> None:
    answer: Json = {"id": "t", "result": {"primary_url": address}}
    assert Task.from_json(answer, base_url="https://rivya.example/base").result_urls == (url,)


def test_a_data_url_is_no_result_where_it_is_not_allowed() -> None:
    answer: Json = {
        "id": "t",
        "status": "done",
        "result": {"primary_url": PNG_URL, "urls": ["https://cdn/a"]},
    }
    assert Task.from_json(answer).result_urls == (PNG_URL, "https://cdn/a")
    assert Task.from_json(answer, with_data_url=False).result_urls == ("https://cdn/a",)
    answer = {"id": "t", "status": "done", "result": {"primary_url": PNG_URL}}
    task = Task.from_json(answer, with_data_url=False)
    assert (task.result_urls, task.status) == ((), TaskStatus.PROCESSING)


def test_an_answer_with_very_many_values_is_not_parsed() -> None:
    assert not make_response(200, b"[" + b"[]," * 200_000 + b"[]]").readable
    assert make_response(200, b"[" + b"[]," * 20_000 + b"[]]").readable


@pytest.mark.parametrize(
    ("value", "credits"),
    [
        (0, 0), (4, 4), (4.0, 4), ("4", 4), (10**9, 10**9),
        (4.5, None), (-1, None), (True, None), (False, None), ([4], None), (None, None),
        ("-4", None), ("4.0", None), ("\u0664", None), ("", None), ("9" * 5000, None),
        (float("nan"), None), (float("inf"), None), (10**30, None),
    ],
)  # fmt: skip
def test_credits_that_are_no_whole_number_are_unknown(value: Json, credits: int | None) -> None:
    assert Task.from_json({"id": "t", "reserved_credits": value}).reserved_credits == credits


def test_an_upload_needs_only_a_url() -> None:
    assert parse_upload({"url": "https://f/1"}) == UploadedReference("https://f/1", None)


@pytest.mark.parametrize("wrap", ["data", "file"])
def test_an_upload_is_parsed_in_every_plausible_form(wrap: str) -> None:
    inner: Json = {"url": "https://f/1", "mimeType": "image/png", "fileId": "file_1", "expires_at": None}
    assert parse_upload({wrap: inner}) == UploadedReference("https://f/1", "image/png")
    bare: Json = {"url": "https://f/1", "mime_type": "image/png", "id": "file_1", "size": 3}
    assert parse_upload(bare) == UploadedReference("https://f/1", "image/png")


@pytest.mark.parametrize(
    ("token", "seconds"), [("durationToken", "durationSeconds"), ("duration_token", "duration_seconds")]
)
def test_the_name_and_duration_of_an_upload_are_parsed(token: str, seconds: str) -> None:
    answer: dict[str, Json] = {
        "url": "https://f/1",
        "name": "fox.png",
        token: "t-1",
        seconds: 1.5,
        "mime_type": "image/png",
    }
    assert parse_upload(answer) == UploadedReference("https://f/1", "image/png", "fox.png", 1.5, "t-1")
    assert parse_upload({**answer, token: 5, seconds: -1}) == UploadedReference(
        "https://f/1", "image/png", "fox.png"
    )


@pytest.mark.parametrize("url", [None, "", 5, "ftp://f/1", "/files/1", "javascript:alert(1)"])
def test_an_upload_without_a_web_url_is_unreadable(url: Json) -> None:
    with pytest.raises(ContractViolation):
        parse_upload({"url": url})


def test_models_without_an_id_are_left_out() -> None:
    qwen: Json = {"id": "qwen-image", "base_credits": 4, "max_prompt_length": 5000, "api_status": "available"}
    offers = parse_models({"data": [qwen, {"id": None}, 7, {"id": "new", "base_credits": "cheap"}]})
    assert offers == (
        LiveModel("qwen-image", 4, 5000, "available"),
        LiveModel("new"),
    )
    assert parse_models([qwen]) == parse_models({"models": [qwen]}) == offers[:1]


def test_a_balance_is_a_number_or_unreadable() -> None:
    assert parse_balance({"current_credits": 123}) == 123
    with pytest.raises(ContractViolation):
        parse_balance({"current_credits": None})


def test_a_request_body_is_as_documented_and_deterministic() -> None:
    def body() -> str:
        return create_body(
            QWEN_IMAGE,
            prompt='Gajah "ungu" 🐘\n',
            size="square_hd",
            format="png",
            references=[UploadedReference("https://f/1", "image/png", "reference.png")],
            client_request_id="job-1",
        )

    assert body() == body()
    assert body().isascii()
    assert json.loads(body()) == {
        "model": "qwen-image",
        "prompt": 'Gajah "ungu" 🐘\n',
        "params": {
            "image_size": "square_hd",
            "output_format": "png",
            "referenceMediaItems": [
                {"url": "https://f/1", "kind": "image", "name": "reference.png", "mimeType": "image/png"}
            ],
        },
        "client_request_id": "job-1",
    }


def test_a_request_body_has_everything_that_the_upload_returned() -> None:
    upload = UploadedReference("https://f/1", "image/png", "fox.png", 1.5, "t-1")
    body = create_body(
        QWEN_IMAGE, prompt="p", size="square", format="png", references=[upload], client_request_id="j"
    )
    assert json.loads(body)["params"]["referenceMediaItems"] == [
        {
            "url": "https://f/1",
            "kind": "image",
            "name": "fox.png",
            "mimeType": "image/png",
            "durationSeconds": 1.5,
            "durationToken": "t-1",
        }
    ]


def test_a_request_body_without_a_reference_has_no_reference_items() -> None:
    body = create_body(
        QWEN_IMAGE, prompt="p", size="square", format="jpeg", references=(), client_request_id="j"
    )
    assert body == (
        '{"model":"qwen-image","prompt":"p","params":{"image_size":"square","output_format":"jpeg"},'
        '"client_request_id":"j"}'
    )


@pytest.mark.parametrize(
    ("status", "code", "operation", "expected"),
    [
        (400, "validation_failed", CREATE, "member request_refused"),
        (422, "content_policy_violation", CREATE, "member content_refused"),
        (400, "moderation_blocked", CREATE, "member content_refused"),
        (403, "nsfw_detected", CREATE, "member content_refused"),
        (422, "nsfw_detected", UPLOAD, "member content_refused"),
        (422, "nsfw_detected", READ, "contract nsfw_detected"),
        (500, "moderation_unavailable", CREATE, "later unanswered"),
        (400, "validation_failed", UPLOAD, "member reference_unreadable"),
        (400, "validation_failed", READ, "contract validation_failed"),
        (401, "api_key_missing", CREATE, "operator key_refused"),
        (401, "api_key_invalid", READ, "operator key_refused"),
        (401, "api_key_revoked", CREATE, "operator key_refused"),
        (401, "api_key_expired", CREATE, "operator key_refused"),
        (403, "api_scope_denied", UPLOAD, "operator scope_denied"),
        (403, "account_frozen", CREATE, "operator key_refused"),
        (402, "insufficient_credits", CREATE, "operator wallet_empty"),
        (400, "insufficient_credits", CREATE, "operator wallet_empty"),
        (402, "pay_up", CREATE, "operator wallet_empty"),
        (429, "rate_limited", CREATE, "later answered"),
        (429, "slow_down", CREATE, "later answered"),
        (503, "public_api_disabled", CREATE, "later answered"),
        (503, "overloaded", CREATE, "later unanswered"),
        (500, "internal_error", CREATE, "later unanswered"),
        (408, "slow_request", CREATE, "later unanswered"),
        (425, "too_early", CREATE, "later unanswered"),
        (409, "idempotency_conflict", CREATE, "contract idempotency_conflict in doubt"),
        (409, "still_working_on_it", CREATE, "contract still_working_on_it in doubt"),
        (409, None, CREATE, "contract http_409 in doubt"),
        (409, "still_working_on_it", READ, "contract still_working_on_it"),
        (404, "not_found", READ, "contract not_found"),
        (400, "invented_yesterday", CREATE, "member request_refused"),
        (422, "invented_yesterday", UPLOAD, "member request_refused"),
        (422, "invented_yesterday", READ, "contract invented_yesterday"),
        (413, "too_big", UPLOAD, "member reference_too_big"),
        (413, "too_big", CREATE, "member request_refused"),
        (302, "moved", CREATE, "later unanswered"),
    ],
)
def test_an_error_code_is_mapped_to_who_must_act(
    status: int, code: str, operation: Operation, expected: str
) -> None:
    assert describe_error(error_from(make_response(status, error_body(code)), operation)) == expected


@pytest.mark.parametrize(
    "body", [b"<html>gateway</html>", b"", b'{"error":{"code":', b"\xff\xfe", b"[" * 100_000]
)
@pytest.mark.parametrize(
    ("status", "operation", "expected"),
    [
        (401, CREATE, "operator key_refused"),
        (402, CREATE, "operator wallet_empty"),
        (403, READ, "operator key_refused"),
        (413, UPLOAD, "member reference_too_big"),
        (413, CREATE, "contract http_413"),
        (429, CREATE, "later unanswered"),
        (400, CREATE, "later unanswered"),
        (404, READ, "later unanswered"),
        (500, CREATE, "later unanswered"),
        (502, UPLOAD, "later unanswered"),
        (301, READ, "later unanswered"),
    ],
)
def test_a_body_that_is_no_json_is_classified_by_its_status(
    status: int, operation: Operation, expected: str, body: bytes
) -> None:
    assert describe_error(error_from(make_response(status, body), operation)) == expected


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("The prompt is not accepted.", MemberReason.PROMPT_REFUSED),
        ("params.referenceMediaItems[0].mimeType is not accepted.", MemberReason.REQUEST_REFUSED),
        ("", MemberReason.REQUEST_REFUSED),
        ("The prompt was flagged by our content policy.", MemberReason.CONTENT_REFUSED),
        ("Blocked by the safety system.", MemberReason.CONTENT_REFUSED),
    ],
)
def test_a_refused_request_is_blamed_on_what_rivya_names(message: str, reason: MemberReason) -> None:
    body: Json = {"error": {"code": "validation_failed", "message": message}}
    error = error_from(make_response(400, body), CREATE)
    assert isinstance(error, MemberError)
    assert (error.reason, error.data["message"]) == (reason, message)


def test_json_without_a_code_is_classified_by_its_status() -> None:
    assert describe_error(error_from(make_response(400, {"detail": "no"}), CREATE)) == "contract http_400"
    assert describe_error(error_from(make_response(400, {"error": "no"}), CREATE)) == "contract http_400"


def test_an_error_has_the_request_id() -> None:
    for code in ("api_key_invalid", "rate_limited", "not_found"):
        error = error_from(make_response(400, error_body(code)), READ)
        assert isinstance(error, OperatorError | TransientError | ContractViolation)
        assert error.request_id == "req_7"
    error = error_from(make_response(400, error_body("validation_failed")), CREATE)
    assert isinstance(error, MemberError)
    assert error.data == {"code": "validation_failed", "message": "Rivya's message."}
    assert error.request_id == "req_7"


def test_the_text_of_an_error_does_not_contain_rivyas_message() -> None:
    for code in ("validation_failed", "api_key_invalid", "rate_limited", "not_found", "new"):
        error = error_from(make_response(400, error_body(code)), CREATE)
        assert "Rivya's message" not in f"{error} {error!r}"


def test_invalid_codes_and_request_ids_are_dropped() -> None:
    nasty = {"error": {"code": "a\nb", "message": "m", "requestId": "x" * 200}}
    assert (make_response(400, nasty).code, make_response(400, nasty).request_id) == (None, None)


def test_an_unreadable_2xx_is_in_doubt_only_for_create() -> None:
    for operation, in_doubt in ((CREATE, True), (READ, False)):
        with pytest.raises(ContractViolation) as caught:
            parse_response(make_response(200, {}), operation, Task.from_json)
        assert caught.value.in_doubt is in_doubt
    with pytest.raises(TransientError):
        parse_response(make_response(200, b'{"id": "task_'), CREATE, Task.from_json)


def test_any_2xx_is_a_success() -> None:
    for status in (200, 201, 202, 299):
        assert parse_response(make_response(status, {"id": "t"}), CREATE, Task.from_json).task_id == "t"


def test_an_uncertain_attempt_keeps_the_whole_call_in_doubt() -> None:
    doubt, refused = UncertainOutcome(), TransientError("429", answered=True)
    doubt.mark(refused)
    assert refused.had_no_effect

    doubt.mark(TransientError("cut"))
    refused_later, key = TransientError("429", answered=True), OperatorError("key_refused", "")
    vanished = ContractViolation("not_found", "")
    for error in (refused_later, key, vanished):
        doubt.mark(error)
    assert (refused_later.had_no_effect, key.in_doubt, vanished.in_doubt) == (False, True, True)


@given(VALUES)
def test_parsers_raise_only_contract_violations(value: Json) -> None:
    for parse in (Task.from_json, parse_upload, parse_models, parse_balance):
        try:
            parse(value)
        except KuasError as error:
            assert isinstance(error, ContractViolation)  # noqa: PT017  # any of the four may also succeed


@given(
    status=st.integers(100, 599),
    value=VALUES,
    operation=st.sampled_from(Operation),
    retry_after=st.text() | st.integers().map(str) | st.datetimes().map(format_datetime),
    date=st.text() | st.datetimes().map(format_datetime),
)
def test_every_response_is_turned_into_an_error_of_ours(
    status: int, value: Json, operation: Operation, retry_after: str, date: str
) -> None:
    read = make_response(status, value, {"Retry-After": retry_after, "Date": date})
    error = error_from(read, operation)
    assert isinstance(error, MemberError | OperatorError | TransientError | ContractViolation)
    assert 0 <= (read.retry_after_seconds or 0) <= 86_400


@given(st.binary())
@example(b"[]")
def test_every_body_is_classified(body: bytes) -> None:
    try:
        json.loads(body)
    except ValueError:
        expected = "later unanswered"
    else:
        expected = "contract http_400"
    assert describe_error(error_from(make_response(400, body), CREATE)) == expected
