-- The chain of blocks, daily heads, holds, what postings were made for.

-- ------------------------------------------------------------------------------------------- holds
-- What is held of a part cannot be spent until the hold ends: amount - held is available.
ALTER TABLE ledger.account_part
    ADD COLUMN held bigint NOT NULL DEFAULT 0 CHECK (held >= 0),
    ADD CONSTRAINT account_part_available CHECK (amount >= held);
COMMENT ON COLUMN ledger.account_part.held IS 'fen reserved by holds that have not ended';

CREATE TABLE ledger.hold (
    pool        text        NOT NULL,
    id          text        NOT NULL CHECK (length(id) BETWEEN 1 AND 100),
    member      text        NOT NULL,
    amount      bigint      NOT NULL CHECK (amount > 0),
    allowed     text[]      NOT NULL,
    purpose     text        NOT NULL,
    expires_at  timestamptz NOT NULL,
    reserved_at timestamptz NOT NULL,
    parts       text[]      NOT NULL,
    amounts     bigint[]    NOT NULL CHECK (cardinality(amounts) = cardinality(parts)),
    state       text        NOT NULL CHECK (state IN ('reserved', 'captured', 'released', 'expired')),
    ended_at    timestamptz CHECK ((ended_at IS NULL) = (state = 'reserved')),
    captured    bigint      CHECK (captured BETWEEN 1 AND amount),
    posting     bigint,
    PRIMARY KEY (pool, id),
    CHECK ((captured IS NULL) = (state <> 'captured')),
    CHECK ((posting IS NULL) = (state <> 'captured'))
);
COMMENT ON TABLE ledger.hold IS 'fen of a member''s account set aside for a purpose; the id is the caller''s';
COMMENT ON COLUMN ledger.hold.allowed IS 'parts that could be used, in order, as the caller said';
COMMENT ON COLUMN ledger.hold.parts IS 'parts that were used; amounts: fen of each';
CREATE INDEX hold_expiry ON ledger.hold (expires_at) WHERE state = 'reserved';
CREATE INDEX hold_member ON ledger.hold (pool, member);

-- What was captured and given back, to the exact parts it had come from.
CREATE TABLE ledger.hold_refund (
    pool        text        NOT NULL,
    hold        text        NOT NULL,
    id          text        NOT NULL CHECK (length(id) BETWEEN 1 AND 100),
    amount      bigint      NOT NULL CHECK (amount > 0),
    posting     bigint      NOT NULL,
    refunded_at timestamptz NOT NULL,
    PRIMARY KEY (pool, hold, id),
    FOREIGN KEY (pool, hold) REFERENCES ledger.hold (pool, id)
);

GRANT SELECT, INSERT ON ledger.hold, ledger.hold_refund TO yibao_writer;
GRANT UPDATE (state, ended_at, captured, posting) ON ledger.hold TO yibao_writer;
GRANT SELECT ON ledger.hold, ledger.hold_refund TO yibao_reader;

-- --------------------------------------------------------------------------------------- occasions
-- What a posting was made for, unless a settlement has its number.
CREATE TABLE ledger.occasion (
    pool        text        NOT NULL,
    posting     bigint      NOT NULL,
    kind        text        NOT NULL,
    reference   jsonb       NOT NULL,
    reason      text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (pool, posting)
);
INSERT INTO ledger.occasion (pool, posting, kind, reference, reason, recorded_at)
    SELECT DISTINCT pool, posting, 'credit', '{}'::jsonb, '', now()
    FROM ledger.entry WHERE account LIKE 'contributions:%';

GRANT SELECT, INSERT ON ledger.occasion TO yibao_writer;
GRANT SELECT ON ledger.occasion TO yibao_reader;

-- ------------------------------------------------------------------------------------------- chain
-- One row for each write of postings: what was written, and the hash that links it to the one before.
CREATE TABLE ledger.block (
    pool        text        NOT NULL,
    writer      smallint    NOT NULL,
    number      bigint      NOT NULL CHECK (number > 0),
    postings    bigint[]    NOT NULL,
    lines       smallint[]  NOT NULL CHECK (cardinality(lines) = cardinality(postings)),
    digests     bytea       NOT NULL,
    content     bytea       NOT NULL,
    previous    bytea       NOT NULL,
    hash        bytea       NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (pool, writer, number)
) WITH (toast_tuple_target = 8160); -- a batch's block stays in its row: to move it out costs more
ALTER TABLE ledger.block ALTER COLUMN digests SET STORAGE EXTERNAL; -- hashes do not shrink
COMMENT ON TABLE ledger.block IS 'hash = SHA-256 (previous, number as 8 bytes, content); the first block''s previous is 32 zero bytes';
COMMENT ON COLUMN ledger.block.writer IS 'number of the writing process; -1: written before there was a chain';
COMMENT ON COLUMN ledger.block.lines IS 'entries of each posting';
COMMENT ON COLUMN ledger.block.digests IS
    '8 bytes for each posting''s occasion (zero: none) and then 8 for each of its entries: they find what was changed';
