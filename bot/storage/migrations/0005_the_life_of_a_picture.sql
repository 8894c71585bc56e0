-- What a picture's life after its first posting needs: where it came from, what is kept of it, who may paint.

-- In which language the server is spoken to, what an admin's preset put around the words, which picture it grew
-- from, which file of the vault its reference is, and what became of it afterwards.
ALTER TABLE jobs ADD COLUMN guild_locale TEXT NOT NULL DEFAULT 'en-US';
ALTER TABLE jobs ADD COLUMN preset_name TEXT;
ALTER TABLE jobs ADD COLUMN preset_before TEXT;
ALTER TABLE jobs ADD COLUMN preset_after TEXT;
ALTER TABLE jobs ADD COLUMN parent_job_id TEXT REFERENCES jobs (job_id);
ALTER TABLE jobs ADD COLUMN reference_sha256 TEXT;
ALTER TABLE jobs ADD COLUMN painted_at INTEGER;
ALTER TABLE jobs ADD COLUMN landed_url TEXT;
ALTER TABLE jobs ADD COLUMN shared_at INTEGER;
ALTER TABLE jobs ADD COLUMN deleted_at INTEGER;
ALTER TABLE jobs ADD COLUMN deleted_by INTEGER;

CREATE INDEX jobs_by_parent ON jobs (parent_job_id) WHERE parent_job_id IS NOT NULL;
CREATE INDEX jobs_by_reference ON jobs (reference_sha256) WHERE reference_sha256 IS NOT NULL;
-- A member's history, and how many of their pictures are under way.
CREATE INDEX jobs_of_member ON jobs (guild_id, user_id, interaction_id);
CREATE INDEX jobs_running_of_member ON jobs (guild_id, user_id) WHERE finished_at IS NULL;

-- Pictures are files of the vault, named by their hash. `kept_inside` holds what an earlier version kept in here,
-- until the next start has moved it out one by one: copied all at once, it would fill the disk several times.
ALTER TABLE kept_pictures RENAME TO kept_inside;

CREATE TABLE kept_pictures (
    job_id   TEXT PRIMARY KEY REFERENCES jobs (job_id),
    format   TEXT NOT NULL,
    width    INTEGER NOT NULL,
    height   INTEGER NOT NULL,
    sha256   TEXT NOT NULL,
    kept_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX kept_pictures_by_file ON kept_pictures (sha256);

-- A request that is not a job yet: it is being composed, or waits for a yes to its price; job_id is set once a
-- job came of it. `guild_locale` and the like come from the interaction that sends it in.
CREATE TABLE drafts (
    draft_id            INTEGER PRIMARY KEY,
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
    reference_sha256    TEXT,
    preset_name         TEXT,
    preset_before       TEXT,
    preset_after        TEXT,
    parent_job_id       TEXT REFERENCES jobs (job_id),
    drafted_at          INTEGER NOT NULL,
    job_id              TEXT
) STRICT;

INSERT INTO drafts (draft_id, guild_id, user_id, prompt, model, size, format, private, spoiler, reference_url,
                    reference_filename, reference_type, reference_bytes, drafted_at, job_id)
SELECT ask_id, guild_id, user_id, prompt, model, size, format, private, spoiler, reference_url,
       reference_filename, reference_type, reference_bytes, asked_at, job_id
FROM asks;

DROP TABLE asks;
-- For SQLite, which looks for children of a job in every table that may have some.
CREATE INDEX drafts_by_parent ON drafts (parent_job_id) WHERE parent_job_id IS NOT NULL;

-- Append-only, as limits are: the newest row of a subject rules. `subject` is an id, or a word as it is compared.
CREATE TABLE access_rules (
    rule_id         INTEGER PRIMARY KEY,
    guild_id        INTEGER NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN (
        'role', 'channel', 'word', 'member', 'spoiler_role', 'spoiler_channel'
    )),
    subject         TEXT NOT NULL CHECK (subject <> ''),
    effect          TEXT NOT NULL CHECK (effect IN ('allow', 'deny', 'lifted')),
    words           TEXT NOT NULL DEFAULT '',
    reason          TEXT NOT NULL DEFAULT '',
    expires_at      INTEGER,
    set_by          INTEGER NOT NULL,
    set_at          INTEGER NOT NULL,
    interaction_id  INTEGER NOT NULL,
    UNIQUE (interaction_id, kind, subject)
) STRICT;

CREATE INDEX access_rules_newest ON access_rules (guild_id, kind, subject, rule_id DESC);

-- Append-only; `folded` is the name as it is compared.
CREATE TABLE presets (
    preset_id       INTEGER PRIMARY KEY,
    guild_id        INTEGER NOT NULL,
    folded          TEXT NOT NULL CHECK (folded <> ''),
    name            TEXT NOT NULL,
    before_words    TEXT NOT NULL,
    after_words     TEXT NOT NULL,
    size            TEXT,
    removed         INTEGER NOT NULL CHECK (removed IN (0, 1)),
    set_by          INTEGER NOT NULL,
    set_at          INTEGER NOT NULL,
    interaction_id  INTEGER UNIQUE
) STRICT;

CREATE INDEX presets_newest ON presets (guild_id, folded, preset_id DESC);

-- What a member likes, in every server; NULL where they leave it to the bot.
CREATE TABLE member_defaults (
    user_id  INTEGER PRIMARY KEY,
    size     TEXT,
    format   TEXT,
    private  INTEGER CHECK (private IN (0, 1)),
    set_at   INTEGER NOT NULL
) STRICT;
