-- A server that the bot joins is greeted once, and `/setup` changes several settings of a server at once.

-- Whether servers had been there before this table: `upgraded` says that a bot ran with this database by then, and
-- `counted_at` is when the servers that it was in were recorded, once.
CREATE TABLE greeting_start (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    upgraded    INTEGER NOT NULL CHECK (upgraded IN (0, 1)),
    counted_at  INTEGER
) STRICT;

INSERT INTO greeting_start (id, upgraded)
SELECT 1, EXISTS (SELECT 1 FROM command_syncs) OR EXISTS (SELECT 1 FROM admission_policy)
       OR EXISTS (SELECT 1 FROM jobs);

-- One row for each server that the bot is in, and for those that have been greeted and whose data is not deleted yet.
CREATE TABLE greetings (
    guild_id    INTEGER PRIMARY KEY,
    state       TEXT NOT NULL CHECK (state IN ('known', 'new', 'told', 'greeted', 'nowhere')),
    seen_at     INTEGER NOT NULL,  -- when the bot first saw it
    changed_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX greetings_due ON greetings (seen_at) WHERE state IN ('new', 'told');

-- The forms of `/setup` that were shown in the last day: what each was filled with, and what came back if it was
-- refused, as JSON. The id is that of the interaction that showed it.
CREATE TABLE setup_forms (
    form_id   INTEGER PRIMARY KEY,
    guild_id  INTEGER NOT NULL,
    opened    TEXT NOT NULL,
    typed     TEXT,
    shown_at  INTEGER NOT NULL
) STRICT;

-- One interaction may change several settings, each of them once.
CREATE TABLE new_guild_settings (
    setting_id      INTEGER PRIMARY KEY,
    guild_id        INTEGER NOT NULL,
    name            TEXT NOT NULL,
    value           TEXT,
    set_by          INTEGER NOT NULL,
    set_at          INTEGER NOT NULL,
    interaction_id  INTEGER,
    UNIQUE (interaction_id, name)
) STRICT;

INSERT INTO new_guild_settings
SELECT setting_id, guild_id, name, value, set_by, set_at, interaction_id FROM guild_settings;

DROP TABLE guild_settings;
ALTER TABLE new_guild_settings RENAME TO guild_settings;

CREATE INDEX guild_settings_newest ON guild_settings (guild_id, name, setting_id DESC);
