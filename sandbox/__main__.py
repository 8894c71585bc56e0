"""`python -m sandbox`: the real bot without an account, in a browser or for one picture."""

from __future__ import annotations

import argparse
import asyncio
import logging
import math
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from simcord import SetupError

from bot.domain.image_models import QWEN_IMAGE
from bot.observability import log_setup
from sandbox.browser import USUAL_PORT, serve
from sandbox.environment import Timings, open_environment
from sandbox.headless import ImagineOptions, run_once

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

KEY_VARIABLE: Final = "RIVYA_API_KEY"
FAILED: Final = 1
WRONG_USAGE: Final = 2

_GUIDANCE: Final = """\
**Welcome to the studio.** This is the real Kuas; {around}
- Type `/imagine`, give it a `prompt` such as *a red fox in a golden forest, sunset*, and press Enter.
- Without a prompt, `/imagine` opens a form.
- Choose its option `reference` to attach a picture to work from, or `size` for another shape.
- Under the picture: *Again*, *Edit*, *Use as reference*. `/history` finds all of yours again.
- `/credits` shows what you spent and what is left.
- Become **Sari**, who manages this server: `/limits guild` changes that, `/report` shows where it went.
- `/privacy show` says what is kept about you."""
_STAND_INS: Final = "only Discord and Rivya are stand-ins, so nothing costs anything."
_LIVE: Final = "only Discord is a stand-in, and every picture costs real credits."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; returns the exit code, and says every failure in one line on standard error."""
    parser = _parser()
    args = parser.parse_args(arguments)
    if args.once is None and (args.reference or args.size or args.format or args.out):
        parser.error("--reference, --size, --format and --out go with --once")
    if args.out is not None and not args.out.absolute().parent.is_dir():
        parser.error("--out: there is no such folder")  # before anything is painted, and perhaps paid for
    if args.out is not None and args.out.is_dir():
        parser.error("--out: that is a folder; name the file, too")
    live_key = os.environ.get(KEY_VARIABLE, "").strip() or None
    if args.live and live_key is None:
        print(f"--live needs a key of Rivya's in the environment variable {KEY_VARIABLE}.", file=sys.stderr)
        return WRONG_USAGE
    if args.live:
        print("Pictures are painted by https://rivya.ai now, and cost real credits.", file=sys.stderr)
    # One picture ends in one sentence; on the page it may be of interest what the bot struggles with.
    log_setup.configure("warning" if args.once is None else "error", "console")
    logging.getLogger("discord.client").setLevel(logging.ERROR)  # it warns of missing voice libraries
    command = _page if args.once is None else _once
    try:
        return asyncio.run(_until_told(command(args, live_key if args.live else None)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0 if args.once is None else FAILED
    except TimeoutError:
        print("The bot came to no end in time.", file=sys.stderr)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}" if error.filename else error, file=sys.stderr)
    except SetupError as error:
        print(error, file=sys.stderr)
    return FAILED


async def _until_told(command: Coroutine[object, object, int]) -> int:
    """SIGTERM ends the command as Ctrl-C does: it is cancelled, and closes what it opened."""
    task = asyncio.ensure_future(command)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


async def _page(args: argparse.Namespace, live_key: str | None) -> int:
    async with open_environment(Timings(painting_seconds=args.painting_seconds), live_key=live_key) as world:
        guidance = _GUIDANCE.format(around=_STAND_INS if live_key is None else _LIVE)
        await serve(world, port=args.port, guidance=guidance)
    return 0


async def _once(args: argparse.Namespace, live_key: str | None) -> int:
    order = ImagineOptions(args.once, reference=args.reference, size=args.size, format=args.format)
    pace, patience_seconds = Timings(), 1800.0
    if live_key is None:
        painting_seconds = 1.0 if args.painting_seconds is None else args.painting_seconds
        pace = Timings(painting_seconds, first_poll_seconds=0.2, poll_seconds=0.2)
        patience_seconds = painting_seconds + 60
    async with open_environment(pace, live_key=live_key) as world:
        answer = await run_once(world, order, patience_seconds=patience_seconds)
    if answer.picture is None:
        print(*answer.words, sep="\n", file=sys.stderr)
        return FAILED
    out = args.out or Path(f"out.{answer.extension}")
    out.write_bytes(answer.picture)
    print(f"Saved to {out}: {answer.words[-1]}")
    return 0


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < math.inf:
        raise ValueError(text)
    return seconds


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="The real bot on a simulated Discord, with a stand-in of Rivya. No account is needed.",
    )
    parser.add_argument(
        "--port", type=int, help=f"where the page is on 127.0.0.1 (default: {USUAL_PORT}, or a free one)"
    )
    parser.add_argument(
        "--painting-seconds",
        type=_seconds,
        metavar="SECONDS",
        help="how long the stand-in takes for a picture (default: about 12; with --once, 1)",
    )
    parser.add_argument(
        "--live",
        action="store_true",
        help=f"let https://rivya.ai paint, with the key in {KEY_VARIABLE}; costs real credits",
    )
    once = parser.add_argument_group("one picture, without a browser")
    once.add_argument("--once", metavar="PROMPT", help="run one /imagine and save the picture")
    once.add_argument("--reference", type=Path, metavar="FILE", help="a picture to work from")
    once.add_argument("--size", choices=QWEN_IMAGE.sizes, help="the shape of the picture")
    once.add_argument("--format", choices=QWEN_IMAGE.formats, help="the kind of file")
    once.add_argument(
        "--out", type=Path, metavar="FILE", help="where to save it (default: out.png or out.jpg)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
