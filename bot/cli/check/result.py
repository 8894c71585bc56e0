"""The result of one check of `python -m bot check`."""

from __future__ import annotations

from dataclasses import dataclass


class Unproven(str):
    """The detail of a check that found no fault, and could not prove either that there is none."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check; `detail` is a line for the operator."""

    name: str
    ok: bool
    detail: str

    @property
    def status(self) -> str:
        """`ok`, `FAIL`, or `note` for what is not proven."""
        if not self.ok:
            return "FAIL"
        return "note" if isinstance(self.detail, Unproven) else "ok"
