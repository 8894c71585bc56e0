"""One task on its way, as one walk looks at it: when to look next, and what its end teaches.

Owns what a walk knows of its task's length. Never imports anything of ours but tempo, timetable, tools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.engine.polling.schedule import Ending

if TYPE_CHECKING:
    from bot.engine.polling.duration_store import Durations
    from bot.engine.polling.scheduler import Kind, Tempo
    from bot.engine.timings import Beat


class Watch:
    """Ages are in seconds since the task's creation, by the clock that is read for the row."""

    def __init__(self, kind: Kind, tempo: Tempo, durations: Durations, beat: Beat) -> None:
        self._kind = kind
        self._tempo = tempo
        self._durations = durations
        self._beat = beat
        self._polls = 0
        self._looked_seconds: float | None = None
        self._running_seconds = 0.0
        self._whole = False

    def begin(self) -> None:
        """This walk has made the task, so it sees all of its life."""
        self._whole = True

    def until_next(self, age_seconds: float) -> float:
        """How long to wait before the next look."""
        # A clock that was set back makes the task younger than it is: no reason to wait for longer.
        age = max(age_seconds, self._looked_seconds or 0.0)
        if self._looked_seconds is None and not self._whole:
            return max(0.0, self._beat.first_poll_seconds - age)
        return max(0.0, self._tempo.next_poll(self._kind, self._looked_seconds) - age)

    def look(self, age_seconds: float) -> None:
        """A poll is sent."""
        self._polls += 1
        self._looked_seconds = max(0.0, age_seconds)

    def still_running(self) -> None:
        """The last poll was answered: the task had not ended when it was sent."""
        self._running_seconds = self._looked_seconds or 0.0

    async def ended(self, age_seconds: float) -> None:
        """The last poll saw the end: learn from it, once, if this walk saw the whole life.

        Raises:
            OperatorError: `database`.
        """
        whole, self._whole = self._whole, False
        ending = Ending(self._running_seconds, age_seconds)
        if whole and self._tempo.learn(self._kind, ending, polls=self._polls):
            await self._durations.record(self._kind, ending)
