-- What an admin's budget is made of: limits for members and roles, ceilings, grants, refunds, time zones, alerts.
-- An id of 0 stands for nobody in particular: all guilds, every member, or a member whose name was erased.

-- What counts against the guild's and the member's limits is less than what Rivya charged where a grant paid
-- for it or a moderator refunded it; ceilings go on counting `counted_credits`.
CREATE TABLE new_reservations (
    job_id            TEXT PRIMARY KEY REFERENCES jobs (job_id),
    guild_id          INTEGER NOT NULL,
    user_id           INTEGER NOT NULL,
    state             TEXT NOT NULL CHECK (state IN ('held', 'settled', 'released')),
    reserved_credits  INTEGER NOT NULL CHECK (reserved_credits >= 0),
    final_credits     INTEGER CHECK (final_credits >= 0),
    counted_credits   INTEGER NOT NULL,
    guild_credits     INTEGER NOT NULL CHECK (guild_credits BETWEEN 0 AND counted_credits),
    member_credits    INTEGER NOT NULL CHECK (member_credits BETWEEN 0 AND counted_credits),
    -- The limit of the member's own that counted when this was reserved, for the receipt: their roles are not kept.
    personal_limit_id INTEGER,
    note              TEXT,
    created_at        INTEGER NOT NULL,
    closed_at         INTEGER,
    CHECK ((state = 'held') = (closed_at IS NULL)),
    CHECK ((state = 'held') = (final_credits IS NULL)),
    CHECK (state <> 'released' OR final_credits = 0),
    -- Not a generated column: SQLite 3.40 cannot VACUUM INTO a copy of one.
    CHECK (counted_credits = coalesce(final_credits, reserved_credits))
) STRICT;

INSERT INTO new_reservations
SELECT job_id, guild_id, user_id, state, reserved_credits, final_credits, counted_credits, counted_credits,
       counted_credits, NULL, note, created_at, closed_at
FROM reservations;

DROP TABLE reservations;
ALTER TABLE new_reservations RENAME TO reservations;

CREATE INDEX reservations_by_guild ON reservations (guild_id, created_at, state, counted_credits, user_id);
CREATE INDEX reservations_by_member ON reservations (guild_id, user_id, created_at, state, member_credits);
CREATE INDEX reservations_held ON reservations (guild_id, created_at, guild_credits, counted_credits)
    WHERE state = 'held';

-- Running sums by the time of reservation, so that no limit ever has to add up a year of pictures. Midnight of
-- every time zone in use falls on a quarter of an hour of UTC. guild_id 0 is the sum over all guilds.
CREATE TABLE tallies (
    guild_id         INTEGER NOT NULL,
    span             TEXT NOT NULL CHECK (span IN ('quarter', 'day')),
    slot             INTEGER NOT NULL,
    counted_credits  INTEGER NOT NULL CHECK (counted_credits >= 0),
    guild_credits    INTEGER NOT NULL CHECK (guild_credits >= 0),
    PRIMARY KEY (guild_id, span, slot)
) STRICT;

INSERT INTO tallies
SELECT guild_id, 'day', created_at / 86400000, sum(counted_credits), sum(guild_credits)
FROM reservations GROUP BY 1, 3;
INSERT INTO tallies
SELECT guild_id, 'quarter', created_at / 900000, sum(counted_credits), sum(guild_credits)
FROM reservations GROUP BY 1, 3;
INSERT INTO tallies
SELECT 0, span, slot, sum(counted_credits), sum(guild_credits) FROM tallies GROUP BY 2, 3;

-- Append-only: the newest row of a subject rules, the older ones are the audit trail. `ceiling` with guild_id 0
-- binds every guild that has none of its own, `ceiling_all` binds all guilds together.
CREATE TABLE new_limits (
    limit_id        INTEGER PRIMARY KEY,
    guild_id        INTEGER NOT NULL,
    rule            TEXT NOT NULL
                    CHECK (rule IN ('guild', 'everyone', 'member', 'role', 'ceiling', 'ceiling_all')),
    subject_id      INTEGER NOT NULL DEFAULT 0,
    effect          TEXT NOT NULL DEFAULT 'limit' CHECK (effect IN ('limit', 'exempt', 'removed')),
    credits         INTEGER CHECK (credits >= 0),
    period          TEXT CHECK (period IN ('day', 'week', 'month', 'total')),
    reason          TEXT NOT NULL DEFAULT '',
    set_by          INTEGER NOT NULL,
    set_at          INTEGER NOT NULL,
    interaction_id  INTEGER UNIQUE,
    CHECK ((effect = 'limit') = (credits IS NOT NULL)),
    CHECK ((effect = 'limit') = (period IS NOT NULL)),
    CHECK ((rule IN ('member', 'role')) = (subject_id <> 0))
) STRICT;

INSERT INTO new_limits (limit_id, guild_id, rule, credits, period, set_by, set_at)
SELECT limit_id, guild_id, rule, credits, period, set_by, set_at FROM limits;

DROP TABLE limits;
ALTER TABLE new_limits RENAME TO limits;
CREATE INDEX limits_newest ON limits (guild_id, rule, subject_id, limit_id DESC);

-- Credits beyond a limit, given once, used up once. user_id 0: to the guild as a whole.
CREATE TABLE grants (
    grant_id        INTEGER PRIMARY KEY,
    guild_id        INTEGER NOT NULL,
    user_id         INTEGER NOT NULL,
    credits         INTEGER NOT NULL CHECK (credits > 0),
    left_credits    INTEGER NOT NULL CHECK (left_credits BETWEEN 0 AND credits),
    reason          TEXT NOT NULL,
    granted_by      INTEGER NOT NULL,
    granted_at      INTEGER NOT NULL,
    expires_at      INTEGER,
    revoked_by      INTEGER,
    revoked_at      INTEGER,
    revoke_reason   TEXT,
    revoked_credits INTEGER,  -- what was left then: a refund may still fill what can pay no more
    interaction_id  INTEGER UNIQUE
) STRICT;

