#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ingest/hl7/batch.h"

// A batch taken apart and answered. Messages lie inside the bytes, in order, and begin with MSH.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog;
    using namespace vitalog::ingest::hl7;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    (void)is_batch(bytes);
    const auto batch = Batch::split(bytes, 100);
    if (!batch) return 0;
    const char* end = bytes.data();
    for (const std::string_view message : batch->messages()) {
        VITALOG_ASSERT(message.starts_with("MSH"), "a message begins with MSH");
        VITALOG_ASSERT(message.data() >= end, "messages lie one after the other");
        end = message.data() + message.size();
        VITALOG_ASSERT(end <= bytes.data() + bytes.size(), "messages lie inside the bytes");
    }
    ControlIds ids(1);
    std::vector<std::string> answers(batch->messages().size(), "MSH|^~\\&\rMSA|AA|1\r");
    const std::string answer = batch->answer(answers, ids, "20240101");
    VITALOG_ASSERT(answer.find("BTS") != std::string::npos, "an answer ends its batches");
    return 0;
}
