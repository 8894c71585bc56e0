-- A task may return several pictures. The first is in jobs and kept_pictures; these are the others of a job.
CREATE TABLE more_pictures (
    job_id                TEXT NOT NULL REFERENCES jobs (job_id),
    number                INTEGER NOT NULL CHECK (number >= 2),
    result_url            TEXT,  -- NULL if the answer held the picture itself
    landed_url            TEXT,
    landed_attachment_id  INTEGER,
    -- Of the stored file; NULL if it is not stored.
    format                TEXT,
    width                 INTEGER,
    height                INTEGER,
    sha256                TEXT,
    kept_at               INTEGER,
    PRIMARY KEY (job_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX more_pictures_by_file ON more_pictures (sha256) WHERE sha256 IS NOT NULL;
