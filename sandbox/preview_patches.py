"""What SimCord's preview lacks to be used like Discord while a bot works on its own.

It was made for bots that come to rest after each action: an action is refused while another is under way, or
if anything was published since the page was last read; it counts as failed if the bot is still at work after
a while; and the times in its answer are told from before it. A picture is refused if nine are asked for at
once, or if it is not decoded after a while, and the page never asks for it again. Here a picture takes its
time, and the member goes on typing. There is no public way to tell SimCord so, which is why this module,
alone, reaches behind its names; the lock file pins their version.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from simcord import SetupError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from simcord import Preview

P = ParamSpec("P")
T = TypeVar("T")

BEAT_SECONDS: Final = 0.25
"""How soon news of the bot is published; the page itself asks twice a second."""
_TURN_SECONDS: Final = 0.01
_TRIES: Final = 20
"""At a picture that is not decoded within SimCord's half a minute: a machine that busy is left in peace."""


def patch_actions(preview: Preview) -> None:
    """From now on an action waits for its turn, is never out of date, and is over when its time is up.

    What is published tells times as from now; the page does not let them tick until a message changes.
    """
    env, act = preview.env, preview._action  # noqa: SLF001  # see above

    async def act_in_turn(context_id: str | None, body: Mapping[str, object]) -> dict[str, object]:
        while env._operation_task is not None:  # noqa: SLF001, ASYNC110  # see above; there is no event for it
            await asyncio.sleep(_TURN_SECONDS)
        page = preview._pages.get(context_id or "")  # noqa: SLF001  # see above
        if page is not None and "published_revision" in body:
            body = {**body, "published_revision": page.revision}
        return await act(context_id, body)

    env._settle_internal = _in_time(env._settle_internal)  # type: ignore[method-assign]  # noqa: SLF001  # see above
    preview._publish = _from_now(preview, preview._publish)  # type: ignore[method-assign]  # noqa: SLF001  # see above
    preview._action = act_in_turn  # type: ignore[method-assign]  # noqa: SLF001  # see above


def patch_assets(preview: Preview, files: Mapping[str, tuple[str, bytes]]) -> None:
    """Show the files at these addresses wherever a message names one, as Discord does with its own.

    SimCord takes them once, before anything is posted. However late a picture is decoded, it is shown.
    """
    preview._explicit_assets = files  # type: ignore[assignment]  # noqa: SLF001  # see above
    preview._prepare_asset = _in_turn(preview._prepare_asset)  # type: ignore[method-assign]  # noqa: SLF001  # see above


def _in_turn(prepare: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[object, object, T]]:
    # One at a time, as SimCord decodes them anyway: so its queue is never full, and its time-out, which
    # counts from the asking, is that of one picture.
    turn = asyncio.Lock()

    async def prepare_in_turn(*args: P.args, **options: P.kwargs) -> T:
        for _ in range(_TRIES - 1):
            async with turn:
                try:
                    return await prepare(*args, **options)
                except SetupError as error:
                    if not _took_too_long(error):
                        raise
        async with turn:
            return await prepare(*args, **options)

    return prepare_in_turn


def _took_too_long(error: SetupError) -> bool:
    """Whether that is why the picture was refused; whatever else is wrong with it will not pass."""
    return error.__cause__ is not None and isinstance(error.__cause__.__cause__, TimeoutError)


def _in_time(settle: Callable[P, Awaitable[None]]) -> Callable[P, Coroutine[object, object, None]]:
    async def settle_for_a_while(*args: P.args, **options: P.kwargs) -> None:
        with contextlib.suppress(TimeoutError):
            await settle(*args, **options)

    return settle_for_a_while


def _from_now(preview: Preview, publish: Callable[P, None]) -> Callable[P, None]:
    def publish_now(*args: P.args, **options: P.kwargs) -> None:
        preview._advance_presentation_time()  # noqa: SLF001  # see above
        publish(*args, **options)

    return publish_now


async def follow(preview: Preview) -> None:
    """Publish what happens, as long as it runs, so that the page shows it without being reloaded.

    `Preview.refresh` would publish on every beat, news or not, and have the page drawn again each time.
    """
    env, shown = preview.env, 0
    while True:
        if env._operation_task is None:  # noqa: SLF001  # see above
            # A timer of the bot that comes due while SimCord is busy is left to whoever settles next.
            await env.settle(timeout=0)
            happened = len(env.backend.transcript)
            if happened != shown:
                preview._publish_message_pages(reason="refresh")  # noqa: SLF001  # see above
                shown = happened
        await asyncio.sleep(BEAT_SECONDS)
