#include <cstddef>
#include <cstdint>
#include <string>

#include "processors/care/person.h"

// Any bytes are either refused or a person whose stored form reads back as itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using vitalog::processors::care::Person;
    Person person;
    if (!person.decode({reinterpret_cast<const char*>(data), size})) return 0;
    std::string once;
    person.encode(once);
    Person again;
    VITALOG_ASSERT(again.decode(once).has_value(), "what encode() wrote can be read");
    std::string twice;
    again.encode(twice);
    VITALOG_ASSERT(once == twice, "a stored form is stable");
    VITALOG_ASSERT(person.memory_bytes() >= sizeof(Person), "memory is counted");
    return 0;
}
