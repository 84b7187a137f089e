#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/events/care.h"
#include "schemas/events/clinical.h"
#include "schemas/events/control.h"
#include "schemas/events/directory.h"
#include "schemas/events/identity.h"
#include "schemas/events/message.h"
#include "schemas/events/operation.h"
#include "schemas/events/task.h"
#include "schemas/events/wearable.h"
#include "schemas/topics.h"

namespace vitalog::schemas {

/// One type of event: where it travels, what keys it, which file describes it.
struct EventInfo {
    std::string_view type;  ///< ce_type
    std::vector<Topic> topics;
    std::string_view key;
    std::string_view summary;
    std::string schema_file() const;  ///< below schemas/json/
};

/// Calls visit.operator()<Event>(info) for every event type there is, in the order of the way of
/// the data.
template <class Visitor>
void for_each_event(Visitor&& visit) {
    const auto event = [&]<class E>(std::vector<Topic> topics, std::string_view key,
                                    std::string_view summary) {
        visit.template operator()<E>(EventInfo{E::kType, std::move(topics), key, summary});
    };
    using T = Topic;
    event.template operator()<Control>(
        {T::FeedControl, T::Subject, T::Person, T::Task, T::Notification},
        "kind/name on feed.control; none in a copy",
        "Steers processors: a setting, a table, a rule pack, a template pack, a team, the clock.");
    event.template operator()<Operation>(
        {T::FeedOperation}, "the alarm, or the record tried again",
        "An alarm was raised or cleared, or a dead letter was tried again.");
    event.template operator()<Tick>(
        {T::Subject, T::Person, T::Task, T::Notification}, "none",
        "The owner of a partition says what time it is, because something is due.");
    event.template operator()<ClinicalEvent>({T::Subject}, "primary identifier",
                                             "One hospital message about one person.");
    event.template operator()<SamplesEvent>({T::Subject}, "account",
                                            "One batch of samples of one wearable account.");
    event.template operator()<PatientEntry>({T::FeedDirectory, T::Subject},
                                            "the patient's identifier",
                                            "One patient's line of the directory.");
    event.template operator()<MergeRequest>({T::Subject}, "merges",
                                            "A hospital says that two identifiers are one person.");
    event.template operator()<IdentityLink>(
        {T::Subject}, "the identifier named",
        "A record of a known person names a further identifier.");
    event.template operator()<IdentityJoined>({T::Subject}, "the founding identifier",
                                              "An identifier took the person of another.");
    event.template operator()<IdentityNews>({T::Subject}, "the identifier told",
                                            "An identifier's person is now another.");
    event.template operator()<IdentityClash>({T::Subject}, "merges",
                                             "Two persons share an identifier.");
    event.template operator()<MergeInquiry>(
        {T::Subject}, "loser, survivor, then merges",
        "A merge on its round to find out whose its identifiers are.");
    event.template operator()<MergeOrder>({T::Subject}, "the founding identifiers",
                                          "Two persons are one from here on.");
    event.template operator()<PersonClinical>({T::Person}, "person",
                                              "A clinical event whose person is known.");
    event.template operator()<PersonSamples>({T::Person}, "person",
                                             "A batch of samples whose person is known.");
    event.template operator()<PersonBinding>(
        {T::Person}, "person", "A patient's line of the directory whose person is known.");
    event.template operator()<PersonIdentified>({T::Person}, "person",
                                                "An identifier names this person.");
    event.template operator()<PersonMerged>({T::Person}, "loser and survivor",
                                            "Two persons are one from here on.");
    event.template operator()<PersonMoved>({T::Person}, "survivor",
                                           "Everything that the loser's entity held.");
    event.template operator()<PersonClash>(
        {T::Person}, "person",
        "Two persons share an identifier that is not trusted to merge them.");
    event.template operator()<PersonDecision>({T::Person}, "person",
                                              "A doctor decided about one of the person's alerts.");
    event.template operator()<RiskEvent>({T::Risk}, "person",
                                         "An index as of the record that touched its inputs.");
    event.template operator()<AlertEvent>(
        {T::Alert}, "person", "An episode of one rule at one person, whole at every change.");
    event.template operator()<TaskOpen>({T::Task}, "task", "An alert wants a doctor.");
    event.template operator()<TaskEvidence>({T::Task}, "task",
                                            "More evidence for an open episode.");
    event.template operator()<TaskCancel>({T::Task}, "task", "The reason for a task is gone.");
    event.template operator()<TaskPerson>({T::Task}, "task",
                                          "A task's person was merged into another.");
    event.template operator()<TaskRemark>(
        {T::Task}, "task", "Something befell a task's person that its doctor must see.");
    event.template operator()<Decision>({T::FeedDecision, T::Task}, "task", "What a doctor did.");
    event.template operator()<TaskState>({T::TaskBoard}, "task", "A task, whole at every change.");
    event.template operator()<TaskJudged>({T::TaskBoard}, "task",
                                          "A decision that changed no task.");
    event.template operator()<Contact>({T::Notification}, "recipient",
                                       "How a recipient is reached.");
    event.template operator()<Intent>({T::Notification}, "recipient",
                                      "Somebody is to be told something.");
    event.template operator()<IntentCancel>({T::Notification}, "recipient",
                                            "What still waits for an episode is not to be sent.");
    event.template operator()<RecipientMoved>(
        {T::Notification}, "recipient", "A recipient's person was merged; its entity hands over.");
    event.template operator()<Receipt>({T::FeedReceipt, T::Notification},
                                       "recipient, or provider|NAME|ID",
                                       "What became of an attempt.");
    event.template operator()<Resend>({T::FeedReceipt, T::Notification}, "recipient",
                                      "An operator wants a message sent once more.");
    event.template operator()<Send>({T::SendSms, T::SendWechat, T::SendWecom}, "recipient",
                                    "One attempt, ready to be sent.");
    event.template operator()<Delivery>({T::Delivery}, "recipient",
                                        "An intent, whole at every change.");
}

/// The same as a list.
const std::vector<EventInfo>& event_catalogue();

}  // namespace vitalog::schemas
