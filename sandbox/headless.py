"""Run one `/imagine` without a browser and return the picture."""

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

PROGRESS_INTERVAL_SECONDS: Final = 0.1
_TEXT_DISPLAY: Final = 10
"""https://discord.com/developers/docs/components/reference#component-object-component-types"""
_MARKUP: Final = re.compile(r"^(?:-# |> |#+ )|\*\*|`|\\(?=[^\w\s])", re.MULTILINE)
_MENTION: Final = re.compile(r"<@\d+>")
"""Always Mira: no other member sends a command here."""
_COMMAND: Final = re.compile(r"<(/[^:>]+):\d+>")
_TIMESTAMP: Final = re.compile(r"<t:(\d+)(?::\w)?>")


@dataclass(frozen=True, slots=True)
class ImagineOptions:
    """Options of `/imagine`; None leaves an option out."""

    prompt: str
    reference: Path | None = None
    size: str | None = None
    format: str | None = None

    def options(self) -> dict[str, object]:
        """Return them as keyword arguments of SimCord's `slash`.

        Raises:
            OSError: the reference cannot be read.
        """
        chosen: dict[str, object] = {"prompt": self.prompt, "size": self.size, "format": self.format}
        if self.reference is not None:
            chosen["reference"] = (self.reference.name, self.reference.read_bytes())
        return {name: value for name, value in chosen.items() if value is not None}


@dataclass(frozen=True, slots=True)
class HeadlessResult:
    """The lines of the bot's last message, and the picture if that has one."""

    lines: tuple[str, ...]
    picture: bytes | None = None
    extension: str = ""


async def run_once(
    environment: SandboxEnvironment, imagine: ImagineOptions, *, timeout_seconds: float
) -> HeadlessResult:
    """Send `/imagine` as Mira, print the progress, and return the result.

    Raises:
        OSError: the reference cannot be read.
        simcord.SetupError: Discord's client would not send this command.
        TimeoutError: the job did not end within `timeout_seconds`.
    """
    options = imagine.options()
    async with asyncio.timeout(timeout_seconds), _printing_progress(environment, imagine.prompt):
        with contextlib.suppress(TimeoutError):  # of SimCord, while the job is running
            await environment.mira.slash(environment.channel, "imagine", **options)
        await _wait_until_idle(environment)
    messages = environment.channel.history(viewer=environment.mira)
    if not messages:
        return HeadlessResult(("The bot did not answer.",))
    message = messages[-1]
    prompt = _plain(imagine.prompt)
    components = [component.to_dict() for component in message.components]
    lines = tuple(line for line in _texts(components) if line != prompt)
    if not message.attachments:
        return HeadlessResult(lines)
    attachment = message.attachments[0]
    return HeadlessResult(lines, environment.cdn.get(attachment.url), attachment.filename.rpartition(".")[2])


async def _wait_until_idle(environment: SandboxEnvironment) -> None:
    """Wait for the tasks of all jobs, then for SimCord, which takes a sleeping task for an idle bot."""
    while True:
        jobs = [task for task in asyncio.all_tasks() if task.get_name().startswith("job ")]
        if jobs:
            await asyncio.wait(jobs)
            continue
        with contextlib.suppress(TimeoutError):
            return await environment.env.settle()


@contextlib.asynccontextmanager
async def _printing_progress(environment: SandboxEnvironment, prompt: str) -> AsyncIterator[None]:
    before = len(environment.env.http_requests)  # the greeting, which is no progress
    printer = asyncio.create_task(_print_progress(environment, prompt, before), name="progress")
    try:
        yield
    finally:
        printer.cancel()
        await asyncio.gather(printer, return_exceptions=True)


async def _print_progress(environment: SandboxEnvironment, prompt: str, requests_read: int) -> None:
    """Print each new line that the bot shows. SimCord's request log can be read while the bot is busy."""
    started, printed = time.perf_counter(), {_plain(prompt)}
    while True:
        requests = environment.env.http_requests
        for request in requests[requests_read:]:
            body = request.json if isinstance(request.json, dict) else {}
            for line in _texts(body.get("components", ())):
                if line not in printed:
                    print(f"{time.perf_counter() - started:5.1f} s  {line}", flush=True)
                printed.add(line)
        requests_read = len(requests)
        await asyncio.sleep(PROGRESS_INTERVAL_SECONDS)


def _texts(components: Iterable[Mapping[str, object]]) -> Iterable[str]:
    for component in components:
        if component.get("type") == _TEXT_DISPLAY:
            yield _plain(str(component["content"]))
        children = component.get("components")
        if isinstance(children, list):
            yield from _texts(children)


def _plain(text: str) -> str:
    """Replace Discord's markup by text that a terminal can show."""
    named = _COMMAND.sub(r"\1", _MENTION.sub("@Mira", text))
    return _MARKUP.sub("", _TIMESTAMP.sub(_local_time, named))


def _local_time(timestamp: re.Match[str]) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(int(timestamp[1])))
