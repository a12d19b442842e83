-- A bill's lines in one row an upload (decision 0023): settlement/fees/packing.py writes and reads
-- them, settlement.visible_line shows them to SQL as before.
CREATE TABLE settlement.fee_upload (
    pool text NOT NULL,
    visit bigint NOT NULL,
    batch bigint NOT NULL,
    first integer NOT NULL CHECK (first >= 0),
    count integer NOT NULL CHECK (count > 0),
    lowest text NOT NULL,
    highest text NOT NULL,
    returns boolean NOT NULL,
    sent json NOT NULL,
    split json NOT NULL,
    PRIMARY KEY (pool, visit, batch, first),
    CHECK (lowest <= highest)
);
COMMENT ON TABLE settlement.fee_upload IS
    'lines of one batch that came together; a column that says the same on all of them is kept once';
COMMENT ON COLUMN settlement.fee_upload.first IS 'place in the batch of the first line';
COMMENT ON COLUMN settlement.fee_upload.count IS 'lines, withdrawn ones too';
COMMENT ON COLUMN settlement.fee_upload.lowest IS
    'of the lines'' serials; with highest: an upload that cannot have a serial is not opened';
COMMENT ON COLUMN settlement.fee_upload.returns IS 'whether a line gives another one back';
COMMENT ON COLUMN settlement.fee_upload.sent IS
    'as the hospital sent them: amounts in fen, price in 1/1,000,000 yuan, quantity in 1/10,000';
COMMENT ON COLUMN settlement.fee_upload.split IS
    'what classification made of them, in fen; first pay share = first_pay_rate / first_pay_of';

