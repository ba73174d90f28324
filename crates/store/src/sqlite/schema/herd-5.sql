-- Who gave out what only he can read again: a hash of the thing, never the thing.
CREATE TABLE origin (
    mark    BLOB PRIMARY KEY CHECK (length(mark) = 16),
    account BLOB NOT NULL REFERENCES account ON DELETE CASCADE,
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX origin_at ON origin (at);
CREATE INDEX origin_account ON origin (account);
