-- A database of schema version 5, as the bot of 2026-11-26 left it when it was killed: made by that bot, with both fakes.
-- Names between @ stand for the ids of a test; times are moved to today, tokens and hosts are replaced.
PRAGMA user_version = 5;
PRAGMA application_id = 1263878483;
BEGIN TRANSACTION;
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
CREATE TABLE "command_syncs" (
    application_id  INTEGER NOT NULL,
    -- 0 for the commands of every guild.
    guild_id        INTEGER NOT NULL DEFAULT 0,
    payload_sha256  TEXT NOT NULL,
    synced_at       INTEGER NOT NULL,
    PRIMARY KEY (application_id, guild_id)
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
CREATE TABLE departures (
    guild_id  INTEGER PRIMARY KEY,
    left_at   INTEGER NOT NULL
) STRICT;
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
CREATE TABLE draws (
    job_id    TEXT NOT NULL REFERENCES reservations (job_id),
    grant_id  INTEGER NOT NULL REFERENCES grants (grant_id),
    credits   INTEGER NOT NULL CHECK (credits > 0),
    PRIMARY KEY (job_id, grant_id)
) STRICT;
CREATE TABLE erasures (
    user_id   INTEGER PRIMARY KEY,
    asked_at  INTEGER NOT NULL
) STRICT;
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
CREATE TABLE guild_settings (
    setting_id      INTEGER PRIMARY KEY,
    guild_id        INTEGER NOT NULL,
    name            TEXT NOT NULL,
    value           TEXT,
    set_by          INTEGER NOT NULL,
    set_at          INTEGER NOT NULL,
    interaction_id  INTEGER UNIQUE
) STRICT;
INSERT INTO "guild_settings" VALUES(1,@GUILD@,'timezone','Asia/Jakarta',@MEMBER@,1796037709620,1576921190604210177);
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
    finished_at         INTEGER, guild_locale TEXT NOT NULL DEFAULT 'en-US', preset_name TEXT, preset_before TEXT, preset_after TEXT, parent_job_id TEXT REFERENCES jobs (job_id), reference_sha256 TEXT, painted_at INTEGER, landed_url TEXT, shared_at INTEGER, deleted_at INTEGER, deleted_by INTEGER,
    CHECK (stage NOT IN ('created', 'succeeded', 'delivered') OR task_id IS NOT NULL),
    CHECK (stage <> 'failed' OR failure_who IS NOT NULL),
    CHECK (stage NOT IN ('delivered', 'cancelled') OR finished_at IS NOT NULL)
) STRICT;
INSERT INTO "jobs" VALUES('08bdb68c-bb12-4457-bf9a-a5576b558cbe',1576921187433316352,'',@APPLICATION@,@GUILD@,@CHANNEL@,@MEMBER@,10485760,'en-US',0,0,'a red fox','qwen-image','square_hd','png',NULL,NULL,NULL,NULL,'delivered',4,1796037708874,1796037708939,1576921187609477120,NULL,NULL,'{"model":"qwen-image","prompt":"a red fox","params":{"image_size":"square_hd","output_format":"png"},"client_request_id":"08bdb68c-bb12-4457-bf9a-a5576b558cbe"}','task_of_before_91b7584a2265b1f5',1796037709034,'https://rivya.example/results/task_of_before_91b7584a2265b1f5.png',NULL,NULL,NULL,NULL,NULL,@CHANNEL@,1576921187609477120,'reply',NULL,1796037709268,'en-US',NULL,NULL,NULL,NULL,NULL,1796037709150,'https://cdn.discordapp.com/attachments/1576921189119426560/08bdb68c-bb12-4457-bf9a-a5576b558cbe.png',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('d6e3ef37-6048-4b43-992b-e1bb37c8d6a5',1576921187433316353,'',@APPLICATION@,@GUILD@,@CHANNEL@,@MEMBER@,10485760,'en-US',0,0,'a blue whale','qwen-image','portrait_16_9','png',NULL,NULL,NULL,NULL,'delivered',4,1796037708874,1796037708942,1576921187701751808,NULL,NULL,'{"model":"qwen-image","prompt":"a blue whale","params":{"image_size":"portrait_16_9","output_format":"png"},"client_request_id":"d6e3ef37-6048-4b43-992b-e1bb37c8d6a5"}','task_of_before_cd613e30d8f16adf',1796037709035,'https://rivya.example/results/task_of_before_cd613e30d8f16adf.png',NULL,NULL,NULL,NULL,NULL,@CHANNEL@,1576921187701751808,'reply',NULL,1796037709268,'en-US',NULL,NULL,NULL,NULL,NULL,1796037709150,'https://cdn.discordapp.com/attachments/1576921189123620864/d6e3ef37-6048-4b43-992b-e1bb37c8d6a5.png',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('fd204a4a-314b-4e9b-958f-79f3375d5b54',1576921187433316355,'',@APPLICATION@,@GUILD@,@CHANNEL@,@MEMBER@,10485760,'en-US',0,0,'with reference','qwen-image','square_hd','png','https://cdn.example/ephemeral-attachments/1576921187433316354/reference.png?ex=0&is=0&hm=0','reference.png','image/png',138,'delivered',4,1796037708874,1796037708943,1576921187718529024,'https://rivya.example/uploads/file_1027c4d1c386bbc4.png','image/png','{"model":"qwen-image","prompt":"with reference","params":{"image_size":"square_hd","output_format":"png","referenceMediaItems":[{"url":"https://rivya.example/uploads/file_1027c4d1c386bbc4.png","kind":"image","name":"reference.png","mimeType":"image/png"}]},"client_request_id":"fd204a4a-314b-4e9b-958f-79f3375d5b54"}','task_of_before_1e2feb89414c343c',1796037709191,'https://rivya.example/results/task_of_before_1e2feb89414c343c.png',NULL,NULL,NULL,NULL,NULL,@CHANNEL@,1576921187718529024,'reply',NULL,1796037709407,'en-US',NULL,NULL,NULL,NULL,'190cc9ffae81658a083a6b5f529987f54f89b3c2e9be867d7eeafecdb3eb9ea6',1796037709370,'https://cdn.discordapp.com/attachments/1576921189710823424/fd204a4a-314b-4e9b-958f-79f3375d5b54.png',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('6167eba3-e04f-49b3-9cd5-9edc127f0c22',1576921187441704961,'',@APPLICATION@,@GUILD@,@CHANNEL@,@MEMBER@,10485760,'en-US',0,0,'with heic','qwen-image','square_hd','png','https://cdn.example/ephemeral-attachments/1576921187441704960/reference.png?ex=0&is=0&hm=0','reference.png','image/png',1261,'delivered',4,1796037708874,1796037708943,1576921187718529025,'https://rivya.example/uploads/file_c2ce6f447ed4d57b.jpeg','image/jpeg','{"model":"qwen-image","prompt":"with heic","params":{"image_size":"square_hd","output_format":"png","referenceMediaItems":[{"url":"https://rivya.example/uploads/file_c2ce6f447ed4d57b.jpeg","kind":"image","name":"reference.jpeg","mimeType":"image/jpeg"}]},"client_request_id":"6167eba3-e04f-49b3-9cd5-9edc127f0c22"}','task_of_before_78e510617311d8a3',1796037709313,'https://rivya.example/results/task_of_before_78e510617311d8a3.png',NULL,NULL,NULL,NULL,NULL,@CHANNEL@,1576921187718529025,'reply',NULL,1796037709415,'en-US',NULL,NULL,NULL,NULL,'2e13d3ebdb41fd8581d588e458e9c491bc501309d650585b1d52ae1d25aec515',1796037709379,'https://cdn.discordapp.com/attachments/1576921189744377856/6167eba3-e04f-49b3-9cd5-9edc127f0c22.png',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('de969deb-4883-404b-b183-79592fc709bd',1576921189840846848,'',@APPLICATION@,@GUILD@,@CHANNEL@,@MEMBER@,10485760,'en-US',0,0,'bad fox','qwen-image','square_hd','png',NULL,NULL,NULL,NULL,'failed',4,1796037709439,1796037709444,1576921189866012672,NULL,NULL,'{"model":"qwen-image","prompt":"bad fox","params":{"image_size":"square_hd","output_format":"png"},"client_request_id":"de969deb-4883-404b-b183-79592fc709bd"}','task_of_before_612e7696a6cecc1b',1796037709449,NULL,'rivya','generation_failed','The generation failed.',0,0,NULL,NULL,NULL,NULL,1796037709516,'en-US',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('77a99f55-9162-432b-9aca-aaa4179baecf',1576921190209945600,'',@APPLICATION@,@GUILD@,@CHANNEL@,@MEMBER@,10485760,'en-US',1,0,'private fox','qwen-image','square_hd','png',NULL,NULL,NULL,NULL,'delivered',4,1796037709529,1796037709537,1576921190256082944,NULL,NULL,'{"model":"qwen-image","prompt":"private fox","params":{"image_size":"square_hd","output_format":"png"},"client_request_id":"77a99f55-9162-432b-9aca-aaa4179baecf"}','task_of_before_35bf992dc9e9c616',1796037709545,'https://rivya.example/results/task_of_before_35bf992dc9e9c616.png',NULL,NULL,NULL,NULL,NULL,@CHANNEL@,1576921190256082944,'reply',NULL,1796037709608,'en-US',NULL,NULL,NULL,NULL,NULL,1796037709599,'https://cdn.discordapp.com/attachments/1576921190553878528/77a99f55-9162-432b-9aca-aaa4179baecf.png',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('a3a7c89c-ef0a-4d24-88f9-2322656783ca',1576921190629376001,'token-0',@APPLICATION@,@GUILD@,@CHANNEL@,@MEMBER@,10485760,'en-US',0,0,'painting fox','qwen-image','square_hd','png',NULL,NULL,NULL,NULL,'created',4,1796037709626,1796037709628,1576921190641958912,NULL,NULL,'{"model":"qwen-image","prompt":"painting fox","params":{"image_size":"square_hd","output_format":"png"},"client_request_id":"a3a7c89c-ef0a-4d24-88f9-2322656783ca"}','@TASK@',1796037709632,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'en-US',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES('47e88e24-2840-4fce-a684-c24424aea028',1576921192764276736,'token-1',@APPLICATION@,@GUILD@,@CHANNEL@,@MEMBER@,10485760,'en-US',0,0,'accepted fox','qwen-image','square_hd','png',NULL,NULL,NULL,NULL,'accepted',4,1796037710135,1796037710144,1576921192802025472,NULL,NULL,'{"model":"qwen-image","prompt":"accepted fox","params":{"image_size":"square_hd","output_format":"png"},"client_request_id":"47e88e24-2840-4fce-a684-c24424aea028"}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'en-US',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE "kept_inside" (
    job_id   TEXT PRIMARY KEY REFERENCES jobs (job_id),
    format   TEXT NOT NULL,
    width    INTEGER NOT NULL,
    height   INTEGER NOT NULL,
    data     BLOB NOT NULL,
    kept_at  INTEGER NOT NULL
) STRICT;
CREATE TABLE kept_pictures (
    job_id   TEXT PRIMARY KEY REFERENCES jobs (job_id),
    format   TEXT NOT NULL,
    width    INTEGER NOT NULL,
    height   INTEGER NOT NULL,
    sha256   TEXT NOT NULL,
    kept_at  INTEGER NOT NULL
) STRICT;
INSERT INTO "kept_pictures" VALUES('77a99f55-9162-432b-9aca-aaa4179baecf','png',8,4,'@PICTURE@',1796037709604);
CREATE TABLE "limits" (
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
INSERT INTO "limits" VALUES(1,@GUILD@,'guild',0,'limit',150,'week','',@MEMBER@,1796037709617,1576921190591627264);
CREATE TABLE member_defaults (
    user_id  INTEGER PRIMARY KEY,
    size     TEXT,
    format   TEXT,
    private  INTEGER CHECK (private IN (0, 1)),
    set_at   INTEGER NOT NULL
) STRICT;
CREATE TABLE pauses (
    pause_id  INTEGER PRIMARY KEY,
    guild_id  INTEGER NOT NULL,
    paused    INTEGER NOT NULL CHECK (paused IN (0, 1)),
    sentence  TEXT NOT NULL DEFAULT '',
    set_by    INTEGER NOT NULL,
    set_at    INTEGER NOT NULL
) STRICT;
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
INSERT INTO "presets" VALUES(1,@GUILD@,'ghibli','ghibli','in soft light','',NULL,0,@MEMBER@,1796037709623,1576921190616793089);
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
CREATE TABLE "reservations" (
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
INSERT INTO "reservations" VALUES('08bdb68c-bb12-4457-bf9a-a5576b558cbe',@GUILD@,@MEMBER@,'settled',4,4,4,4,4,NULL,NULL,1796037708874,1796037709150);
INSERT INTO "reservations" VALUES('d6e3ef37-6048-4b43-992b-e1bb37c8d6a5',@GUILD@,@MEMBER@,'settled',4,4,4,4,4,NULL,NULL,1796037708874,1796037709150);
INSERT INTO "reservations" VALUES('fd204a4a-314b-4e9b-958f-79f3375d5b54',@GUILD@,@MEMBER@,'settled',4,4,4,4,4,NULL,NULL,1796037708874,1796037709370);
INSERT INTO "reservations" VALUES('6167eba3-e04f-49b3-9cd5-9edc127f0c22',@GUILD@,@MEMBER@,'settled',4,4,4,4,4,NULL,NULL,1796037708874,1796037709379);
INSERT INTO "reservations" VALUES('de969deb-4883-404b-b183-79592fc709bd',@GUILD@,@MEMBER@,'released',4,0,0,0,0,NULL,NULL,1796037709439,1796037709512);
INSERT INTO "reservations" VALUES('77a99f55-9162-432b-9aca-aaa4179baecf',@GUILD@,@MEMBER@,'settled',4,4,4,4,4,NULL,NULL,1796037709529,1796037709599);
INSERT INTO "reservations" VALUES('a3a7c89c-ef0a-4d24-88f9-2322656783ca',@GUILD@,@MEMBER@,'held',4,NULL,4,4,4,NULL,NULL,1796037709626,NULL);
INSERT INTO "reservations" VALUES('47e88e24-2840-4fce-a684-c24424aea028',@GUILD@,@MEMBER@,'held',4,NULL,4,4,4,NULL,NULL,1796037710135,NULL);
ANALYZE "sqlite_master";
CREATE TABLE tallies (
    guild_id         INTEGER NOT NULL,
    span             TEXT NOT NULL CHECK (span IN ('quarter', 'day')),
    slot             INTEGER NOT NULL,
    counted_credits  INTEGER NOT NULL CHECK (counted_credits >= 0),
    guild_credits    INTEGER NOT NULL CHECK (guild_credits >= 0),
    PRIMARY KEY (guild_id, span, slot)
) STRICT;
INSERT INTO "tallies" VALUES(@GUILD@,'quarter',1995597,28,28);
INSERT INTO "tallies" VALUES(@GUILD@,'day',20787,28,28);
INSERT INTO "tallies" VALUES(0,'quarter',1995597,28,28);
INSERT INTO "tallies" VALUES(0,'day',20787,28,28);
CREATE TABLE task_durations (
    duration_id     INTEGER PRIMARY KEY,
    model           TEXT NOT NULL,
    with_reference  INTEGER NOT NULL CHECK (with_reference IN (0, 1)),
    after_ms        INTEGER NOT NULL CHECK (after_ms >= 0),
    by_ms           INTEGER NOT NULL CHECK (by_ms >= after_ms)
) STRICT;
INSERT INTO "task_durations" VALUES(1,'qwen-image',0,0,114);
INSERT INTO "task_durations" VALUES(2,'qwen-image',0,0,113);
INSERT INTO "task_durations" VALUES(3,'qwen-image',1,50,157);
INSERT INTO "task_durations" VALUES(4,'qwen-image',1,0,54);
INSERT INTO "task_durations" VALUES(5,'qwen-image',0,0,52);
INSERT INTO "task_durations" VALUES(6,'qwen-image',0,0,52);
CREATE INDEX jobs_unfinished ON jobs (accepted_at) WHERE finished_at IS NULL;
CREATE INDEX jobs_by_member ON jobs (guild_id, user_id, accepted_at);
CREATE INDEX reservations_by_guild ON reservations (guild_id, created_at, state, counted_credits, user_id);
CREATE INDEX reservations_by_member ON reservations (guild_id, user_id, created_at, state, member_credits);
CREATE INDEX reservations_held ON reservations (guild_id, created_at, guild_credits, counted_credits)
    WHERE state = 'held';
CREATE INDEX limits_newest ON limits (guild_id, rule, subject_id, limit_id DESC);
CREATE INDEX grants_by_guild ON grants (guild_id, granted_at);
CREATE INDEX grants_open ON grants (guild_id, user_id) WHERE left_credits > 0 AND revoked_at IS NULL;
CREATE INDEX draws_by_grant ON draws (grant_id);
CREATE INDEX refunds_by_guild ON refunds (guild_id, refunded_at);
CREATE INDEX guild_settings_newest ON guild_settings (guild_id, name, setting_id DESC);
CREATE INDEX pauses_newest ON pauses (guild_id, pause_id DESC);
CREATE INDEX alerts_untold ON alerts (raised_at) WHERE told_at IS NULL;
CREATE INDEX jobs_with_words ON jobs (finished_at) WHERE prompt <> '';
CREATE INDEX task_durations_by_kind ON task_durations (model, with_reference, duration_id);
CREATE INDEX reservations_by_time ON reservations (created_at, job_id);
CREATE INDEX jobs_by_parent ON jobs (parent_job_id) WHERE parent_job_id IS NOT NULL;
CREATE INDEX jobs_by_reference ON jobs (reference_sha256) WHERE reference_sha256 IS NOT NULL;
CREATE INDEX jobs_of_member ON jobs (guild_id, user_id, interaction_id);
CREATE INDEX jobs_running_of_member ON jobs (guild_id, user_id) WHERE finished_at IS NULL;
CREATE INDEX kept_pictures_by_file ON kept_pictures (sha256);
CREATE INDEX drafts_by_parent ON drafts (parent_job_id) WHERE parent_job_id IS NOT NULL;
CREATE INDEX access_rules_newest ON access_rules (guild_id, kind, subject, rule_id DESC);
CREATE INDEX presets_newest ON presets (guild_id, folded, preset_id DESC);
COMMIT;
