"""Patches for SimCord's preview, so that it can be used while the bot works in the background.

The preview was made for bots that are idle after each action. It refuses an action while another one runs, or
if anything was published since the page was last read; it reports an action as failed if the bot is still
busy after a time-out; and the times in its answers are those from before the action. It refuses a picture if
nine are requested at once, or if decoding takes longer than its time-out, and the page never requests it
again. SimCord has no public way to change this, so this module alone uses its private names; the lock file
pins the version.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from simcord import SetupError
from simcord.backend.access import can_access_message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from aiohttp import web
    from simcord import MemberActor, Preview

P = ParamSpec("P")
T = TypeVar("T")

PUBLISH_INTERVAL_SECONDS: Final = 0.25
"""How often `follow` looks for changes; the page itself polls twice a second."""
_TURN_SECONDS: Final = 0.01
_DECODE_ATTEMPTS: Final = 20
"""Each ends after SimCord's 30 s."""
_CAPTURE: Final = 'state.scrollIntent?.policy !== "target") state.scrollIntent = captureScrollIntent();'
_COMPLETE_AT_ONCE: Final = """\
const current = String(field.value ?? "");
            if (!autocompleteResults.has(autocompleteKey(currentDraft(), option.name, current)))
              queryAutocomplete(option, current);"""
_EDITS: Final = {
    # The page opens at the whole pixel after its last message, so that all of it is seen: it scrolls by whole
    # ones, and would round down. What SimCord says of the list names a class that the list does not have.
    "/preview.css": [
        (".channel-message-list { padding: 12px 0; }", "#channel-message-list { padding-bottom: 1px; }")
    ],
    # What completes an option is asked for as soon as it is chosen, as Discord's clients do, and not only
    # once something is typed.
    "/commands.js": [('const current = String(field.value || "");', _COMPLETE_AT_ONCE)],
    # Whether the page is at its end is looked at between two drawings, and not while one is under way, when
    # what was added has not been scrolled to.
    "/timeline.js": [
        ('if (!state.ready && state.scrollIntent?.policy === "target") return;', "if (!state.ready) return;"),
        (
            f"state.ready = false;\n      if ({_CAPTURE}",
            f"if (state.ready && {_CAPTURE}\n      state.ready = false;",
        ),
    ],
}
"""Changes to the files of the page, as they are served: by path, the old text and the new one."""


def patch_actions(preview: Preview) -> None:
    """Queue actions, accept them from an outdated page, and end them at their time-out without an error.

    What is published has the times of its publication; the page itself does not advance them.
    """
    env, act = preview.env, preview._action  # noqa: SLF001  # see above

    async def act_in_turn(context_id: str | None, body: Mapping[str, object]) -> dict[str, object]:
        while env._operation_task is not None:  # noqa: SLF001, ASYNC110  # see above; there is no event for it
            await asyncio.sleep(_TURN_SECONDS)
        page = preview._pages.get(context_id or "")  # noqa: SLF001  # see above
        if page is not None and "published_revision" in body:
            body = {**body, "published_revision": page.revision}
        return await act(context_id, body)

    env._settle_internal = _without_timeout_error(env._settle_internal)  # type: ignore[method-assign]  # noqa: SLF001  # see above
    preview._publish = _with_current_time(preview, preview._publish)  # type: ignore[method-assign]  # noqa: SLF001  # see above
    preview._action = act_in_turn  # type: ignore[method-assign]  # noqa: SLF001  # see above


def patch_focus(preview: Preview) -> None:
    """Open the page at its last message, whoever is viewing, and follow what arrives.

    SimCord would open it at the last message of the bot. To be called before the preview is entered.
    """
    server, serve_file = preview._server, preview._server._static  # noqa: SLF001  # see above

    def last_message(viewer: MemberActor, channel_id: int) -> int | None:
        messages = preview.env.backend.messages.get(channel_id, {}).values()
        visible = [each.id for each in messages if can_access_message(preview.env, channel_id, each, viewer)]
        return max(visible, default=None)

    async def serve_edited(request: web.Request) -> web.Response:
        response: web.Response = await serve_file(request)
        for old, new in _EDITS.get(request.path, ()):
            text = response.text or ""
            if old not in text:
                raise SetupError(f"{request.path} is of another version of SimCord")
            response.text = text.replace(old, new)
        return response

    preview._initial_target = last_message  # type: ignore[method-assign]  # noqa: SLF001  # see above
    server._static = serve_edited  # type: ignore[method-assign]  # noqa: SLF001  # see above


def patch_assets(preview: Preview, files: dict[str, tuple[str, bytes]]) -> None:
    """Show the files at these URLs wherever a message names one, however long a picture takes to decode.

    Args:
        preview: the preview to patch.
        files: filename and content by URL. SimCord would copy them at the start; here later ones count, too.
    """
    preview._explicit_assets = files  # noqa: SLF001  # see above
    preview._prepare_asset = _one_at_a_time(preview._prepare_asset)  # type: ignore[method-assign]  # noqa: SLF001  # see above


def _one_at_a_time(prepare: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[object, object, T]]:
    # SimCord decodes one picture at a time. Requesting them one at a time keeps its queue from being full,
    # and its time-out, which counts from the request, covers one picture only.
    lock = asyncio.Lock()

    async def prepare_in_turn(*args: P.args, **options: P.kwargs) -> T:
        for _ in range(_DECODE_ATTEMPTS - 1):
            async with lock:
                try:
                    return await prepare(*args, **options)
                except SetupError as error:
                    if not _is_timeout(error):
                        raise
        async with lock:
            return await prepare(*args, **options)

    return prepare_in_turn


def _is_timeout(error: SetupError) -> bool:
    """Return whether decoding timed out; any other reason to refuse a picture is permanent."""
    return error.__cause__ is not None and isinstance(error.__cause__.__cause__, TimeoutError)


def _without_timeout_error(
    settle: Callable[P, Awaitable[None]],
) -> Callable[P, Coroutine[object, object, None]]:
    async def settle_until_timeout(*args: P.args, **options: P.kwargs) -> None:
        with contextlib.suppress(TimeoutError):
            await settle(*args, **options)

    return settle_until_timeout


def _with_current_time(preview: Preview, publish: Callable[P, None]) -> Callable[P, None]:
    def publish_now(*args: P.args, **options: P.kwargs) -> None:
        preview._advance_presentation_time()  # noqa: SLF001  # see above
        publish(*args, **options)

    return publish_now


async def follow(preview: Preview) -> None:
    """Publish changes to the page until cancelled, so that it shows them without being reloaded.

    `Preview.refresh` would publish at every interval, changed or not, and make the page redraw each time.
    """
    env, published = preview.env, 0
    while True:
        if env._operation_task is None:  # noqa: SLF001  # see above
            # Timers of the bot that became due while SimCord was busy wait for the next settle.
            await env.settle(timeout=0)
            events = len(env.backend.transcript)
            if events != published:
                preview._publish_message_pages(reason="refresh")  # noqa: SLF001  # see above
                published = events
        await asyncio.sleep(PUBLISH_INTERVAL_SECONDS)
