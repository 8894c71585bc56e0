"""Of the pictures of jobs: the names of their files."""

from __future__ import annotations

import pytest

from bot.domain.pictures import job_id_in, picture_filename, picture_filenames

JOB_ID = "0b0e4c1f-9d3a-4a51-8a86-3f1f0f0c2a11"


@pytest.mark.parametrize("number", [1, 2, 10])
@pytest.mark.parametrize("picture_format", ["png", "jpeg", "webp"])
def test_the_name_of_a_file_tells_its_job_whichever_picture_it_is(picture_format: str, number: int) -> None:
    assert job_id_in(picture_filename(JOB_ID, picture_format, number)) == JOB_ID


@pytest.mark.parametrize(
    "filename", ["fox.png", JOB_ID, f"{JOB_ID}-.png", f"a{JOB_ID}.png", f"{JOB_ID}.png.exe"]
)
def test_other_names_tell_no_job(filename: str) -> None:
    assert job_id_in(filename) is None


def test_the_pictures_of_a_job_have_names_of_their_own_in_their_order() -> None:
    assert picture_filenames(JOB_ID, ["png", "jpeg"]) == (f"{JOB_ID}.png", f"{JOB_ID}-2.jpg")
