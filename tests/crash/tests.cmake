# kill -9 of the real process, and the fold of every stage's input compared with its outputs.
add_executable(fold_check crash/fold_check.cc)
target_link_libraries(fold_check PRIVATE vitalog_topology)
add_test(NAME kill_test COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/crash/kill_test.py --binary $<TARGET_FILE:vitalog>
         --fold-check $<TARGET_FILE:fold_check> --messages ${CMAKE_SOURCE_DIR}/tests/data/hl7/simhospital.hl7)
set_tests_properties(kill_test PROPERTIES LABELS slow TIMEOUT 900)
