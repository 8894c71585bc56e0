-- Several models, whose prices differ and change.

-- What the operator was told last about the price of a model, in credits; without a row, nothing but the documentation.
CREATE TABLE model_prices (
    model_id  TEXT PRIMARY KEY,
    credits   INTEGER NOT NULL,
    told_at   INTEGER NOT NULL
) STRICT;

-- The price that a draft's member is asked to confirm; NULL if it is not asked about. If it has risen when they say
-- yes, they are asked again.
ALTER TABLE drafts ADD COLUMN quote_credits INTEGER;
-- The size that was asked for, where the model has none like it and another was taken; NULL if it was taken as it is.
ALTER TABLE drafts ADD COLUMN asked_size TEXT;
ALTER TABLE jobs ADD COLUMN asked_size TEXT;
