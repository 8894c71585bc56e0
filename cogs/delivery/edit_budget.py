"""When the messages of groups may be edited.

Discord does not publish how many edits it takes; about five in five seconds in a channel were observed:
https://discord.com/developers/docs/topics/rate-limits
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

MESSAGE_SECONDS = 3.0
"""Between two edits of one message."""
GATHER_SECONDS = 0.5
"""How long the first progress of a group waits for that of its other jobs."""
PROGRESS_SECONDS = 10.0
"""Between two edits that show progress only; each one doubles it."""
LONGEST_PROGRESS_SECONDS: Final = 120.0
CHANNEL_EDITS: Final = 4
CHANNEL_SECONDS = 5.0
"""At most so many edits of one channel in so many seconds, over all groups."""
_RESERVED: Final = 1
"""Of the edits of a channel, those that progress leaves to results."""
MAX_CHANNELS: Final = 1000
"""Whose last edits are remembered."""


class MessagePace:
    """When one message may be edited next. Times are those of `time.monotonic`."""

    def __init__(self, began_at: float) -> None:
        self._edited_at = -math.inf
        self._progress_at = began_at + GATHER_SECONDS
        self._progress_edits = 0

    def due_at(self, *, final: bool) -> float:
        """Return from when on it may be edited; a result does not wait as long as progress."""
        earliest = self._edited_at + MESSAGE_SECONDS
        return earliest if final else max(earliest, self._progress_at)

    def edited(self, at: float) -> None:
        """Note an edit, of which kind ever: it shows progress, too."""
        self._edited_at = at
        interval = PROGRESS_SECONDS * 2.0**self._progress_edits
        self._progress_at = at + min(interval, LONGEST_PROGRESS_SECONDS)
        self._progress_edits = min(self._progress_edits + 1, 10)


@dataclass(eq=False, slots=True)
class Edit:
    """One edit of a channel, to come, under way or made."""

    made_at: float
    """When it was made; before that, when it was expected to be."""
    before: Edit | None
    """The one that has to be `CHANNEL_SECONDS` old by then; None if there is none, or once it was made."""

    @property
    def at(self) -> float:
        """From when on it may be made, which becomes later if those before it take long."""
        at, edit, later_seconds = self.made_at, self.before, CHANNEL_SECONDS
        while edit is not None:  # not recursive, since many may wait
            at = max(at, edit.made_at + later_seconds)
            edit, later_seconds = edit.before, later_seconds + CHANNEL_SECONDS
        return at

    def made(self, now: float) -> None:
        """Note that it has ended: Discord counts it when its files have arrived."""
        self.made_at, self.before = now, None


class ChannelPace:
    """The last edits of one channel, those to come that were reserved among them."""

    def __init__(self) -> None:
        self._edits: deque[Edit] = deque(maxlen=CHANNEL_EDITS)

    def reserve(self, now: float) -> Edit:
        """Take the next edit; it may be made after those reserved before."""
        at = max(now, self._room_from(1))
        edit = Edit(at, self._edits[0] if len(self._edits) == CHANNEL_EDITS else None)
        self._edits.append(edit)
        return edit

    @property
    def progress_from(self) -> float:
        """From when on there is room for progress.

        There is none while results wait, or if no other edit would be left for one.
        """
        return self._room_from(1 + _RESERVED)

    def _room_from(self, needed: int) -> float:
        last = self._edits[-1].at if self._edits else -math.inf
        too_many = len(self._edits) + needed - CHANNEL_EDITS
        return last if too_many <= 0 else max(last, self._edits[too_many - 1].at + CHANNEL_SECONDS)


class EditBudget:
    """The edits of all channels."""

    def __init__(self) -> None:
        self._channels: dict[int, ChannelPace] = {}

    def of(self, channel_id: int) -> ChannelPace:
        """Return the edits of a channel."""
        pace = self._channels.pop(channel_id, None) or ChannelPace()
        self._channels[channel_id] = pace  # the last one used is the last one to go
        if len(self._channels) > MAX_CHANNELS:
            del self._channels[next(iter(self._channels))]
        return pace
