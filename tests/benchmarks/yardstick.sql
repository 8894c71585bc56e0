-- The statements that an accept and a settle ran at commit 1460402, in a server without limits and settings of
-- its own. They are the yardstick of `bench_transactions` and `bench_submit`, so they stay as they are. The
-- schema is that of the first five migrations.

-- accept
SELECT * FROM access_rules WHERE rule_id IN ( SELECT max(rule_id) FROM access_rules WHERE guild_id =
:guild_id GROUP BY kind, subject) AND effect <> 'lifted' AND coalesce(expires_at > :at, 1) ORDER BY kind,
rule_id;
SELECT value FROM guild_settings WHERE guild_id = :guild_id AND name = 'cooldown_seconds' ORDER BY
setting_id DESC LIMIT 1;
SELECT value FROM guild_settings WHERE guild_id = :guild_id AND name = 'running_limit' ORDER BY setting_id
DESC LIMIT 1;
SELECT value FROM guild_settings WHERE guild_id = :guild_id AND name = 'age_restricted_only' ORDER BY
setting_id DESC LIMIT 1;
SELECT value FROM guild_settings WHERE guild_id = :guild_id AND name = 'owner_only' ORDER BY setting_id DESC
LIMIT 1;
INSERT INTO jobs (job_id, interaction_id, interaction_token, application_id, guild_id, channel_id, user_id,
upload_limit_bytes, locale, guild_locale, prompt, model, size, format, private, spoiler, reference_url,
reference_filename, reference_type, reference_bytes, reference_sha256, preset_name, preset_before,
preset_after, parent_job_id, stage, quote_credits, accepted_at) VALUES (:job_id, :interaction_id,
:interaction_token, :application_id, :guild_id, :channel_id, :user_id, :upload_limit_bytes, :locale,
:guild_locale, :prompt, :model, :size, :format, :private, :spoiler, :reference_url, :reference_filename,
:reference_type, :reference_bytes, :reference_sha256, :preset_name, :preset_before, :preset_after,
:parent_job_id, :stage, :quote_credits, :accepted_at) ON CONFLICT (interaction_id) DO NOTHING RETURNING
interaction_id;
SELECT sentence FROM pauses WHERE paused AND pause_id IN ( (SELECT max(pause_id) FROM pauses WHERE guild_id
= :all), (SELECT max(pause_id) FROM pauses WHERE guild_id = :guild_id)) ORDER BY guild_id LIMIT 1;
SELECT value FROM guild_settings WHERE guild_id = :guild_id AND name = 'timezone' ORDER BY setting_id DESC
LIMIT 1;
SELECT limit_id, rule, subject_id, effect, credits, period, reason, set_by, set_at FROM limits WHERE
guild_id = :guild_id AND rule = 'member' AND subject_id = :user_id ORDER BY limit_id DESC LIMIT 1;
SELECT limit_id, rule, subject_id, effect, credits, period, reason, set_by, set_at FROM limits WHERE
guild_id = :guild_id AND rule = 'everyone' AND subject_id = 0 ORDER BY limit_id DESC LIMIT 1;
SELECT limit_id, rule, subject_id, effect, credits, period, reason, set_by, set_at FROM limits WHERE
guild_id = :guild_id AND rule = 'guild' AND subject_id = 0 ORDER BY limit_id DESC LIMIT 1;
SELECT coalesce(sum(counted_credits), 0) AS counted, coalesce(sum(guild_credits), 0) AS guild FROM tallies
WHERE guild_id = :guild_id AND ( (span = 'day' AND slot >= :first_day_1) OR (span = 'quarter' AND slot >=
:first_quarter_1 AND slot < :until_quarter_1) );
SELECT coalesce(sum(counted_credits), 0) AS counted, coalesce(sum(guild_credits), 0) AS guild FROM tallies
WHERE guild_id = :guild_id AND ( (span = 'day' AND slot >= :first_day_2) OR (span = 'quarter' AND slot >=
:first_quarter_2 AND slot < :until_quarter_2) );
SELECT coalesce(sum(left_credits), 0) FROM grants WHERE guild_id = :guild_id AND user_id = 0 AND
left_credits > 0 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :at);
SELECT limit_id, rule, subject_id, effect, credits, period, reason, set_by, set_at FROM limits WHERE
limit_id IN ( (SELECT max(limit_id) FROM limits WHERE guild_id = :all AND rule = 'ceiling_all'), (SELECT
max(limit_id) FROM limits WHERE guild_id = :all AND rule = 'ceiling'), (SELECT max(limit_id) FROM limits
WHERE guild_id = :guild_id AND rule = 'ceiling')) ORDER BY rule DESC, guild_id;
INSERT INTO reservations (job_id, guild_id, user_id, state, reserved_credits, counted_credits,
guild_credits, member_credits, personal_limit_id, created_at) VALUES (:job_id, :guild_id, :user_id, 'held',
:cost, :cost, :cost, :cost, NULL, :at);
INSERT INTO tallies (guild_id, span, slot, counted_credits, guild_credits) VALUES (:guild_id, 'quarter',
:quarter, :cost, :cost) ON CONFLICT DO UPDATE SET counted_credits = counted_credits +
excluded.counted_credits, guild_credits = guild_credits + excluded.guild_credits;
INSERT INTO tallies (guild_id, span, slot, counted_credits, guild_credits) VALUES (:guild_id, 'day', :day,
:cost, :cost) ON CONFLICT DO UPDATE SET counted_credits = counted_credits + excluded.counted_credits,
guild_credits = guild_credits + excluded.guild_credits;
INSERT INTO tallies (guild_id, span, slot, counted_credits, guild_credits) VALUES (:all, 'quarter',
:quarter, :cost, :cost) ON CONFLICT DO UPDATE SET counted_credits = counted_credits +
excluded.counted_credits, guild_credits = guild_credits + excluded.guild_credits;
INSERT INTO tallies (guild_id, span, slot, counted_credits, guild_credits) VALUES (:all, 'day', :day, :cost,
:cost) ON CONFLICT DO UPDATE SET counted_credits = counted_credits + excluded.counted_credits, guild_credits
= guild_credits + excluded.guild_credits;

-- settle
SELECT * FROM reservations WHERE job_id = :job_id AND state = 'held';
SELECT 1 FROM refunds WHERE job_id = :job_id;
SELECT coalesce(sum(d.credits), 0) FROM draws d JOIN grants g USING (grant_id) WHERE d.job_id = :job_id AND
(g.user_id <> 0) = 0;
SELECT coalesce(sum(d.credits), 0) FROM draws d JOIN grants g USING (grant_id) WHERE d.job_id = :job_id AND
(g.user_id <> 0) = 1;
UPDATE reservations SET state = 'settled', reserved_credits = :cost, final_credits = :cost, counted_credits
= :cost, guild_credits = :cost, member_credits = :cost, closed_at = :closed_at WHERE job_id = :job_id;
UPDATE jobs SET stage = 'succeeded', result_url = :result_url, painted_at = :closed_at WHERE job_id =
:job_id AND stage IN ('created') RETURNING *;
