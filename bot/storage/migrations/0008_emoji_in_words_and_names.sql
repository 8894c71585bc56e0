-- Emoji belong to blocked words and to names of presets from now on, so what is stored folded is folded anew: all
-- rows of a subject or name as its newest row is typed, so that a row that was replaced does not come back.

CREATE TABLE refolded AS
SELECT guild_id, subject AS was, coalesce(nullif(fold_text(words), ''), subject) AS now, max(rule_id) AS rule_id
FROM access_rules WHERE kind = 'word' GROUP BY guild_id, subject;

DELETE FROM refolded WHERE now = was;

-- Two rules of one interaction can become the same rule only if Unicode has changed; one of them is enough.
UPDATE OR REPLACE access_rules SET subject = refolded.now FROM refolded
WHERE access_rules.kind = 'word' AND access_rules.guild_id = refolded.guild_id
  AND access_rules.subject = refolded.was;

-- A rule has refused its words without the emoji until now. It goes on doing so, as a rule that says it.
INSERT INTO access_rules
    (guild_id, kind, subject, effect, words, reason, expires_at, set_by, set_at, interaction_id)
SELECT rule.guild_id, 'word', refolded.was, rule.effect, refolded.was, rule.reason, rule.expires_at, rule.set_by,
       rule.set_at, rule.interaction_id
FROM access_rules rule JOIN refolded USING (rule_id) WHERE rule.effect <> 'lifted'
ON CONFLICT DO NOTHING;

DROP TABLE refolded;

CREATE TABLE renamed AS
SELECT guild_id, folded AS was, coalesce(nullif(fold_text(name), ''), folded) AS now, max(preset_id) AS preset_id
FROM presets GROUP BY guild_id, folded;

DELETE FROM renamed WHERE now = was;

UPDATE presets SET folded = renamed.now FROM renamed
WHERE presets.guild_id = renamed.guild_id AND presets.folded = renamed.was;

DROP TABLE renamed;

-- The blocked words in a preset of which the admin who saved it was told, as they were typed; a JSON list.
ALTER TABLE presets ADD COLUMN known_blocked TEXT NOT NULL DEFAULT '[]';
