-- How long tasks took, so that polls are placed where they end from the first task after a restart.

-- A task was still running after `after_ms` of its life and had ended by `by_ms`; only the newest of each kind
-- are kept.
CREATE TABLE task_durations (
    duration_id     INTEGER PRIMARY KEY,
    model           TEXT NOT NULL,
    with_reference  INTEGER NOT NULL CHECK (with_reference IN (0, 1)),
    after_ms        INTEGER NOT NULL CHECK (after_ms >= 0),
    by_ms           INTEGER NOT NULL CHECK (by_ms >= after_ms)
) STRICT;

CREATE INDEX task_durations_by_kind ON task_durations (model, with_reference, duration_id);
