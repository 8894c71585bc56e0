"""Decoding `data:` URLs, also damaged ones and those that hold too much."""

from __future__ import annotations

import base64
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import ContractViolation
from bot.images.data_urls import _CHUNK, decode_data_url, is_data_url

LIMIT = 10_000_000
BYTES = bytes(range(256)) * 5


def code_of(url: str, *, limit_bytes: int = LIMIT) -> str:
    with pytest.raises(ContractViolation) as caught:
        decode_data_url(url, limit_bytes=limit_bytes)
    return caught.value.code


@pytest.mark.parametrize(
    ("url", "data"),
    [
        ("data:image/png;base64,aGVsbG8=", b"hello"),
        ("data:image/png;base64,aGVsbG8", b"hello"),
        ("DATA:image/png;BASE64,aGVsbG8=", b"hello"),
        ("data:;base64,aGVsbG8=", b"hello"),
        ("data:image/png;charset=utf-8; base64 ,aGVsbG8=", b"hello"),
        ("data:image/png;base64;name=a.png,aGVsbG8=", b"hello"),
        ("data:image/png;base64,aGVs\r\n bG8=\n", b"hello"),
        ("data:image/png;base64,aGVsbG8%3D", b"hello"),
        ("data:image/png;base64,%2B%2f-_", base64.b64decode("+/+/")),
        ("data:image/svg+xml,%3Csvg%3e,a+b", b"<svg>,a+b"),
        ("data:,100%", b"100%"),
        ("data:,", b""),
    ],
)
def test_every_form_is_decoded(url: str, data: bytes) -> None:
    assert is_data_url(url)
    assert decode_data_url(url, limit_bytes=LIMIT) == data


@pytest.mark.parametrize(
    "url",
    [
        "",
        "data:",
        "data:image/png;base64",
        "https://cdn/a,b",
        "data:image/png;base64,aGVsb",
        "data:image/png;base64,aGV*bG8=",
        "data:image/png;base64,aGVs=bG8=",
        "data:image/png;base64,%ff%ff",
        "data:image/png;base64,\u00e9\u00e9\u00e9\u00e9",
        f"data:{'a' * 2000},x",
        "data:,\ud800",
    ],
)
def test_what_is_no_data_url_is_refused(url: str) -> None:
    assert code_of(url) == "result_url"


def test_the_limit_counts_decoded_bytes() -> None:
    encoded = base64.b64encode(BYTES).decode()
    for url in (f"data:;base64,{encoded}", f"data:,{quote_from_bytes(BYTES)}"):
        assert decode_data_url(url, limit_bytes=len(BYTES)) == BYTES
        assert code_of(url, limit_bytes=len(BYTES) - 1) == "result_too_big"
    assert (
        code_of(f"data:;base64,{quote_from_bytes(encoded.encode() * 300)}", limit_bytes=5) == "result_too_big"
    )


@pytest.mark.parametrize("before", range(5))
def test_base64_is_decoded_over_the_ends_of_chunks(before: int) -> None:
    encoded = base64.b64encode(BYTES * 100).decode()
    broken = f"{' ' * before}{encoded[:40]}\r\n{encoded[40:]}"
    assert decode_data_url(f"data:;base64,{broken}", limit_bytes=LIMIT) == BYTES * 100
    assert code_of(f"data:;base64,{broken[:-4]}=AAA") == "result_url"


@pytest.mark.parametrize("before", range(4))
def test_a_percent_encoded_byte_at_the_end_of_a_chunk_is_decoded(before: int) -> None:
    text = "x" * (_CHUNK - before)
    assert decode_data_url(f"data:,{text}%2F%2F%2F%", limit_bytes=LIMIT) == f"{text}///%".encode()


@given(st.binary(max_size=300))
def test_what_is_encoded_is_decoded(data: bytes) -> None:
    for url in (
        f"data:image/png;base64,{base64.b64encode(data).decode()}",
        f"data:image/png;base64,{base64.urlsafe_b64encode(data).decode().rstrip('=')}",
        f"data:image/png,{quote_from_bytes(data)}",
    ):
        assert decode_data_url(url, limit_bytes=300) == data


@given(st.text(), st.text())
def test_any_text_raises_nothing_but_our_own_errors(head: str, payload: str) -> None:
    for url in (f"data:{head},{payload}", f"data:;base64,{payload}", head):
        try:
            decode_data_url(url, limit_bytes=100)
        except ContractViolation as error:
            assert error.code in {"result_url", "result_too_big"}  # noqa: PT017  # it may also succeed
