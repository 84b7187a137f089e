# Behaviour in plain text: one test per scenario (README.md says how to read and write them).
add_executable(scenario_test scenarios/scenario_test.cc support/scenario.cc support/scenario_hl7.cc support/scenario_inputs.cc
  support/scenario_outputs.cc support/scenario_samples.cc support/scenario_script.cc support/scenario_site.cc)
target_link_libraries(scenario_test PRIVATE vitalog_topology simdjson::simdjson)
file(GLOB scenarios CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_LIST_DIR} ${CMAKE_CURRENT_LIST_DIR}/*.scenario)
foreach(scenario IN LISTS scenarios)
  string(REPLACE ".scenario" "" name ${scenario})
  add_test(NAME scenario_${name} COMMAND scenario_test ${CMAKE_CURRENT_LIST_DIR}/${scenario})
endforeach()
