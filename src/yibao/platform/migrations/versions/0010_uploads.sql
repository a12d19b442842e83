-- Settlement lists, clinical records and audit results.
CREATE SCHEMA uploads;
CREATE SCHEMA supervision;
GRANT USAGE ON SCHEMA uploads, supervision TO yibao_writer, yibao_reader;
