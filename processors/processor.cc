#include "processors/processor.h"
