"""`python -m sandbox`: try the real bot without an account, in a browser or for one picture."""

from __future__ import annotations

import argparse
import asyncio
import logging
import math
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import discord
from simcord import SetupError

from bot.config.settings import EVERY_MODEL
from bot.domain.image_models import MODELS, QWEN_IMAGE, SIZES
from bot.observability import log_setup
from sandbox import past
from sandbox.browser import DEFAULT_PORT, serve
from sandbox.environment import MODELS as SANDBOX_MODELS
from sandbox.environment import Timings, open_environment
from sandbox.guidance import guidance_of
from sandbox.headless import ImagineOptions, run_once
from sandbox.locales import AMERICAN_ENGLISH

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

KEY_VARIABLE: Final = "RIVYA_API_KEY"
FAILED: Final = 1
WRONG_USAGE: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code. A failure is one line on standard error."""
    parser = _parser()
    args = parser.parse_args(arguments)
    if args.once is None and (args.reference or args.size or args.format or args.out):
        parser.error("--reference, --size, --format and --out go with --once")
    if args.out is not None and not args.out.absolute().parent.is_dir():
        parser.error("--out: there is no such folder")  # before a picture is made and perhaps paid for
    if args.out is not None and args.out.is_dir():
        parser.error("--out: that is a folder; name the file, too")
    live_key = os.environ.get(KEY_VARIABLE, "").strip() or None
    if args.live and live_key is None:
        print(
            f"--live needs an API key of Rivya in the environment variable {KEY_VARIABLE}.", file=sys.stderr
        )
        return WRONG_USAGE
    if args.live:
        print("Pictures are made by https://rivya.ai now, and cost real credits.", file=sys.stderr)
    # With --once a failure is one line, so warnings are shown only in the browser mode.
    log_setup.configure("warning" if args.once is None else "error", "console")
    logging.getLogger("discord.client").setLevel(logging.ERROR)  # it warns about missing voice libraries
    command = _run_in_browser if args.once is None else _run_once
    try:
        return asyncio.run(_cancelled_by_sigterm(command(args, live_key if args.live else None)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0 if args.once is None else FAILED
    except TimeoutError:
        print("The job did not end in time.", file=sys.stderr)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}" if error.filename else error, file=sys.stderr)
    except SetupError as error:
        print(error, file=sys.stderr)
    return FAILED


async def _cancelled_by_sigterm(command: Coroutine[object, object, int]) -> int:
    """Cancel the command at SIGTERM, as Ctrl-C does, so that it closes what it opened."""
    task = asyncio.ensure_future(command)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


async def _run_in_browser(args: argparse.Namespace, live_key: str | None) -> int:
    timings = Timings(painting_seconds=args.painting_seconds)
    ago = past.BEGIN if live_key is None else timedelta()  # its pictures would cost real credits
    models = args.models or SANDBOX_MODELS
    async with open_environment(
        timings, live_key=live_key, locale=args.locale, models=models, ago=ago
    ) as environment:
        if environment.rivya is not None:
            await past.live_through(environment, environment.rivya)
        await past.invite(environment)
        await serve(environment, port=args.port, guidance=guidance_of(environment))
    return 0


async def _run_once(args: argparse.Namespace, live_key: str | None) -> int:
    imagine = ImagineOptions(args.once, reference=args.reference, size=args.size, format=args.format)
    timings, timeout_seconds = Timings(), 1800.0
    if live_key is None:
        painting_seconds = 1.0 if args.painting_seconds is None else args.painting_seconds
        timings = Timings(painting_seconds, first_poll_seconds=0.2, poll_seconds=0.2)
        timeout_seconds = painting_seconds + 60
    models = args.models or (QWEN_IMAGE.model_id,)
    async with open_environment(timings, live_key=live_key, locale=args.locale, models=models) as environment:
        result = await run_once(environment, imagine, timeout_seconds=timeout_seconds)
    if result.picture is None:
        print(*result.lines, sep="\n", file=sys.stderr)
        return FAILED
    out = args.out or Path(f"out.{result.extension}")
    out.write_bytes(result.picture)
    print(f"Saved to {out}: {result.lines[-1]}")
    return 0


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < math.inf:
        raise ValueError(text)
    return seconds


def _models(text: str) -> tuple[str, ...]:
    if text == "all":
        return (EVERY_MODEL,)
    names = tuple(name.strip() for name in text.split(","))
    if unknown := [name for name in names if name not in MODELS]:
        raise argparse.ArgumentTypeError(
            f"no such model: {', '.join(unknown)}; there are all, {', '.join(MODELS)}"
        )
    if len({*names}) < len(names):
        raise argparse.ArgumentTypeError("a model twice")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="The real bot on a simulated Discord, with a fake Rivya. No account is needed.",
    )
    parser.add_argument(
        "--port", type=int, help=f"port of the page on 127.0.0.1 (default: {DEFAULT_PORT}, or a free one)"
    )
    parser.add_argument(
        "--painting-seconds",
        type=_seconds,
        metavar="SECONDS",
        help="how long the fake Rivya takes for a picture (default: about 12; with --once, 1)",
    )
    parser.add_argument(
        "--live",
        action="store_true",
        help=f"use https://rivya.ai with the key in {KEY_VARIABLE}; costs real credits",
    )
    parser.add_argument(
        "--locale",
        choices=sorted(locale.value for locale in discord.Locale),
        default=AMERICAN_ENGLISH,
        metavar="LOCALE",
        help="Discord's locale of the members and the server, such as id, es-ES or es-419 (default: en-US);"
        " SimCord shows the names of commands in English",
    )
    parser.add_argument(
        "--models",
        type=_models,
        metavar="MODELS",
        help="the models on offer, such as qwen-image,flux-2-pro, or all; the first is the default"
        f" (default: {','.join(SANDBOX_MODELS)}; with --once, {QWEN_IMAGE.model_id})",
    )
    once = parser.add_argument_group("one picture, without a browser")
    once.add_argument("--once", metavar="PROMPT", help="run one /imagine and save the picture")
    once.add_argument("--reference", type=Path, metavar="FILE", help="a picture to work from")
    once.add_argument("--size", choices=SIZES, help="the shape of the picture")
    once.add_argument("--format", choices=QWEN_IMAGE.file_formats, help="the kind of file")
    once.add_argument(
        "--out", type=Path, metavar="FILE", help="where to save it (default: out.png or out.jpg)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
