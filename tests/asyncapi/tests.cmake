# schemas/asyncapi.yaml: by a parser that nobody here wrote, and against the records of a running site.
add_test(NAME asyncapi_parser_test COMMAND python3 ${CMAKE_CURRENT_LIST_DIR}/asyncapi_parser_test.py
         ${CMAKE_SOURCE_DIR}/schemas/asyncapi.yaml ${CMAKE_BINARY_DIR}/asyncapi-parser)
set_tests_properties(asyncapi_parser_test PROPERTIES LABELS slow SKIP_RETURN_CODE 77 TIMEOUT 400)
# Debian's interpreter: its packages yaml and jsonschema.
add_test(NAME asyncapi_records_test COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/asyncapi_records_test.py)
set_tests_properties(asyncapi_records_test PROPERTIES ENVIRONMENT VITALOG_BINARY=$<TARGET_FILE:vitalog> TIMEOUT 200)
