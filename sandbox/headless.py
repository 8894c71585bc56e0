"""One `/imagine` without a browser, through the same world: from the member's words to the file."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from pathlib import Path

    from sandbox.environment import SandboxEnvironment

LOOK_SECONDS: Final = 0.1
_TEXT_DISPLAY: Final = 10
"""https://discord.com/developers/docs/components/reference#component-object-component-types"""
_MARKUP: Final = re.compile(r"^(?:-# |> |#+ )|\*\*|`|\\(?=[^\w\s])", re.MULTILINE)
_MENTION: Final = re.compile(r"<@\d+>")
"""Only Mira asks for anything here."""
_TIMESTAMP: Final = re.compile(r"<t:(\d+)(?::\w)?>")


@dataclass(frozen=True, slots=True)
class ImagineOptions:
    """What is asked for; what is None is left to the bot."""

    prompt: str
    reference: Path | None = None
    size: str | None = None
    format: str | None = None

    def options(self) -> dict[str, object]:
        """As SimCord takes a command's options.

        Raises:
            OSError: the reference cannot be read.
        """
        chosen: dict[str, object] = {"prompt": self.prompt, "size": self.size, "format": self.format}
        if self.reference is not None:
            chosen["reference"] = (self.reference.name, self.reference.read_bytes())
        return {name: value for name, value in chosen.items() if value is not None}


@dataclass(frozen=True, slots=True)
class HeadlessResult:
    """What the bot said last, and the picture if it brought one."""

    words: tuple[str, ...]
    picture: bytes | None = None
    extension: str = ""


async def run_once(
    world: SandboxEnvironment, order: ImagineOptions, *, patience_seconds: float
) -> HeadlessResult:
    """Ask as Mira, tell the terminal what the bot says meanwhile, and bring what came of it.

    Raises:
        OSError: the reference cannot be read.
        simcord.SetupError: Discord itself would not send this.
        TimeoutError: the bot came to no end in time.
    """
    options = order.options()
    async with asyncio.timeout(patience_seconds), _listening(world, order.prompt):
        with contextlib.suppress(TimeoutError):  # the bot is at work, and that is what is waited for next
            await world.mira.slash(world.channel, "imagine", **options)
        await _rest(world)
    seen = world.channel.history(viewer=world.mira)
    if not seen:
        return HeadlessResult(("The bot did not answer.",))
    components = [component.to_dict() for component in seen[-1].components]
    words = tuple(line for line in _words(seen[-1].content, components) if line != _spoken(order.prompt))
    for attachment in seen[-1].attachments:
        return HeadlessResult(words, world.cdn.get(attachment.url), attachment.filename.rpartition(".")[2])
    return HeadlessResult(words)


async def _rest(world: SandboxEnvironment) -> None:
    """Wait until no job walks and the bot is at rest: a walk that sleeps would pass for rest as well."""
    while True:
        walks = [task for task in asyncio.all_tasks() if task.get_name().startswith("job ")]
        if walks:
            await asyncio.wait(walks)
            continue
        with contextlib.suppress(TimeoutError):
            return await world.env.settle()


@contextlib.asynccontextmanager
async def _listening(world: SandboxEnvironment, prompt: str) -> AsyncIterator[None]:
    listener = asyncio.create_task(_listen(world, prompt), name="progress")
    try:
        yield
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)


async def _listen(world: SandboxEnvironment, prompt: str) -> None:
    """Print each new line of the bot's cards. SimCord's log of requests may be read while it is at work."""
    began, heard, said = time.perf_counter(), 0, {_spoken(prompt)}
    while True:
        requests = world.env.http_requests
        for request in requests[heard:]:
            body = request.json if isinstance(request.json, dict) else {}
            for line in _words("", body.get("components", ())):
                if line not in said:
                    print(f"{time.perf_counter() - began:5.1f} s  {line}", flush=True)
                said.add(line)
        heard = len(requests)
        await asyncio.sleep(LOOK_SECONDS)


def _words(content: str, components: Iterable[Mapping[str, object]]) -> Iterable[str]:
    if content:
        yield _spoken(content)
    for component in components:
        if component.get("type") == _TEXT_DISPLAY:
            yield _spoken(str(component["content"]))
        inside = component.get("components")
        if isinstance(inside, list):
            yield from _words("", inside)


def _spoken(text: str) -> str:
    """A sentence as a terminal can show it."""
    return _MARKUP.sub("", _TIMESTAMP.sub(_moment, _MENTION.sub("@Mira", text)))


def _moment(timestamp: re.Match[str]) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(int(timestamp[1])))
