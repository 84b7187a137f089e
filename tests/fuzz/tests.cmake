# Tests of fuzz/
vitalog_fuzz(http_query vitalog_ingest)
vitalog_fuzz(identity_state vitalog_processors)
