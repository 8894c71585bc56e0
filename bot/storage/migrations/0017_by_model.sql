-- Credits by model, alerts about the operator's ceilings, and the model of a task at Rivya.

-- That of the job, so that a report by model reads the same index as one by member. The default is that of most rows
-- before there were several models, which are not written anew for it.
ALTER TABLE reservations ADD COLUMN model TEXT NOT NULL DEFAULT 'qwen-image';
UPDATE reservations SET model = (SELECT jobs.model FROM jobs WHERE jobs.job_id = reservations.job_id)
WHERE job_id IN (SELECT job_id FROM jobs WHERE model <> 'qwen-image');
DROP INDEX reservations_by_guild;
CREATE INDEX reservations_by_guild ON reservations (guild_id, created_at, state, counted_credits, user_id, model);

-- The key has the kind of limit, since the default limit and the ceiling of the settings both have limit_id 0.
CREATE TABLE new_alerts (
    guild_id       INTEGER NOT NULL,
    rule           TEXT NOT NULL CHECK (rule IN ('guild', 'ceiling')),
    limit_id       INTEGER NOT NULL,
    period_start   INTEGER NOT NULL,
    percent        INTEGER NOT NULL CHECK (percent IN (50, 80, 100)),
    used_credits   INTEGER NOT NULL,
    limit_credits  INTEGER NOT NULL,
    raised_at      INTEGER NOT NULL,
    told_at        INTEGER,
    PRIMARY KEY (guild_id, rule, limit_id, period_start, percent)
) STRICT;

INSERT INTO new_alerts
SELECT guild_id, 'guild', limit_id, period_start, percent, used_credits, limit_credits, raised_at, told_at FROM alerts;

DROP TABLE alerts;
ALTER TABLE new_alerts RENAME TO alerts;

CREATE INDEX alerts_untold ON alerts (raised_at) WHERE told_at IS NULL;

-- The model that Rivya names in its answer; NULL if it names none, and in older rows.
ALTER TABLE findings ADD COLUMN rivya_model TEXT;
