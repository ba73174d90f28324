-- What the owner lets accounts be used for, and how long the agent that holds a key may be kept waiting.
ALTER TABLE client_key ADD COLUMN hold_s INTEGER;
CREATE TABLE account_limit (
    account BLOB PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    limits  TEXT NOT NULL               -- JSON AccountLimits
) STRICT, WITHOUT ROWID;
CREATE TABLE general_limit (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    limits TEXT NOT NULL                -- JSON AccountLimits
) STRICT, WITHOUT ROWID;
