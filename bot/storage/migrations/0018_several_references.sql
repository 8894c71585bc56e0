-- A request may have several references: each is a row, numbered from 1 in the order in which the model gets them.

CREATE TABLE job_references (
    job_id          TEXT NOT NULL REFERENCES jobs (job_id),
    number          INTEGER NOT NULL CHECK (number >= 1),
    url             TEXT NOT NULL,
    filename        TEXT NOT NULL,
    type            TEXT,
    bytes           INTEGER NOT NULL CHECK (bytes >= 0),
    sha256          TEXT,  -- of the stored file that is ready for upload
    source_job_id   TEXT,  -- the job whose picture it is
    upload_url      TEXT,  -- at Rivya, once it is uploaded, and what Rivya returned with it
    upload_mime     TEXT,
    upload_name     TEXT,
    upload_seconds  REAL,
    upload_token    TEXT,
    PRIMARY KEY (job_id, number)
) STRICT, WITHOUT ROWID;

INSERT INTO job_references
SELECT job_id, 1, reference_url, coalesce(reference_filename, ''), reference_type, coalesce(reference_bytes, 0),
       reference_sha256, NULL, upload_url, upload_mime, upload_name, upload_seconds, upload_token
FROM jobs WHERE reference_url IS NOT NULL;

CREATE INDEX job_references_by_file ON job_references (sha256) WHERE sha256 IS NOT NULL;

CREATE TABLE draft_references (
    draft_id       INTEGER NOT NULL REFERENCES drafts (draft_id) ON DELETE CASCADE,
    number         INTEGER NOT NULL CHECK (number >= 1),
    url            TEXT NOT NULL,
    filename       TEXT NOT NULL,
    type           TEXT,
    bytes          INTEGER NOT NULL CHECK (bytes >= 0),
    sha256         TEXT,
    source_job_id  TEXT,
    PRIMARY KEY (draft_id, number)
) STRICT, WITHOUT ROWID;

INSERT INTO draft_references
SELECT draft_id, 1, reference_url, coalesce(reference_filename, ''), reference_type, coalesce(reference_bytes, 0),
       reference_sha256, NULL
FROM drafts WHERE reference_url IS NOT NULL;

-- *Use as reference* looks for the newest one of a member.
CREATE INDEX drafts_of_member ON drafts (guild_id, user_id, drafted_at);

DROP INDEX jobs_by_reference;
-- The columns of jobs stay, and are empty in every row: to drop one writes every job anew, and there are ten.
UPDATE jobs SET reference_url = NULL, reference_filename = NULL, reference_type = NULL, reference_bytes = NULL,
    reference_sha256 = NULL, upload_url = NULL, upload_mime = NULL, upload_name = NULL, upload_seconds = NULL,
    upload_token = NULL
WHERE reference_url IS NOT NULL;
ALTER TABLE drafts DROP COLUMN reference_url;
ALTER TABLE drafts DROP COLUMN reference_filename;
ALTER TABLE drafts DROP COLUMN reference_type;
ALTER TABLE drafts DROP COLUMN reference_bytes;
ALTER TABLE drafts DROP COLUMN reference_sha256;
