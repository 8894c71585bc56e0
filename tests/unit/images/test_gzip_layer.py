"""Removing one layer of gzip: complete, damaged, cut, and much larger than it looks."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import ContractViolation
from bot.images.gzip_layer import is_gzip, remove_gzip

LIMIT = 1_000_000
DATA = bytes(range(256)) * 1000


def code_of(data: bytes, *, limit_bytes: int = LIMIT) -> str:
    with pytest.raises(ContractViolation) as caught:
        remove_gzip(data, limit_bytes=limit_bytes)
    return caught.value.code


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4))
def test_all_members_are_decoded(members: list[bytes]) -> None:
    packed = b"".join(map(gzip.compress, members))
    assert is_gzip(packed)
    assert remove_gzip(packed, limit_bytes=LIMIT) == b"".join(members)


def test_an_inner_layer_stays_and_so_does_nothing_behind_it() -> None:
    inner = gzip.compress(DATA)
    assert remove_gzip(gzip.compress(inner), limit_bytes=LIMIT) == inner
    assert remove_gzip(gzip.compress(DATA) + bytes(10) + b"more", limit_bytes=LIMIT) == DATA


def test_gzip_that_ends_anywhere_too_early_is_refused() -> None:
    packed = gzip.compress(b"a picture that is not quite there")
    for length in range(2, len(packed)):
        assert code_of(packed[:length]) == "result_gzip"
    assert code_of(packed + packed[:12]) == "result_gzip"
    assert code_of(gzip.compress(DATA)[:-1]) == "result_gzip"


def test_damaged_gzip_is_refused() -> None:
    packed = bytearray(gzip.compress(DATA))
    packed[-5] ^= 1  # in its checksum
    assert code_of(bytes(packed)) == "result_gzip"
    assert code_of(b"\x1f\x8b" + bytes(100)) == "result_gzip"


@pytest.mark.parametrize(("size", "fits"), [(LIMIT, True), (LIMIT + 1, False)])
def test_the_limit_counts_decoded_bytes(size: int, fits: bool) -> None:
    packed = gzip.compress(bytes(size))
    if fits:
        assert len(remove_gzip(packed, limit_bytes=LIMIT)) == size
    else:
        assert code_of(packed) == "result_too_big"


def test_a_gzip_bomb_stops_at_the_limit_with_no_more_memory() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    megabyte = bytes(1_000_000)
    bomb = b"".join(packer.compress(megabyte) for _ in range(400)) + packer.flush()
    assert len(bomb) < 500_000
    tracemalloc.start()
    try:
        assert code_of(bomb, limit_bytes=5_000_000) == "result_too_big"
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 12_000_000