CREATE INDEX grants_by_guild ON grants (guild_id, granted_at);
CREATE INDEX grants_open ON grants (guild_id, user_id) WHERE left_credits > 0 AND revoked_at IS NULL;

-- Which grant paid which part of which job.
CREATE TABLE draws (
    job_id    TEXT NOT NULL REFERENCES reservations (job_id),
    grant_id  INTEGER NOT NULL REFERENCES grants (grant_id),
    credits   INTEGER NOT NULL CHECK (credits > 0),
    PRIMARY KEY (job_id, grant_id)
) STRICT;

CREATE INDEX draws_by_grant ON draws (grant_id);

CREATE TABLE refunds (
    job_id          TEXT PRIMARY KEY REFERENCES reservations (job_id),
    guild_id        INTEGER NOT NULL,
    user_id         INTEGER NOT NULL,
    credits         INTEGER NOT NULL CHECK (credits > 0),
    reason          TEXT NOT NULL,
    refunded_by     INTEGER NOT NULL,
    refunded_at     INTEGER NOT NULL,
    interaction_id  INTEGER UNIQUE
) STRICT;

CREATE INDEX refunds_by_guild ON refunds (guild_id, refunded_at);

-- Append-only, as limits: the newest row of a name rules.
CREATE TABLE guild_settings (
    setting_id      INTEGER PRIMARY KEY,
    guild_id        INTEGER NOT NULL,
    name            TEXT NOT NULL,
    value           TEXT,
    set_by          INTEGER NOT NULL,
    set_at          INTEGER NOT NULL,
    interaction_id  INTEGER UNIQUE
) STRICT;

CREATE INDEX guild_settings_newest ON guild_settings (guild_id, name, setting_id DESC);

-- Append-only: whether the operator lets new jobs in; guild_id 0 is all guilds.
CREATE TABLE pauses (
    pause_id  INTEGER PRIMARY KEY,
    guild_id  INTEGER NOT NULL,
    paused    INTEGER NOT NULL CHECK (paused IN (0, 1)),
    sentence  TEXT NOT NULL DEFAULT '',
    set_by    INTEGER NOT NULL,
    set_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX pauses_newest ON pauses (guild_id, pause_id DESC);

-- Once for each limit, period and percentage; told_at is set when the channel has it.
CREATE TABLE alerts (
    guild_id       INTEGER NOT NULL,
    limit_id       INTEGER NOT NULL,
    period_start   INTEGER NOT NULL,
    percent        INTEGER NOT NULL CHECK (percent IN (50, 80, 100)),
    used_credits   INTEGER NOT NULL,
    limit_credits  INTEGER NOT NULL,
    raised_at      INTEGER NOT NULL,
    told_at        INTEGER,
    PRIMARY KEY (guild_id, limit_id, period_start, percent)
) STRICT;

CREATE INDEX alerts_untold ON alerts (raised_at) WHERE told_at IS NULL;

-- A request that waits for its member to say yes to the price; job_id is set by the yes.
CREATE TABLE asks (
    ask_id              INTEGER PRIMARY KEY,
    guild_id            INTEGER NOT NULL,
    user_id             INTEGER NOT NULL,
    prompt              TEXT NOT NULL,
    model               TEXT NOT NULL,
    size                TEXT NOT NULL,
    format              TEXT NOT NULL,
    private             INTEGER NOT NULL CHECK (private IN (0, 1)),
    spoiler             INTEGER NOT NULL CHECK (spoiler IN (0, 1)),
    reference_url       TEXT,
    reference_filename  TEXT,
    reference_type      TEXT,
    reference_bytes     INTEGER,
    asked_at            INTEGER NOT NULL,
    job_id              TEXT
) STRICT;

-- What still holds a member's words, for the retention of prompts.
CREATE INDEX jobs_with_words ON jobs (finished_at) WHERE prompt <> '';

-- Members who asked to be forgotten, and guilds that the bot has left: what is due is done by the upkeep.
CREATE TABLE erasures (
    user_id   INTEGER PRIMARY KEY,
    asked_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE departures (
    guild_id  INTEGER PRIMARY KEY,
    left_at   INTEGER NOT NULL
) STRICT;

-- What a comparison with Rivya found, and what the operator then booked.
CREATE TABLE findings (
    run_id          TEXT NOT NULL,
    job_id          TEXT NOT NULL REFERENCES reservations (job_id),
    kind            TEXT NOT NULL,
    booked_state    TEXT NOT NULL,
    booked_credits  INTEGER NOT NULL,
    rivya_status    TEXT,
    rivya_credits   INTEGER,
    found_at        INTEGER NOT NULL,
    PRIMARY KEY (run_id, job_id)
) STRICT;

CREATE TABLE corrections (
    correction_id  INTEGER PRIMARY KEY,
    job_id         TEXT NOT NULL REFERENCES reservations (job_id),
    from_state     TEXT NOT NULL,
    from_credits   INTEGER NOT NULL,
    to_state       TEXT NOT NULL,
    to_credits     INTEGER NOT NULL,
    reason         TEXT NOT NULL,
    made_by        INTEGER NOT NULL,
    made_at        INTEGER NOT NULL
) STRICT;
