-- Ids are the 16 bytes of a UUID. Times are unix seconds. Words are those of the API ("needs_login").

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    id            BLOB PRIMARY KEY CHECK (length(id) = 16),
    position      INTEGER NOT NULL,
    label         TEXT NOT NULL,
    label_key     TEXT NOT NULL UNIQUE, -- lower case: labels are the same without regard to case
    vendor        TEXT NOT NULL,
    kind          TEXT NOT NULL,
    cost          TEXT NOT NULL,
    status        TEXT NOT NULL,
    identity      TEXT,
    min_remaining TEXT NOT NULL,        -- JSON {window: percent}
    cooling       TEXT,                 -- JSON Cooldown
    profile       TEXT NOT NULL         -- JSON Profile
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX account_identity ON account (vendor, identity) WHERE identity IS NOT NULL;

CREATE TABLE credential (
    account              BLOB PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    generation           INTEGER NOT NULL,
    sealed               BLOB NOT NULL, -- envelope, bound to account and generation
    intent_generation    INTEGER,
    intent_since         INTEGER,
    condemned_generation INTEGER,
    condemned_at         INTEGER,
    condemned_sentence   TEXT,
    condemned_code       TEXT,
    backoff_until        INTEGER,
    backoff_failures     INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE model_cooling (
    account  BLOB NOT NULL REFERENCES account ON DELETE CASCADE,
    model    TEXT NOT NULL,
    until    INTEGER NOT NULL,
    cooldown TEXT NOT NULL,             -- JSON Cooldown
    PRIMARY KEY (account, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE reading (
    account      BLOB NOT NULL REFERENCES account ON DELETE CASCADE,
    window       TEXT NOT NULL,
    used_percent REAL NOT NULL,
    resets_at    INTEGER,
    source       TEXT NOT NULL,
    read_at      INTEGER NOT NULL,
    PRIMARY KEY (account, window)
) STRICT, WITHOUT ROWID;

CREATE TABLE spent (
    account BLOB NOT NULL REFERENCES account ON DELETE CASCADE,
    day     INTEGER NOT NULL,           -- days since 1970-01-01, UTC
    usd     REAL NOT NULL,
    PRIMARY KEY (account, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE spend_rule (
    account         BLOB PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    after           TEXT NOT NULL,      -- JSON [class]
    daily_limit_usd REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pool (
    name     TEXT PRIMARY KEY,
    strategy TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_member (
    pool     TEXT NOT NULL REFERENCES pool ON DELETE CASCADE,
    account  BLOB NOT NULL REFERENCES account ON DELETE CASCADE,
    position INTEGER NOT NULL,
    PRIMARY KEY (pool, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX pool_member_account ON pool_member (account);

CREATE TABLE chain_step (
    source   BLOB NOT NULL REFERENCES account ON DELETE CASCADE,
    position INTEGER NOT NULL,
    account  BLOB REFERENCES account ON DELETE CASCADE,
    pool     TEXT REFERENCES pool ON DELETE CASCADE,
    model    TEXT,
    PRIMARY KEY (source, position),
    CHECK ((account IS NULL) <> (pool IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX chain_step_account ON chain_step (account);
CREATE INDEX chain_step_pool ON chain_step (pool);

-- No row: requests without pin and session go nowhere.
CREATE TABLE active (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    account BLOB REFERENCES account ON DELETE CASCADE,
    pool    TEXT REFERENCES pool ON DELETE CASCADE,
    CHECK ((account IS NULL) <> (pool IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE kill_switch (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    enabled  INTEGER NOT NULL,
    everyone TEXT NOT NULL              -- JSON {window: percent}
) STRICT, WITHOUT ROWID;

CREATE TABLE reserve (
    account    BLOB PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    thresholds TEXT NOT NULL            -- JSON {window: percent}
) STRICT, WITHOUT ROWID;

CREATE TABLE session_pin (
    session TEXT PRIMARY KEY,
    account BLOB REFERENCES account ON DELETE CASCADE,
    pool    TEXT REFERENCES pool ON DELETE CASCADE,
    set_at  INTEGER NOT NULL,
    CHECK ((account IS NULL) <> (pool IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX session_pin_account ON session_pin (account);
CREATE INDEX session_pin_pool ON session_pin (pool);
CREATE INDEX session_pin_set_at ON session_pin (set_at);

CREATE TABLE session (
    session    TEXT PRIMARY KEY,
    account    BLOB NOT NULL REFERENCES account ON DELETE CASCADE,
    pool       TEXT REFERENCES pool ON DELETE SET NULL, -- the one that placed it there
    touched_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_account ON session (account);
CREATE INDEX session_pool ON session (pool) WHERE pool IS NOT NULL;
CREATE INDEX session_touched_at ON session (touched_at);

-- The pin is no reference: a key that is limited to something stays limited when that is removed.
CREATE TABLE client_key (
    id           BLOB PRIMARY KEY CHECK (length(id) = 16),
    hash         BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    prefix       TEXT NOT NULL,
    purpose      TEXT NOT NULL,
    scope        TEXT NOT NULL,
    host         TEXT NOT NULL,
    pin_account  BLOB,
    pin_pool     TEXT,
    by_project   INTEGER NOT NULL,      -- does the pin come from a project's file?
    expires_at   INTEGER,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;
