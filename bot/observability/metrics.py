"""Prometheus metrics about jobs, credits, Rivya, Discord and the event loop.

Each bot has a registry of its own, so that two bots in one process are counted separately. Names follow
https://prometheus.io/docs/practices/naming/. No label holds a member, a server or a prompt, and none
has values without end: a model that is no longer in the settings is `other`. What is counted by model has
names of its own, since the older ones must have the same series as ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

from bot.domain.clock import now_ms
from bot.domain.image_models import MODELS
from bot.domain.jobs import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.domain.errors import KuasError
    from bot.domain.image_models import ImageModel
    from bot.domain.jobs import Job
    from bot.rivya.calls import Attempt

_JOB_SECONDS: Final = (2, 5, 8, 12, 16, 20, 30, 45, 60, 90, 120, 300, 900, 3600)
_CALL_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60)
_LAG_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class Metrics:
    """The metrics of one bot. The public gauges are set when `/metrics` is read, the others by events.

    `models` are those that have series of their own.
    """

    def __init__(self, models: Iterable[ImageModel] = MODELS.values()) -> None:
        self._models = frozenset(model.model_id for model in models)
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._jobs = self._counter("jobs", "Jobs that ended, by how.", "outcome")
        self._setbacks = self._counter(
            "setbacks", "Steps of jobs that did not work, by who must act.", "stage", "error"
        )
        self._charged = self._counter("credits_charged", "Credits that Rivya charged.")
        self._model_jobs = self._counter("model_jobs", "Jobs that ended, by model.", "model", "outcome")
        self._model_charged = self._counter(
            "model_credits_charged", "Credits that Rivya charged, by model.", "model"
        )
        self._calls = self._counter(
            "rivya_attempts",
            "Attempts of calls to Rivya: `read` is mostly polls, then `create` and `upload`.",
            "purpose",
            "outcome",
        )
        self._job_seconds = self._histogram(
            "job_seconds", "From the command to the delivered picture.", _JOB_SECONDS
        )
        self._painting_seconds = self._histogram(
            "painting_seconds", "From a task's creation until its end was seen.", _JOB_SECONDS, "reference"
        )
        self._model_seconds = self._histogram(
            "model_painting_seconds", "The same, by model.", _JOB_SECONDS, "model"
        )
        self._call_seconds = self._histogram(
            "rivya_attempt_seconds", "How long an attempt took.", _CALL_SECONDS, "purpose"
        )
        self._lag = self._histogram(
            "loop_lag_seconds", "How much later than planned the event loop woke.", _LAG_SECONDS
        )
        self.running = self._gauge("jobs_running", "Jobs that are not finished, by stage.", "stage")
        self.held = self._gauge("credits_held", "Credits set aside and not closed.")
        self.latency = self._gauge("gateway_latency_seconds", "Discord's heartbeat.")
        self.circuit_breaker = self._gauge("rivya_down", "1 while Rivya does not answer.")

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"kuas_{name}", help_text, labels, registry=self.registry)

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(f"kuas_{name}", help_text, labels, registry=self.registry)

    def _histogram(self, name: str, help_text: str, seconds: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"kuas_{name}", help_text, labels, buckets=seconds, registry=self.registry)

    def record_attempt(self, attempt: Attempt) -> None:
        """Count an attempt of a call to Rivya, and its duration."""
        outcome = "ok" if attempt.error is None else attempt.error.category
        self._calls.labels(attempt.operation.value, outcome).inc()
        self._call_seconds.labels(attempt.operation.value).observe(attempt.seconds)

    def record_error(self, stage: Stage, error: KuasError) -> None:
        """Count the failure of a step, which may be retried."""
        self._setbacks.labels(stage.value, error.category).inc()

    def record_charge(self, credits: int, model: str) -> None:
        """Add the credits that a settled reservation charged."""
        self._charged.inc(credits)
        if credits:
            self._model_charged.labels(self._label(model)).inc(credits)

    def record_task(self, job: Job) -> None:
        """Record how long a task that has ended was painted."""
        if job.task_created_at is not None:
            reference = "yes" if job.request.references else "no"
            seconds = _seconds_since(job.task_created_at)
            self._painting_seconds.labels(reference).observe(seconds)
            self._model_seconds.labels(self._label(job.request.model)).observe(seconds)

    def record_job(self, job: Job) -> None:
        """Count a finished job, and how long it took if its picture was delivered."""
        self._jobs.labels(job.stage.value).inc()
        self._model_jobs.labels(self._label(job.request.model), job.stage.value).inc()
        if job.stage is Stage.DELIVERED:
            self._job_seconds.observe(_seconds_since(job.accepted_at))

    def _label(self, model: str) -> str:
        return model if model in self._models else "other"

    def record_lag(self, seconds: float) -> None:
        """Record how much later than planned the event loop woke."""
        self._lag.observe(seconds)


def _seconds_since(at: int) -> float:
    return max(0.0, (now_ms() - at) / 1000)
