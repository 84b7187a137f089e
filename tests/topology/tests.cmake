# Tests of topology/
