# Tests of ingest/
