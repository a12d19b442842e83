-- Double entry: append-only entries that sum to zero per posting, and balances of what can refuse.

CREATE TABLE ledger.entry (
    pool      text     NOT NULL,
    posting   bigint   NOT NULL,
    line      smallint NOT NULL,
    account   text     NOT NULL,
    amount    bigint   NOT NULL CHECK (amount <> 0),
    posted_on date     NOT NULL,
    PRIMARY KEY (pool, posting, line)
);
COMMENT ON TABLE ledger.entry IS
    'posting: number of the settlement (or credit) that moved the money; amounts in fen, sum 0 per posting';

-- Personal accounts are sets of parts; only they have a locked row, because only they can refuse.
CREATE TABLE ledger.account_part (
    pool   text   NOT NULL,
    member text   NOT NULL,
    part   text   NOT NULL,
    origin text   NOT NULL CHECK (origin IN ('current', 'carried')),
    amount bigint NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (pool, member, part)
);
COMMENT ON TABLE ledger.account_part IS 'balance in fen of one part (year and origin) of a personal account';

GRANT SELECT, INSERT ON ledger.entry TO yibao_writer;
GRANT SELECT, INSERT, UPDATE ON ledger.account_part TO yibao_writer;
GRANT SELECT ON ledger.entry, ledger.account_part TO yibao_reader;
