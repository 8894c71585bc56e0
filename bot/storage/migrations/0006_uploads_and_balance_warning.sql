-- What Rivya returned for an uploaded reference beside its address and its MIME type; the create call sends it back.
ALTER TABLE jobs ADD COLUMN upload_name TEXT;
ALTER TABLE jobs ADD COLUMN upload_seconds REAL;
ALTER TABLE jobs ADD COLUMN upload_token TEXT;

-- One row while the operator is warned that Rivya's balance is low; none once it was filled up again.
CREATE TABLE balance_warning (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    warned_at  INTEGER NOT NULL
) STRICT;
