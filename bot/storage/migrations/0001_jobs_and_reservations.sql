-- The main job: a row that walks, the credits set aside for it, what admins allow, what must be kept.
-- Times are epoch milliseconds, UTC. Ids of Discord are snowflakes and fit a signed 64-bit integer.

CREATE TABLE jobs (
    job_id              TEXT PRIMARY KEY CHECK (length(job_id) = 36),
    interaction_id      INTEGER NOT NULL UNIQUE,
    interaction_token   TEXT NOT NULL,
    application_id      INTEGER NOT NULL,
    guild_id            INTEGER NOT NULL,
    channel_id          INTEGER NOT NULL,
    user_id             INTEGER NOT NULL,
    upload_limit_bytes  INTEGER NOT NULL CHECK (upload_limit_bytes > 0),
    locale              TEXT NOT NULL,
    private             INTEGER NOT NULL CHECK (private IN (0, 1)),
    spoiler             INTEGER NOT NULL CHECK (spoiler IN (0, 1)),
    prompt              TEXT NOT NULL,
    model               TEXT NOT NULL,
    size                TEXT NOT NULL,
    format              TEXT NOT NULL,
    reference_url       TEXT,
    reference_filename  TEXT,
    reference_type      TEXT,
    reference_bytes     INTEGER CHECK (reference_bytes >= 0),
    stage               TEXT NOT NULL CHECK (stage IN (
        'accepted', 'uploaded', 'created', 'succeeded', 'failed', 'delivered', 'undeliverable', 'cancelled'
    )),
    quote_credits       INTEGER NOT NULL CHECK (quote_credits >= 0),
    accepted_at         INTEGER NOT NULL,
    acknowledged_at     INTEGER,
    message_id          INTEGER,
    upload_url          TEXT,
    upload_mime         TEXT,
    create_body         TEXT,
    task_id             TEXT UNIQUE,
    task_created_at     INTEGER,
    result_url          TEXT,
    failure_who         TEXT,
    failure_code        TEXT,
    failure_message     TEXT,
    failure_charged     INTEGER,
    failure_in_doubt    INTEGER CHECK (failure_in_doubt IN (0, 1)),
    landed_channel_id   INTEGER,
    landed_message_id   INTEGER,
    landed_way          TEXT,
    late_told_at        INTEGER,
    finished_at         INTEGER,
    CHECK (stage NOT IN ('created', 'succeeded', 'delivered') OR task_id IS NOT NULL),
    CHECK (stage <> 'failed' OR failure_who IS NOT NULL),
    CHECK (stage NOT IN ('delivered', 'cancelled') OR finished_at IS NOT NULL)
) STRICT;

CREATE INDEX jobs_unfinished ON jobs (accepted_at) WHERE finished_at IS NULL;
CREATE INDEX jobs_by_member ON jobs (guild_id, user_id, accepted_at);

CREATE TABLE reservations (
    job_id            TEXT PRIMARY KEY REFERENCES jobs (job_id),
    guild_id          INTEGER NOT NULL,
    user_id           INTEGER NOT NULL,
    state             TEXT NOT NULL CHECK (state IN ('held', 'settled', 'released')),
    reserved_credits  INTEGER NOT NULL CHECK (reserved_credits >= 0),
    final_credits     INTEGER CHECK (final_credits >= 0),
    counted_credits   INTEGER NOT NULL,
    note              TEXT,
    created_at        INTEGER NOT NULL,
    closed_at         INTEGER,
    CHECK ((state = 'held') = (closed_at IS NULL)),
    CHECK ((state = 'held') = (final_credits IS NULL)),
    CHECK (state <> 'released' OR final_credits = 0),
    -- What limits count. Not a generated column: SQLite 3.40 cannot VACUUM INTO a copy of one.
    CHECK (counted_credits = coalesce(final_credits, reserved_credits))
) STRICT;

-- The sum that every reserve asks for is answered from the index alone.
CREATE INDEX reservations_by_guild ON reservations (guild_id, created_at, state, counted_credits, user_id);

-- Append-only: the newest row of a guild rules, the older ones are the audit trail.
CREATE TABLE limits (
    limit_id   INTEGER PRIMARY KEY,
    guild_id   INTEGER NOT NULL,
    rule       TEXT NOT NULL CHECK (rule IN ('guild')),
    credits    INTEGER NOT NULL CHECK (credits >= 0),
    period     TEXT NOT NULL CHECK (period IN ('day', 'week', 'month', 'total')),
    set_by     INTEGER NOT NULL,
    set_at     INTEGER NOT NULL
) STRICT;

CREATE INDEX limits_newest ON limits (guild_id, rule, limit_id DESC);

-- Pictures that could not be posted anywhere; nothing else in the database is large.
CREATE TABLE kept_pictures (
    job_id   TEXT PRIMARY KEY REFERENCES jobs (job_id),
    format   TEXT NOT NULL,
    width    INTEGER NOT NULL,
    height   INTEGER NOT NULL,
    data     BLOB NOT NULL,
    kept_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE command_syncs (
    application_id  INTEGER PRIMARY KEY,
    payload_sha256  TEXT NOT NULL,
    synced_at       INTEGER NOT NULL
) STRICT;
