# Tests of fuzz/
vitalog_fuzz(http_query vitalog_ingest)
vitalog_fuzz(identity_state vitalog_processors)
vitalog_fuzz(task_state vitalog_processors)
vitalog_fuzz(recipient_state vitalog_processors)
vitalog_fuzz(template_pack vitalog_schemas)