INSERT INTO settlement.fee_upload
SELECT line.pool, batch.visit, line.batch, min(line.line), count(*), min(line.serial), max(line.serial),
    bool_or(line.returns IS NOT NULL),
    json_build_object(
        'same', '{}'::json,
        'each', json_build_object(
            'serial', json_agg(line.serial ORDER BY line.line),
            'item', json_agg(line.item ORDER BY line.line),
            'institution_item', json_agg(line.institution_item ORDER BY line.line),
            'amount', json_agg(line.amount ORDER BY line.line),
            'price', json_agg(line.price ORDER BY line.line),
            'quantity', json_agg(line.quantity ORDER BY line.line),
            'charged_at', json_agg(
                to_char(line.charged_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.USZ')
                ORDER BY line.line),
            'approval', json_agg(line.approval ORDER BY line.line),
            'returns', json_agg(line.returns ORDER BY line.line)),
        'details', json_build_object(
            'same', '{}'::json,
            'each', coalesce((
                SELECT json_object_agg(field.name, field.each)
                FROM (SELECT named.name, json_agg(one.details -> named.name ORDER BY one.line) AS each
                      FROM settlement.fee_line AS one,
                          (SELECT DISTINCT jsonb_object_keys(any_line.details) AS name
                           FROM settlement.fee_line AS any_line
                           WHERE any_line.pool = line.pool AND any_line.batch = line.batch) AS named
                      WHERE one.pool = line.pool AND one.batch = line.batch
                      GROUP BY named.name) AS field), '{}'::json))),
    json_build_object(
        'same', '{}'::json,
        'each', json_build_object(
            'item_class', json_agg(line.item_class ORDER BY line.line),
            'first_pay_rate', json_agg(line.first_pay_rate ORDER BY line.line),
            'first_pay_of', json_agg(line.first_pay_of ORDER BY line.line),
            'ceiling', json_agg(line.ceiling ORDER BY line.line),
            'restricted', json_agg(line.restricted ORDER BY line.line),
            'bucket', json_agg(line.bucket ORDER BY line.line),
            'over_limit_way', json_agg(line.over_limit_way ORDER BY line.line),
            'approved', json_agg(line.approved ORDER BY line.line),
            'own', json_agg(line.own ORDER BY line.line),
            'over_limit', json_agg(line.over_limit ORDER BY line.line),
            'first_pay', json_agg(line.first_pay ORDER BY line.line),
            'in_scope', json_agg(line.in_scope ORDER BY line.line),
            'hospital', json_agg(line.hospital ORDER BY line.line),
            'withdrawn_at', json_agg(line.withdrawn_at ORDER BY line.line)))
FROM settlement.fee_line AS line
JOIN settlement.charge_batch AS batch ON batch.pool = line.pool AND batch.id = line.batch
GROUP BY line.pool, batch.visit, line.batch;

DROP VIEW settlement.visible_line;
DROP TABLE settlement.fee_line;

CREATE VIEW settlement.visible_upload WITH (security_barrier) AS
    SELECT upload.*, batch.label, batch.withdrawn, batch.living_settlement, batch.institution
    FROM settlement.fee_upload AS upload
    JOIN settlement.charge_batch AS batch
      ON batch.pool = upload.pool AND batch.visit = upload.visit AND batch.id = upload.batch
    WHERE platform.may_see(batch.institution);

CREATE FUNCTION settlement.of_line(kept jsonb, name text, place integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(kept -> 'same' ->> name, kept -> 'each' -> name ->> place);
COMMENT ON FUNCTION settlement.of_line IS 'the value of a column on the line at a place of an upload';

CREATE FUNCTION settlement.details_of_line(kept jsonb, place integer) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (kept -> 'details' -> 'same') || coalesce(
        (SELECT jsonb_object_agg(field.key, field.value -> place)
         FROM jsonb_each(kept -> 'details' -> 'each') AS field
         WHERE field.value -> place <> 'null'), '{}');

CREATE VIEW settlement.visible_line WITH (security_barrier) AS
    SELECT upload.pool, upload.visit, upload.batch, upload.label, upload.institution,
        upload.withdrawn, upload.living_settlement, upload.first + place AS line,
        settlement.of_line(sent, 'serial', place) AS serial,
        settlement.of_line(sent, 'item', place) AS item,
        settlement.of_line(sent, 'institution_item', place) AS institution_item,
        settlement.of_line(sent, 'amount', place)::bigint AS amount,
        settlement.of_line(sent, 'price', place)::bigint AS price,
        settlement.of_line(sent, 'quantity', place)::bigint AS quantity,
        settlement.of_line(sent, 'charged_at', place)::timestamptz AS charged_at,
        settlement.of_line(sent, 'approval', place) AS approval,
        settlement.of_line(sent, 'returns', place) AS returns,
        settlement.details_of_line(sent, place) AS details,
        settlement.of_line(split, 'item_class', place) AS item_class,
        settlement.of_line(split, 'first_pay_rate', place)::integer AS first_pay_rate,
        settlement.of_line(split, 'first_pay_of', place)::integer AS first_pay_of,
        settlement.of_line(split, 'ceiling', place)::bigint AS ceiling,
        settlement.of_line(split, 'restricted', place)::boolean AS restricted,
        settlement.of_line(split, 'bucket', place) AS bucket,
        settlement.of_line(split, 'over_limit_way', place) AS over_limit_way,
        settlement.of_line(split, 'approved', place)::boolean AS approved,
        settlement.of_line(split, 'own', place)::bigint AS own,
        settlement.of_line(split, 'over_limit', place)::bigint AS over_limit,
        settlement.of_line(split, 'first_pay', place)::bigint AS first_pay,
        settlement.of_line(split, 'in_scope', place)::bigint AS in_scope,
        settlement.of_line(split, 'hospital', place)::bigint AS hospital,
        settlement.of_line(split, 'withdrawn_at', place)::timestamptz AS withdrawn_at
    FROM (SELECT opened.pool, opened.visit, opened.batch, opened.label, opened.institution,
              opened.withdrawn, opened.living_settlement, opened.first, opened.count,
              opened.sent::jsonb AS sent, opened.split::jsonb AS split
          FROM settlement.visible_upload AS opened OFFSET 0) AS upload,
        generate_series(0, upload.count - 1) AS place;
COMMENT ON VIEW settlement.visible_line IS
    'the lines of uploads, each in a row; money in fen, price in 1/1,000,000 yuan, quantity in 1/10,000';

GRANT SELECT, INSERT ON settlement.fee_upload TO yibao_writer;
GRANT UPDATE (split) ON settlement.fee_upload TO yibao_writer;
GRANT SELECT ON settlement.visible_upload, settlement.visible_line TO yibao_writer, yibao_reader;
