#pragma once

#include <chrono>
#include <string>

#include "processors/notify/recipient_entity.h"

namespace vitalog::processors {

/// When an attempt that was not taken is tried again, and how long an unknown outcome is waited
/// for.
struct RetryPolicy {
    std::int64_t attempts_max = 5;
    std::chrono::microseconds first = std::chrono::seconds(30);
    std::chrono::microseconds most = std::chrono::minutes(15);
    std::chrono::microseconds unknown_limit = std::chrono::minutes(10);
};

/// 32 hex digits over the intent and the attempt's number, from 1.
std::string attempt_id(std::string_view intent, std::int64_t number);

/// How long to wait after the given attempt was not taken: first, doubled each time, at most
/// `most`, and a quarter more or less by the attempt's id, so that many who were refused together
/// do not return together.
std::chrono::microseconds backoff(const RetryPolicy& policy, std::string_view attempt,
                                  std::int64_t number);

/// What a receipt made of an intent.
enum class Settled : std::uint8_t { Unchanged, Changed, ChannelFailed };

/// Applies what is reported about one of the intent's attempts. States only move forward: delivered
/// outranks failed, failed outranks expired, expired outranks accepted, accepted outranks unknown;
/// only the last attempt can be accepted or tried again. ChannelFailed: the intent is Failed unless
/// another channel takes it.
Settled settle(HeldIntent& intent, const schemas::Receipt& receipt, ReceivedTime now,
               const RetryPolicy& policy);

}  // namespace vitalog::processors
