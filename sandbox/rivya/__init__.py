"""A stand-in of the Rivya API on loopback, written from its documentation.

It is strict about what it is sent, honest about what it charges, and misbehaves on demand.

Owns the package's public names. Never imports anything of ours but faults, standin, tasks.
"""

from sandbox.rivya.faults import Fault, Faults
from sandbox.rivya.standin import StandIn
from sandbox.rivya.tasks import Task, Upload

__all__ = ["Fault", "Faults", "StandIn", "Task", "Upload"]
