# Tests of processors/
