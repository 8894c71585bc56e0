-- Which models a server lets its members use, models of defaults and presets, and how strictly models check a request.

-- Append-only: the newest row of a subject and a model rules. `subject` is an id, a word as it is compared, or the id
-- of a model. `model` is the id of the model that a rule is about; empty if it is about none.
CREATE TABLE new_access_rules (
    rule_id         INTEGER PRIMARY KEY,
    guild_id        INTEGER NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN (
        'role', 'channel', 'word', 'member', 'spoiler_role', 'spoiler_channel',
        'model', 'model_role', 'model_channel'
    )),
    subject         TEXT NOT NULL CHECK (subject <> ''),
    model           TEXT NOT NULL DEFAULT ''
                    CHECK ((model <> '') = (kind IN ('model', 'model_role', 'model_channel'))),
    effect          TEXT NOT NULL CHECK (effect IN ('allow', 'deny', 'lifted')),
    words           TEXT NOT NULL DEFAULT '',
    reason          TEXT NOT NULL DEFAULT '',
    expires_at      INTEGER,
    set_by          INTEGER NOT NULL,
    set_at          INTEGER NOT NULL,
    interaction_id  INTEGER NOT NULL,
    UNIQUE (interaction_id, kind, subject, model)
) STRICT;

INSERT INTO new_access_rules
    (rule_id, guild_id, kind, subject, effect, words, reason, expires_at, set_by, set_at, interaction_id)
SELECT rule_id, guild_id, kind, subject, effect, words, reason, expires_at, set_by, set_at, interaction_id
FROM access_rules;

DROP TABLE access_rules;
ALTER TABLE new_access_rules RENAME TO access_rules;

CREATE INDEX access_rules_newest ON access_rules (guild_id, kind, subject, model, rule_id DESC);

-- The id of the model that a member chooses where they name none; NULL leaves it to the server and the bot.
ALTER TABLE member_defaults ADD COLUMN model TEXT;

-- The id of the model of a preset's pictures; NULL leaves it to defaults.
ALTER TABLE presets ADD COLUMN model TEXT;

-- Whether the model checks the request less strictly, as an admin had it when it was accepted.
ALTER TABLE jobs ADD COLUMN loose_safety INTEGER NOT NULL DEFAULT 0 CHECK (loose_safety IN (0, 1));
