vitalog_test(tidy/tidy_test.cc)
# g++ 12 sees an uninitialised std::function inside std::regex when it instruments.
target_compile_options(tidy_test PRIVATE -Wno-maybe-uninitialized)
