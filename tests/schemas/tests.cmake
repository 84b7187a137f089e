# Tests of schemas/
vitalog_test(schemas/national_id_test.cc vitalog_schemas)
vitalog_test(schemas/json_schema_test.cc vitalog_schemas)
vitalog_test(schemas/time_test.cc vitalog_schemas)
vitalog_test(schemas/ids_test.cc vitalog_schemas)
vitalog_test(schemas/binary_test.cc vitalog_schemas)
vitalog_test(schemas/json_codec_test.cc vitalog_schemas)
vitalog_test(schemas/tables_test.cc vitalog_schemas)
vitalog_test(schemas/shift_test.cc vitalog_schemas)
