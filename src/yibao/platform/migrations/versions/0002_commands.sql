-- Messages (idempotency), the outbox and its cursors.

-- One row a message that was done or refused: its key, the digest of its input, where its facts are.
-- Not partitioned by time: a retry over midnight or month's end must find its first answer.
CREATE TABLE platform.message (
    pool        text        NOT NULL,
    institution text        NOT NULL,
    transaction text        NOT NULL,
    message_id  text        NOT NULL,
    subject     text        NOT NULL,
    digest      bytea       NOT NULL,
    outcome     text        NOT NULL CHECK (outcome IN ('done', 'refused', 'fenced')),
    reference   jsonb       NOT NULL,
    reversed_by text,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (pool, institution, transaction, message_id)
);
COMMENT ON COLUMN platform.message.outcome IS
    'fenced: a reversal came first; the message itself is refused should it arrive late';
COMMENT ON COLUMN platform.message.reversed_by IS 'message id of the reversal that undid it';

-- Facts for the rooms above, written with the commit that made them true.
-- transaction_id lets a relay read only what can no longer be overtaken by an older, later commit.
CREATE TABLE platform.outbox (
    pool           text        NOT NULL,
    id             bigint      NOT NULL,
    kind           text        NOT NULL,
    payload        jsonb       NOT NULL,
    recorded_at    timestamptz NOT NULL,
    transaction_id xid8        NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (pool, id)
);
CREATE INDEX outbox_order ON platform.outbox (pool, transaction_id, id);

CREATE TABLE platform.outbox_cursor (
    pool           text   NOT NULL,
    consumer       text   NOT NULL,
    transaction_id xid8   NOT NULL,
    id             bigint NOT NULL,
    PRIMARY KEY (pool, consumer)
);

GRANT SELECT, INSERT, UPDATE ON platform.message TO yibao_writer;
GRANT SELECT, INSERT ON platform.outbox TO yibao_writer;
GRANT SELECT, INSERT, UPDATE ON platform.outbox_cursor TO yibao_writer;
GRANT SELECT ON platform.message, platform.outbox, platform.outbox_cursor TO yibao_reader;
