-- Jobs that Rivya keeps waiting, or whose picture cannot be downloaded yet; results that are no picture.

-- Since when a job takes longer than any before it, and what Rivya answered last. Such a job holds no slot.
ALTER TABLE jobs ADD COLUMN late_at INTEGER;
ALTER TABLE jobs ADD COLUMN late_note TEXT;

CREATE INDEX jobs_late ON jobs (late_at, job_id) WHERE late_at IS NOT NULL;

-- Earlier versions gave up a picture that was charged after two minutes: the operator can have it fetched again.
UPDATE jobs SET late_at = coalesce(painted_at, finished_at, accepted_at), late_note = failure_code
WHERE stage = 'undeliverable' AND failure_who IS NOT NULL AND user_id > 0;

-- What was downloaded instead of a picture, for the operator to look at; the file is in the picture store.
CREATE TABLE unreadable_results (
    job_id      TEXT PRIMARY KEY REFERENCES jobs (job_id),
    sha256      TEXT NOT NULL,
    size_bytes  INTEGER NOT NULL,
    kept_at     INTEGER NOT NULL
) STRICT;

CREATE INDEX unreadable_results_by_file ON unreadable_results (sha256);

-- Jobs that another process has changed, or wants to be tried now: the running bot reads and deletes the rows.
CREATE TABLE job_wakeups (
    job_id    TEXT PRIMARY KEY REFERENCES jobs (job_id),
    asked_at  INTEGER NOT NULL
) STRICT;
