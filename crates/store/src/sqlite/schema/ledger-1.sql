CREATE TABLE record (
    seq       INTEGER PRIMARY KEY,      -- order of arrival here; retention by count goes by it
    id        BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    at        INTEGER NOT NULL,         -- unix seconds
    session   TEXT,
    served_by BLOB,
    class     TEXT,
    model     TEXT NOT NULL,
    body      TEXT NOT NULL             -- JSON Record
) STRICT;
CREATE INDEX record_at ON record (at, id);
