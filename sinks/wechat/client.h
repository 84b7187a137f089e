#pragma once

#include "sinks/effects/provider.h"
#include "sinks/wechat/token.h"

namespace vitalog::sinks {

/// Template messages of a WeChat official account: POST /cgi-bin/message/template/send. A refused
/// token is replaced once, and the send tried again. client_msg_id is the intent, so that within
/// ten minutes the account itself tells a repeat; an operator's resend carries the attempt instead.
/// The provider has no books to ask: the result comes as the event TEMPLATESENDJOBFINISH.
/// Thread-safe; sends to one user must follow each other (43108). `wall` is the real time.
class WechatTemplates : public Provider {
  public:
    WechatTemplates(WechatConfig config, const Clock& wall)
        : config_(std::move(config)),
          clients_(client_options(config_.connect_timeout, config_.timeout, config_.ca_file)),
          token_(config_, wall, clients_) {}

    std::string_view name() const override { return "wechat"; }
    SendOutcome send(const Attempt& attempt) override;
    bool can_query() const override { return false; }
    void abort() override { clients_.abort(); }

    /// The body of a send. Pure.
    static std::string send_body(const Attempt& attempt);

  private:
    HttpOutcome post(const std::string& token, const std::string& body);

    const WechatConfig config_;
    ClientPool clients_;
    WechatToken token_;
};

}  // namespace vitalog::sinks
