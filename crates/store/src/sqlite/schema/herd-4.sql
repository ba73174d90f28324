-- What is said of everyone's quota, and what asking the vendors about it has left behind.

ALTER TABLE account ADD COLUMN unknown_quota TEXT; -- null: as for everyone

CREATE TABLE minimum (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    everyone TEXT NOT NULL,             -- JSON {window: percent}
    unknown  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row per account that was ever asked about since its last login.
CREATE TABLE poll (
    account      BLOB PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    state        TEXT NOT NULL,         -- JSON PollState
    leased_until INTEGER NOT NULL       -- somebody asks until then; 0: nobody
) STRICT, WITHOUT ROWID;
