-- What the operator was told last about the price of a model, in credits; without a row, nothing but the documentation.
CREATE TABLE model_prices (
    model_id  TEXT PRIMARY KEY,
    credits   INTEGER NOT NULL,
    told_at   INTEGER NOT NULL
) STRICT;
