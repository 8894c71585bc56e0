"""A fake of the Rivya API on loopback, written from its documentation.

It validates requests strictly, accounts for every credit, and injects faults on demand.
"""

from sandbox.fake_rivya.faults import Fault, Faults
from sandbox.fake_rivya.models import Task, Upload
from sandbox.fake_rivya.server import FakeRivya

__all__ = ["FakeRivya", "Fault", "Faults", "Task", "Upload"]
