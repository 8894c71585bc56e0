"""`python -m sandbox.fake_rivya`: serve the fake Rivya until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import sys

from sandbox.fake_rivya import FakeRivya
from sandbox.fake_rivya.model_control import PATH


async def _serve(port: int, painting_seconds: float | None) -> None:
    async with FakeRivya(port=port, painting_seconds=painting_seconds) as fake_rivya:
        print(
            f"The fake Rivya listens at {fake_rivya.url} with the key {fake_rivya.api_key}; Ctrl-C ends it.\n"
            f"Its models and their prices: {fake_rivya.url}{PATH}",
            flush=True,
        )
        await asyncio.Event().wait()


def main() -> None:
    """Parse the arguments and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.fake_rivya", description="A fake of the Rivya API."
    )
    parser.add_argument(
        "--port", type=int, default=8766, help="port to listen on (default 8766; 0 for any free port)"
    )
    parser.add_argument("--painting-seconds", type=float, help="how long a picture takes (default: about 12)")
    arguments = parser.parse_args()
    try:
        asyncio.run(_serve(arguments.port, arguments.painting_seconds))
    except KeyboardInterrupt:
        print()
    except OSError as error:
        sys.exit(f"cannot listen on port {arguments.port}: {error.strerror}")


if __name__ == "__main__":
    main()
