# Tests of sinks/
