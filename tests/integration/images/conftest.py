"""These tests run on each event loop that the bot can run on."""

from tests.support.event_loops import pytest_asyncio_loop_factories

__all__ = ["pytest_asyncio_loop_factories"]
