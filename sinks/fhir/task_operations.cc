#include "sinks/fhir/task_operations.h"

#include "schemas/base/ids.h"
#include "schemas/events/task.h"
#include "schemas/json_decode.h"
#include "schemas/templates.h"
#include "sinks/fhir/outcome.h"

namespace vitalog::sinks::fhir {
namespace {

using schemas::DecisionAction;

constexpr std::size_t kFieldMax = 8'192;  // bytes of text, reason, to or request_id

struct Head {
    std::string resource_type;
    template <class V>
    void members(V& v) {
        v("resourceType", resource_type);
    }
};

struct PlainBody {
    std::string text, reason, to, request_id;
    template <class V>
    void members(V& v) {
        v("text", text);
        v("reason", reason);
        v("to", to);
        v("request_id", request_id);
    }
};

struct Reference {
    std::string reference;
    template <class V>
    void members(V& v) {
        v("reference", reference);
    }
};

struct Parameter {
    std::string name, string, code, id, markdown;
    std::optional<Reference> reference;
    template <class V>
    void members(V& v) {
        v.required("name", name);
        v("valueString", string);
        v("valueCode", code);
        v("valueId", id);
        v("valueMarkdown", markdown);
        v("valueReference", reference);
    }
    std::string value() const {
        for (const auto* said : {&string, &code, &id, &markdown})
            if (!said->empty()) return *said;
        return reference ? reference->reference : std::string();
    }
};

struct Parameters {
    std::vector<Parameter> parameter;
    template <class V>
    void members(V& v) {
        v("parameter", parameter);
    }
};

Result<DecisionBody> from_parameters(const Parameters& parameters) {
    DecisionBody body;
    for (const auto& parameter : parameters.parameter) {
        if (parameter.name == "text")
            body.text = parameter.value();
        else if (parameter.name == "reason")
            body.reason = parameter.value();
        else if (parameter.name == "to")
            body.to = parameter.value();
        else if (parameter.name == "request_id")
            body.request_id = parameter.value();
        else
            return fail(Errc::Malformed, "unknown parameter '" + parameter.name +
                                             "'; known are text, reason, to and request_id");
    }
    return body;
}

bool is_blank(const std::string& text) {
    return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

/// What the action needs and the body doesn't say.
std::optional<std::string> incomplete(DecisionAction action, const DecisionBody& body) {
    if (action == DecisionAction::Modify && is_blank(body.text))
        return "$modify needs 'text': what the patient is to read";
    if (action == DecisionAction::Modify)
        if (const auto checked = schemas::check_privacy(body.text); !checked)
            return "'text': " + checked.error().message();
    if (action == DecisionAction::Reject && is_blank(body.reason)) return "$reject needs 'reason'";
    if (action == DecisionAction::HandOver && is_blank(body.to))
        return "$hand-over needs 'to': a doctor or a team";
    for (const auto* said : {&body.text, &body.reason, &body.to, &body.request_id})
        if (said->size() > kFieldMax)
            return "text, reason, to and request_id may each have " + std::to_string(kFieldMax) +
                   " bytes";
    return std::nullopt;
}

FeedRecord to_record(const std::string& task, DecisionAction action, const std::string& user,
                     const DecisionBody& body) {
    schemas::Decision decision;
    decision.task = task;
    decision.action = action;
    decision.user = user;
    decision.text = body.text;
    decision.reason = body.reason;
    decision.to = body.to;
    decision.request_id = body.request_id;
    FeedRecord record;
    record.key = task;
    record.value = schemas::encode(decision);
    Headers::append(record.headers, header::kFormat, "json");
    Headers::append(record.headers, header::kEndpoint, "fhir");
    Headers::append(record.headers, header::kContentType, "application/json");
    return record;
}

}  // namespace

Result<DecisionBody> parse_decision_body(std::string_view body) {
    if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return DecisionBody{};
    schemas::Decoder decoder;
    VITALOG_TRY(const Head head, schemas::decode<Head>(body, decoder));
    DecisionBody said;
    if (head.resource_type == "Parameters") {
        VITALOG_TRY(const auto parameters, schemas::decode<Parameters>(body, decoder));
        VITALOG_TRY(said, from_parameters(parameters));
    } else if (head.resource_type.empty()) {
        VITALOG_TRY(auto plain, schemas::decode<PlainBody>(body, decoder));
        said = {std::move(plain.text), std::move(plain.reason), std::move(plain.to),
                std::move(plain.request_id)};
    } else {
        return fail(
            Errc::Malformed,
            "the body must be a Parameters resource or plain JSON, not a " + head.resource_type);
    }
    for (const std::string_view prefix : {"Practitioner/", "CareTeam/"})
        if (said.to.starts_with(prefix)) said.to.erase(0, prefix.size());
    return said;
}

TaskOperations::TaskOperations(const FhirApi& api, FeedAppender& log, const Clock& clock, Wait wait,
                               std::chrono::milliseconds patience)
    : api_(api),
      log_(log),
      clock_(clock),
      topic_(api.topics().name(schemas::Topic::FeedDecision)),
      audit_(log, clock, api.topics()),
      wait_(std::move(wait)),
      patience_(patience) {}

void TaskOperations::register_routes(Router& router) {
    for (const auto action : schemas::EnumNames<DecisionAction>::names)
        router.route("POST", "/fhir/Task/{id}/$" + std::string(action),
                     [this, action = std::string(action)](HttpRequest request, Respond respond) {
                         decide(std::move(request), action, std::move(respond));
                     });
}

void TaskOperations::decide(HttpRequest request, const std::string& name, Respond respond) const {
    const auto& caller = request.caller;
    if (!caller.role.empty() && caller.role != "doctor")
        return respond(
            outcome(403, "role '" + caller.role + "' may not decide tasks; doctors may"));
    const std::string id = request.path_params.at("id");
    if (RecordId::parse(id).empty()) return respond(outcome(404, "Task/" + id + " does not exist"));
    const auto action = schemas::enum_named<DecisionAction>(name).value_or(DecisionAction::Accept);
    const auto body = parse_decision_body(request.body);
    if (!body) return respond(outcome(400, body.error().message()));
    if (const auto lacks = incomplete(action, *body)) return respond(outcome(422, *lacks));
    FeedRecord record = to_record(id, action, caller.user, *body);
    record.topic = topic_;
    record.received = clock_.now();
    log_.append(std::move(record), [this, id, request = std::move(request),
                                    respond = std::move(respond)](Result<AppendReceipt> receipt) {
        if (!receipt)
            return respond(outcome(receipt.error().code() == Errc::Busy ? 503 : 500,
                                   "the decision was not taken: " + receipt.error().message()));
        wait_(receipt->id.to_string(), patience_,
              [this, id, request, respond](auto judged) { answer(request, id, judged, respond); });
    });
}

void TaskOperations::answer(const HttpRequest& request, const std::string& id,
                            const std::optional<views::Judged>& judged,
                            const Respond& respond) const {
    if (!judged)
        return respond(outcome(
            503,
            "the decision is on disk but not judged yet; ask for its outcome by repeating it with "
            "the same request_id"));
    if (judged->status != 200 && judged->status != 409)
        return respond(outcome(judged->status, judged->message));
    auto task = api_.read_task(id, judged->version);
    if (!task) return respond(outcome(task.error()));
    HttpResponse response = resource(std::move(task->json));
    response.status = judged->status;
    audit_.answer(request, {"Task", {task->person}, 1}, std::move(response), respond);
}

}  // namespace vitalog::sinks::fhir
