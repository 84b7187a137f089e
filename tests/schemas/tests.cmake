# Tests of schemas/
vitalog_test(schemas/national_id_test.cc vitalog_schemas)
vitalog_test(schemas/json_schema_test.cc vitalog_schemas)
