-- What records are searched by, beside what there was.
ALTER TABLE record ADD COLUMN host TEXT;
ALTER TABLE record ADD COLUMN project TEXT;
ALTER TABLE record ADD COLUMN failed INTEGER;       -- 1: not served well
ALTER TABLE record ADD COLUMN words TEXT;           -- lower case: ids, labels, model, path, directory, the vendors' words
CREATE INDEX record_session ON record (session, at, id);
CREATE INDEX record_served_by ON record (served_by, at, id);

-- Usage by quarter of an hour. Integers count tokens and requests, reals US dollars.
CREATE TABLE usage (
    quarter         INTEGER NOT NULL,   -- unix seconds of its beginning
    account         BLOB NOT NULL,      -- empty: nobody was asked
    host            TEXT NOT NULL,
    project         TEXT NOT NULL,      -- empty: not known
    model           TEXT NOT NULL,
    requests        INTEGER NOT NULL,
    failed          INTEGER NOT NULL,
    moved           INTEGER NOT NULL,
    input           INTEGER NOT NULL,
    output          INTEGER NOT NULL,
    reasoning       INTEGER NOT NULL,
    cache_read      INTEGER NOT NULL,
    cache_write_5m  INTEGER NOT NULL,
    cache_write_1h  INTEGER NOT NULL,
    cost_usd        REAL NOT NULL,
    metered_usd     REAL NOT NULL,
    unpriced        INTEGER NOT NULL,
    cache_saved_usd REAL NOT NULL,
    PRIMARY KEY (quarter, account, host, project, model)
) STRICT, WITHOUT ROWID;

-- Requests of the vendors that are in it already: nothing counts twice.
CREATE TABLE usage_counted (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_counted_at ON usage_counted (at);

-- The label that each account had when it was last used; it outlives the account.
CREATE TABLE usage_account (
    account BLOB PRIMARY KEY,
    label   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
