-- What was put away as Parquet, and what came back. The files themselves lie in the archive's folder.

CREATE TABLE platform.archived_month (
    pool        text        NOT NULL,
    month       date        NOT NULL CHECK (extract(day FROM month) = 1),
    revision    text        NOT NULL,
    made_at     timestamptz NOT NULL,
    public_key  bytea       NOT NULL,
    signature   bytea       NOT NULL,
    PRIMARY KEY (pool, month)
);
COMMENT ON TABLE platform.archived_month IS
    'a pool''s month that lies in Parquet files; signed as its manifest is';

CREATE TABLE platform.archived_file (
    pool          text    NOT NULL,
    day           date    NOT NULL,
    relation      text    NOT NULL,
    row_count     bigint  NOT NULL CHECK (row_count > 0),
    lowest        bigint  NOT NULL,
    highest       bigint  NOT NULL,
    lowest_visit  bigint,
    highest_visit bigint,
    sums          jsonb   NOT NULL,
    sha256        text    NOT NULL,
    PRIMARY KEY (pool, relation, day)
);
COMMENT ON COLUMN platform.archived_file.day IS 'civil day of Asia/Shanghai on which the numbers were given';
COMMENT ON COLUMN platform.archived_file.sums IS 'of every bigint column, by name; money in fen';

-- Where the archive ends: numbers below it are looked for in files when they are missed.
CREATE TABLE platform.archive_horizon (
    number      bigint      NOT NULL PRIMARY KEY,
    month       date        NOT NULL,
    archived_at timestamptz NOT NULL
);
COMMENT ON TABLE platform.archive_horizon IS
    'a row each time that months were put away; the largest number is where the archive ends, over all pools';

CREATE TABLE platform.recalled (
    pool        text        NOT NULL,
    number      bigint      NOT NULL,
    cause       bigint      NOT NULL,
    recalled_at timestamptz NOT NULL,
    waits       bigint      NOT NULL DEFAULT 0,
    stays       boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (pool, number)
);
CREATE INDEX recalled_cause ON platform.recalled (pool, cause);
COMMENT ON TABLE platform.recalled IS
    'numbers below the horizon whose rows are in the database; those of one cause leave together';
COMMENT ON COLUMN platform.recalled.waits IS
    'needed by rows from this number on when it was looked at; it is looked at again when the horizon has moved';
COMMENT ON COLUMN platform.recalled.stays IS 'was changed since, so the files are not the last word any more';

GRANT SELECT ON platform.archived_month, platform.archived_file, platform.archive_horizon,
    platform.recalled TO yibao_writer, yibao_reader;

-- Whoever sums over all time needs what entries came to that were put away.
CREATE TABLE ledger.carried_balance (
    pool    text   NOT NULL,
    account text   NOT NULL,
    month   date   NOT NULL,
    amount  bigint NOT NULL,
    PRIMARY KEY (pool, account, month)
);
COMMENT ON TABLE ledger.carried_balance IS 'sums in fen of entries that were put away, by the month they were posted in';
GRANT SELECT ON ledger.carried_balance TO yibao_writer, yibao_reader;

-- Entries that came back from the archive are in what was carried: they are not counted twice.
CREATE VIEW ledger.balance_entry AS
    SELECT pool, account, amount, posted_on FROM ledger.entry
    WHERE posting >= (SELECT coalesce(max(number), 0) FROM platform.archive_horizon)
       OR NOT EXISTS (SELECT FROM platform.recalled
                      WHERE recalled.pool = entry.pool AND recalled.number = entry.posting)
    UNION ALL
    SELECT pool, account, amount, (month + interval '1 month - 1 day')::date FROM ledger.carried_balance;
COMMENT ON VIEW ledger.balance_entry IS
    'what balances are summed from: entries that are not put away, and a sum a month of those that are, on its last day';
GRANT SELECT ON ledger.balance_entry TO yibao_writer, yibao_reader;
