"""A stand-in of the Rivya API on loopback, written from its documentation.

It is strict about what it is sent, honest about what it charges, and misbehaves on demand.
"""

from sandbox.fake_rivya.faults import Fault, Faults
from sandbox.fake_rivya.models import Task, Upload
from sandbox.fake_rivya.server import FakeRivya

__all__ = ["FakeRivya", "Fault", "Faults", "Task", "Upload"]
