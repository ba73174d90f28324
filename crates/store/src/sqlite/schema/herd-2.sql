-- Where the agent that holds a key works, and conversations that their owner has stopped.
ALTER TABLE client_key ADD COLUMN project TEXT;
CREATE TABLE session_halt (
    session TEXT PRIMARY KEY,
    why     TEXT NOT NULL,
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
