"""How large a file Discord takes."""

from typing import Final

UPLOAD_LIMIT_BYTES: Final = 10 * 1024 * 1024
"""The largest file that a bot may attach in every server. An interaction may promise more for a boosted one,
which other messages there need not take: https://discord.com/developers/docs/reference#uploading-files"""
