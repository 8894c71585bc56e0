-- Tasks of one model take longer with some settings: each combination is a kind with durations of its own.

-- The settings of the kind that are not at their default, as a JSON object; every task before this had none.
ALTER TABLE task_durations ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

DROP INDEX task_durations_by_kind;
CREATE INDEX task_durations_by_kind ON task_durations (model, with_reference, settings, duration_id);
