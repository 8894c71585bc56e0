-- What the operator needs: commands of a guild of its own, and reservations in the order they were made.

CREATE TABLE new_command_syncs (
    application_id  INTEGER NOT NULL,
    -- 0 for the commands of every guild.
    guild_id        INTEGER NOT NULL DEFAULT 0,
    payload_sha256  TEXT NOT NULL,
    synced_at       INTEGER NOT NULL,
    PRIMARY KEY (application_id, guild_id)
) STRICT;

INSERT INTO new_command_syncs
SELECT application_id, 0, payload_sha256, synced_at FROM command_syncs;

DROP TABLE command_syncs;
ALTER TABLE new_command_syncs RENAME TO command_syncs;

-- The comparison with Rivya goes through the books page by page.
CREATE INDEX reservations_by_time ON reservations (created_at, job_id);
