-- Sources of loaded rows, runs of loading. Above the pools: a run is of one file, whosoever is in it.

CREATE SCHEMA loading;
GRANT USAGE ON SCHEMA loading TO yibao_writer, yibao_reader;

CREATE TABLE loading.run (
    number      bigint      NOT NULL PRIMARY KEY,
    kind        text        NOT NULL,
    file        text        NOT NULL,
    digest      bytea       NOT NULL,
    started_at  timestamptz NOT NULL,
    rows_done   bigint      NOT NULL DEFAULT 0,
    written     bigint      NOT NULL DEFAULT 0,
    changed     bigint      NOT NULL DEFAULT 0,
    unchanged   bigint      NOT NULL DEFAULT 0,
    bad         bigint      NOT NULL DEFAULT 0,
    finished_at timestamptz,
    undone_at   timestamptz
);
COMMENT ON TABLE loading.run IS 'one file put in; rows_done rows of it are committed, so that it goes on from there';
COMMENT ON COLUMN loading.run.digest IS 'SHA-256 of file, kind and options: the same file goes on with the run that was broken off';
CREATE INDEX run_digest ON loading.run (digest);

-- Where a fact came from. A row that comes again with the same content changes nothing.
CREATE TABLE loading.loaded (
    pool          text        NOT NULL,
    kind          text        NOT NULL,
    source        text        NOT NULL,
    source_key    text        NOT NULL,
    digest        bytea       NOT NULL,
    subject       text        NOT NULL,
    valid_from    date,
    valid_until   date,
    run           bigint      NOT NULL,
    loaded_at     timestamptz NOT NULL,
    superseded_at timestamptz,
    PRIMARY KEY (pool, kind, source, source_key, loaded_at)
);
COMMENT ON COLUMN loading.loaded.digest IS 'keyed hash of the row''s content';
COMMENT ON COLUMN loading.loaded.subject IS 'what came of it: a member''s number, an institution, an item, an opening';
COMMENT ON COLUMN loading.loaded.loaded_at IS 'also the recorded time of the facts that came of it';
-- rows of a run lie together, so a coarse index finds them
CREATE INDEX loaded_run ON loading.loaded USING brin (run);

GRANT SELECT, INSERT ON loading.run, loading.loaded TO yibao_writer;
GRANT UPDATE (rows_done, written, changed, unchanged, bad, finished_at, undone_at) ON loading.run TO yibao_writer;
GRANT UPDATE (superseded_at) ON loading.loaded TO yibao_writer;
GRANT SELECT ON loading.run, loading.loaded TO yibao_reader;

-- A clerk files diseases and choices too: then no declaration stands behind them.
ALTER TABLE registry.disease_filing ALTER COLUMN declaration DROP NOT NULL;
ALTER TABLE registry.designation ALTER COLUMN declaration DROP NOT NULL;

-- What an older system had counted of a member; bills never write such entries.
CREATE INDEX accumulator_entry_brought ON settlement.accumulator_entry (pool, member)
    WHERE kind = 'brought_in';
