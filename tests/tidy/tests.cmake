vitalog_test(tidy/tidy_test.cc)
