-- The settings of a model that a request has, and what those that move the price cost.

-- Names and values as JSON, [["seed",42],["quality","high"]]; NULL if there are none.
ALTER TABLE jobs ADD COLUMN settings TEXT;
-- The same, or as they were typed if the model does not take them.
ALTER TABLE drafts ADD COLUMN settings TEXT;
-- As an admin typed them.
ALTER TABLE presets ADD COLUMN settings TEXT NOT NULL DEFAULT '';

-- What Rivya reserved last for a model with values that move the price, which stand in `settings` as in `jobs`, and the
-- price of the model without them at that time; in credits.
CREATE TABLE reserved_prices (
    model_id      TEXT NOT NULL,
    settings      TEXT NOT NULL,
    credits       INTEGER NOT NULL,
    base_credits  INTEGER NOT NULL,
    reserved_at   INTEGER NOT NULL,
    PRIMARY KEY (model_id, settings)
) STRICT;

-- By how much the price that Rivya named went beyond the room that the limits had then; NULL if it did not.
ALTER TABLE reservations ADD COLUMN over_limit_credits INTEGER;
