-- Fewer indexes change with each job: those of a member's reservations no longer with the state, and of unfinished
-- jobs there is one.

DROP INDEX reservations_by_member;
CREATE INDEX reservations_by_member ON reservations (guild_id, user_id, created_at, member_credits);
-- What is held of one member is read from the few reservations that are held at all.
DROP INDEX reservations_held;
CREATE INDEX reservations_held
    ON reservations (guild_id, created_at, user_id, guild_credits, member_credits, counted_credits)
    WHERE state = 'held';

DROP INDEX jobs_running_of_member;
DROP INDEX jobs_unfinished;
CREATE INDEX jobs_unfinished ON jobs (guild_id, user_id, accepted_at) WHERE finished_at IS NULL;

-- The text of a job expires only once it is finished.
DROP INDEX jobs_with_words;
CREATE INDEX jobs_with_words ON jobs (finished_at) WHERE prompt <> '' AND finished_at IS NOT NULL;