COMMENT ON COLUMN ledger.block.content IS 'SHA-256 over pool, writer, time and the whole digests';

-- The newest block of every writer at a day's end, signed.
CREATE TABLE ledger.head (
    pool       text        NOT NULL,
    day        date        NOT NULL,
    writers    smallint[]  NOT NULL,
    numbers    bigint[]    NOT NULL CHECK (cardinality(numbers) = cardinality(writers)),
    hashes     bytea[]     NOT NULL CHECK (cardinality(hashes) = cardinality(writers)),
    previous   bytea       NOT NULL,
    hash       bytea       NOT NULL,
    public_key bytea       NOT NULL,
    signature  bytea       NOT NULL,
    made_at    timestamptz NOT NULL,
    PRIMARY KEY (pool, day)
);
COMMENT ON TABLE ledger.head IS 'previous: hash of the pool''s head before; signature: SM2 over the hash';

GRANT SELECT, INSERT ON ledger.block TO yibao_writer;
GRANT SELECT, INSERT ON ledger.head TO yibao_writer;
GRANT SELECT ON ledger.block, ledger.head TO yibao_reader;

-- What was written before there was a chain comes under it now, 500 postings a block.
DO $$
DECLARE
    chunk    record;
    pool_was text := '';
    latest   bigint;
    before   bytea;
    linked   bytea;
    instant  timestamptz := now();
BEGIN
    FOR chunk IN
        SELECT pool, array_agg(posting ORDER BY posting) AS postings,
            array_agg(lines ORDER BY posting) AS lines,
            string_agg(substr(made_for, 1, 8) || short, ''::bytea ORDER BY posting) AS digests,
            string_agg(made_for || whole, ''::bytea ORDER BY posting) AS whole
        FROM (
            SELECT pool, posting, count(*)::smallint AS lines,
                string_agg(substr(digest, 1, 8), ''::bytea ORDER BY line) AS short,
                string_agg(digest, ''::bytea ORDER BY line) AS whole,
                coalesce((SELECT sha256(convert_to(o.pool || o.posting || E'\n' || o.kind || E'\n{}\n', 'UTF8'))
                          FROM ledger.occasion AS o
                          WHERE o.pool = entry.pool AND o.posting = entry.posting),
                         decode(repeat('00', 32), 'hex')) AS made_for,
                row_number() OVER (PARTITION BY pool ORDER BY posting) AS place
            FROM (SELECT pool, posting, line, sha256(
                      convert_to(pool, 'UTF8') || int8send(posting) || int2send(line)
                      || int8send(amount) || date_send(posted_on) || convert_to(account, 'UTF8')
                  ) AS digest FROM ledger.entry) AS entry
            GROUP BY pool, posting
        ) AS posting
        GROUP BY pool, (place - 1) / 500 ORDER BY pool, min(place)
    LOOP
        IF chunk.pool <> pool_was THEN
            pool_was := chunk.pool;
            latest := 0;
            before := decode(repeat('00', 32), 'hex');
        END IF;
        latest := latest + 1;
        linked := sha256(convert_to(chunk.pool, 'UTF8') || int2send(-1::smallint)
            || int8send((extract(epoch FROM instant) * 1000000)::bigint) || chunk.whole);
        INSERT INTO ledger.block VALUES (chunk.pool, -1, latest, chunk.postings, chunk.lines,
            chunk.digests, linked, before, sha256(before || int8send(latest) || linked), instant);
        before := sha256(before || int8send(latest) || linked);
    END LOOP;
END
$$;

-- ------------------------------------------------------------------------------------------ reading
CREATE INDEX entry_personal ON ledger.entry (pool, account) WHERE account LIKE 'account:%';
CREATE INDEX entry_day ON ledger.entry USING brin (posted_on);
