-- What a server may spend unless the operator says otherwise, and which servers may ask for pictures at all.

-- The setting `limits.guild_ceiling` of the bot that runs: every transaction and the command line read it here. The
-- first start of this version finds no row; it gives a ceiling to each server whose limit allows more.
CREATE TABLE default_ceiling (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    credits  INTEGER NOT NULL CHECK (credits >= 0),
    period   TEXT NOT NULL CHECK (period IN ('day', 'week', 'month', 'total'))
) STRICT;

-- The settings of [guilds], in the same way. `counted_at` is when the servers that the bot was in were admitted,
-- once; `contact_ids` are the owners of the application, with spaces between them.
CREATE TABLE admission_policy (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    mode         TEXT NOT NULL CHECK (mode IN ('open', 'approve', 'list')),
    contact_ids  TEXT NOT NULL DEFAULT '',
    counted_at   INTEGER
) STRICT;

-- The servers of `guilds.allowed`, and the operator's own.
CREATE TABLE allowed_guilds (
    guild_id  INTEGER PRIMARY KEY
) STRICT;

-- One row for each server that was admitted, refused, or waits for the operator. `decided_by` is 0 for the command
-- line; without `decided_at` nobody was asked.
CREATE TABLE admissions (
    guild_id      INTEGER PRIMARY KEY,
    state         TEXT NOT NULL CHECK (state IN ('waiting', 'admitted', 'refused')),
    name          TEXT NOT NULL DEFAULT '',
    members       INTEGER,
    joined_at     INTEGER NOT NULL,
    asked_at      INTEGER,  -- when the card was posted
    decided_by    INTEGER,
    decided_at    INTEGER,
    explained_at  INTEGER,  -- when the refusal was posted in the server
    leave_at      INTEGER,  -- when the bot leaves a server that was refused
    CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
    CHECK (leave_at IS NULL OR state = 'refused')
) STRICT;

CREATE INDEX admissions_open ON admissions (joined_at) WHERE state <> 'admitted';
