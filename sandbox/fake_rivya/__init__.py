"""A stand-in of the Rivya API on loopback, written from its documentation.

It is strict about what it is sent, honest about what it charges, and misbehaves on demand.

Owns the package's public names. Never imports anything of ours but faults, standin, tasks.
"""

from sandbox.fake_rivya.faults import Fault, Faults
from sandbox.fake_rivya.models import Task, Upload
from sandbox.fake_rivya.server import StandIn

__all__ = ["Fault", "Faults", "StandIn", "Task", "Upload"]
