"""When to poll a task: schedules learned from earlier tasks, one task's poller, stored durations."""
