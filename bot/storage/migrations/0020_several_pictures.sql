-- One request may be for several pictures: as many jobs of one interaction, each with its number, and a group.

CREATE TABLE job_groups (
    interaction_id  INTEGER PRIMARY KEY,
    kind            TEXT NOT NULL CHECK (kind IN ('pictures', 'compare')),
    -- Where its pictures are posted, once that is known; the columns of jobs say so of each picture.
    channel_id      INTEGER,
    message_id      INTEGER,
    way             TEXT
) STRICT;

CREATE TABLE group_votes (
    interaction_id  INTEGER NOT NULL REFERENCES job_groups (interaction_id),
    user_id         INTEGER NOT NULL,
    number          INTEGER NOT NULL CHECK (number >= 1),
    voted_at        INTEGER NOT NULL,
    PRIMARY KEY (interaction_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_votes_by_member ON group_votes (user_id);

-- Built anew: an interaction is no longer unique by itself, and the ten columns that 0018 has emptied go.
CREATE TABLE new_jobs (
    job_id              TEXT PRIMARY KEY CHECK (length(job_id) = 36),
    interaction_id      INTEGER NOT NULL,
    number              INTEGER NOT NULL DEFAULT 1 CHECK (number BETWEEN 1 AND group_size),
    group_size          INTEGER NOT NULL DEFAULT 1,  -- 1 without a group
    interaction_token   TEXT NOT NULL,
    application_id      INTEGER NOT NULL,
    guild_id            INTEGER NOT NULL,
    channel_id          INTEGER NOT NULL,
    user_id             INTEGER NOT NULL,
    upload_limit_bytes  INTEGER NOT NULL CHECK (upload_limit_bytes > 0),
    locale              TEXT NOT NULL,
    guild_locale        TEXT NOT NULL DEFAULT 'en-US',
    private             INTEGER NOT NULL CHECK (private IN (0, 1)),
    spoiler             INTEGER NOT NULL CHECK (spoiler IN (0, 1)),
    prompt              TEXT NOT NULL,
    model               TEXT NOT NULL,
    size                TEXT NOT NULL,
    asked_size          TEXT,
    format              TEXT NOT NULL,
    settings            TEXT,
    loose_safety        INTEGER NOT NULL DEFAULT 0 CHECK (loose_safety IN (0, 1)),
    preset_name         TEXT,
    preset_before       TEXT,
    preset_after        TEXT,
    parent_job_id       TEXT REFERENCES jobs (job_id),
    stage               TEXT NOT NULL CHECK (stage IN (
        'accepted', 'uploaded', 'created', 'succeeded', 'failed', 'delivered', 'undeliverable', 'cancelled'
    )),
    quote_credits       INTEGER NOT NULL CHECK (quote_credits >= 0),
    accepted_at         INTEGER NOT NULL,
    acknowledged_at     INTEGER,
    message_id          INTEGER,
    create_body         TEXT,
    task_id             TEXT UNIQUE,
    task_created_at     INTEGER,
    late_told_at        INTEGER,
    late_at             INTEGER,
    late_note           TEXT,
    result_url          TEXT,
    painted_at          INTEGER,
    failure_who         TEXT,
    failure_code        TEXT,
    failure_message     TEXT,
    failure_charged     INTEGER,
    failure_in_doubt    INTEGER CHECK (failure_in_doubt IN (0, 1)),
    landed_channel_id   INTEGER,
    landed_message_id   INTEGER,
    landed_way          TEXT,
    landed_url          TEXT,
    landed_attachment_id INTEGER,  -- of the picture in that message; NULL without a group
    shared_at           INTEGER,
    deleted_at          INTEGER,
    deleted_by          INTEGER,
    finished_at         INTEGER,
    UNIQUE (interaction_id, number),
    CHECK (stage NOT IN ('created', 'succeeded', 'delivered') OR task_id IS NOT NULL),
    CHECK (stage <> 'failed' OR failure_who IS NOT NULL),
    CHECK (stage NOT IN ('delivered', 'cancelled') OR finished_at IS NOT NULL)
) STRICT;

INSERT INTO new_jobs (
    job_id, interaction_id, interaction_token, application_id, guild_id, channel_id, user_id, upload_limit_bytes,
    locale, guild_locale, private, spoiler, prompt, model, size, asked_size, format, settings, loose_safety,
    preset_name, preset_before, preset_after, parent_job_id, stage, quote_credits, accepted_at, acknowledged_at,
    message_id, create_body, task_id, task_created_at, late_told_at, late_at, late_note, result_url, painted_at,
    failure_who, failure_code, failure_message, failure_charged, failure_in_doubt, landed_channel_id,
    landed_message_id, landed_way, landed_url, shared_at, deleted_at, deleted_by, finished_at
)
SELECT
    job_id, interaction_id, interaction_token, application_id, guild_id, channel_id, user_id, upload_limit_bytes,
    locale, guild_locale, private, spoiler, prompt, model, size, asked_size, format, settings, loose_safety,
    preset_name, preset_before, preset_after, parent_job_id, stage, quote_credits, accepted_at, acknowledged_at,
    message_id, create_body, task_id, task_created_at, late_told_at, late_at, late_note, result_url, painted_at,
    failure_who, failure_code, failure_message, failure_charged, failure_in_doubt, landed_channel_id,
    landed_message_id, landed_way, landed_url, shared_at, deleted_at, deleted_by, finished_at
FROM jobs ORDER BY rowid;

DROP TABLE jobs;
ALTER TABLE new_jobs RENAME TO jobs;

CREATE INDEX jobs_by_member ON jobs (guild_id, user_id, accepted_at);
CREATE INDEX jobs_by_parent ON jobs (parent_job_id) WHERE parent_job_id IS NOT NULL;
CREATE INDEX jobs_late ON jobs (late_at, job_id) WHERE late_at IS NOT NULL;
CREATE INDEX jobs_of_member ON jobs (guild_id, user_id, interaction_id);
CREATE INDEX jobs_unfinished ON jobs (guild_id, user_id, accepted_at) WHERE finished_at IS NULL;
CREATE INDEX jobs_with_words ON jobs (finished_at) WHERE prompt <> '' AND finished_at IS NOT NULL;
CREATE INDEX jobs_without_picture ON jobs (guild_id, accepted_at, stage, job_id) WHERE stage IN ('failed', 'cancelled');

ALTER TABLE drafts ADD COLUMN pictures INTEGER NOT NULL DEFAULT 1;
-- The models that a request compares, as a list in JSON; NULL if it compares none.
ALTER TABLE drafts ADD COLUMN models TEXT;
