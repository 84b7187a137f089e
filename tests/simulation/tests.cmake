# The whole site in one thread under a seed (docs/simulation.md). Sources that a defect can be planted in are compiled
# once more, with the switch; the libraries' own objects of them are then not linked.
set(planted
  processors/care/episodes.cc
  processors/care/person.cc
  processors/desk/desk_clock.cc
  processors/notify/settle.cc
  sinks/effects/effect_recovery.cc
  sinks/effects/effect_worker.cc
  state/entity_store.cc
  topology/log/atom_writer.cc
  topology/log/embedded_log.cc
  topology/log/partition_log.cc
  topology/log/record_block.cc
  topology/log/repeat_ledger.cc
  topology/log/rocks.cc
  topology/runtime/controls.cc
  topology/runtime/shard.cc)
list(TRANSFORM planted PREPEND ${CMAKE_SOURCE_DIR}/)
add_executable(vitalog-sim
  simulation/course.cc
  simulation/disasters.cc
  simulation/fold.cc
  simulation/main.cc
  simulation/oracles.cc
  simulation/real_log.cc
  simulation/seed_options.cc
  simulation/sim_handle.cc
  simulation/sim_log.cc
  simulation/sim_log_cluster.cc
  simulation/sim_log_real.cc
  simulation/sim_process.cc
  simulation/sim_provider.cc
  simulation/site_pack.cc
  simulation/world.cc
  topology/fault_disk.cc
  ${planted})
target_compile_definitions(vitalog-sim PRIVATE VITALOG_PLANTED)
target_link_libraries(vitalog-sim PRIVATE vitalog_topology RocksDB::rocksdb simdjson::simdjson)

# Ten thousand seeds are for scripts/test (release); here a few, those that once failed, and the planted defects.
if(CMAKE_BUILD_TYPE STREQUAL Release)
  set(few 1..300)
  set(on_rocksdb 1..60)
else()
  set(few 1..40)
  set(on_rocksdb 1..12)
endif()
add_test(NAME simulation_seeds COMMAND vitalog-sim --seeds ${few})
# A seed repeats its run: the same trace to the byte.
add_test(NAME simulation_repeats COMMAND bash -c
  "for seed in 17 1199 6077 7739; do a=$(\"$1\" --seed $seed) && [ -n \"$a\" ] && [ \"$a\" = \"$(\"$1\" --seed $seed)\" ] || exit 1; done"
  repeats $<TARGET_FILE:vitalog-sim>)
add_test(NAME simulation_rocksdb COMMAND vitalog-sim --on-rocksdb yes --seeds ${on_rocksdb})
add_test(NAME simulation_corpus COMMAND vitalog-sim --corpus ${CMAKE_CURRENT_LIST_DIR}/corpus.txt)
add_test(NAME simulation_corpus_on_rocksdb
  COMMAND vitalog-sim --on-rocksdb yes --corpus ${CMAKE_CURRENT_LIST_DIR}/corpus-on-rocksdb.txt)
add_test(NAME simulation_planted COMMAND vitalog-sim --check-planted)
set_tests_properties(simulation_seeds PROPERTIES TIMEOUT 900)  # under sanitizers, too
set_tests_properties(simulation_rocksdb simulation_corpus simulation_corpus_on_rocksdb simulation_planted PROPERTIES LABELS slow TIMEOUT 900)
