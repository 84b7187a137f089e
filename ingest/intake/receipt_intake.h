#pragma once

#include "processors/processor.h"

namespace vitalog::ingest {

/// Reads `feed.receipt`: what became of messages, in the words of our effect workers and of
/// hospitals' gateways ("json"), of Aliyun ("aliyun-report"), Tencent ("tencent-report") and WeChat
/// ("wechat-event"), and what an operator wants sent once more ("resend"). Everything goes to
/// `notification`, to the recipient where it is named, else to the provider's message. One thread.
class ReceiptIntake {
  public:
    /// Unsupported: none of these formats.
    Result<void> handle(std::string_view format, const processors::Input& input,
                        processors::Context& out);

  private:
    using Handler = Result<void> (ReceiptIntake::*)(std::string_view, const processors::Input&,
                                                    processors::Context&);
    Result<void> each(const processors::Input& input, processors::Context& out, Handler handle);
    Result<void> receipt(std::string_view json, const processors::Input& input,
                         processors::Context& out);
    Result<void> resend(std::string_view json, const processors::Input& input,
                        processors::Context& out);
    Result<void> aliyun(std::string_view json, const processors::Input& input,
                        processors::Context& out);
    Result<void> tencent(std::string_view json, const processors::Input& input,
                         processors::Context& out);
    Result<void> wechat(std::string_view xml, const processors::Input& input,
                        processors::Context& out);

    schemas::Decoder decoder_;
};

}  // namespace vitalog::ingest
