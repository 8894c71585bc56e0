-- What Rivya returned for an uploaded reference beside its address and its MIME type; the create call sends it back.
ALTER TABLE jobs ADD COLUMN upload_name TEXT;
ALTER TABLE jobs ADD COLUMN upload_seconds REAL;
ALTER TABLE jobs ADD COLUMN upload_token TEXT;
