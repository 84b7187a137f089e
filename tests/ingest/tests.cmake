# Tests of ingest/
vitalog_test(ingest/hl7_charset_test.cc vitalog_ingest)
vitalog_test(ingest/hl7_escape_test.cc vitalog_ingest)
vitalog_test(ingest/hl7_message_test.cc vitalog_ingest)
vitalog_test(ingest/hl7_time_test.cc vitalog_ingest)
vitalog_test(ingest/hl7_identifiers_test.cc vitalog_ingest)
