-- So that a report counts pictures without a look at every job: most jobs have one, and only the others are in this index.
CREATE INDEX jobs_without_picture ON jobs (guild_id, accepted_at, stage, job_id) WHERE stage IN ('failed', 'cancelled');
