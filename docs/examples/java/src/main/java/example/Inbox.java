package example;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * A doctor's inbox in another system: open tasks with the alert behind each, kept up to date from task-board and alert.
 *
 * <pre>Inbox --bootstrap HOST:PORT,... [--config FILE] [--for TEAM-OR-DOCTOR] [--once]</pre>
 *
 * With --once it prints the open tasks as they are now, and ends; without it, a line for every change. Both topics are kept
 * for ever and hold a task or an alert whole at every change: it reads them from the beginning, and the highest version is
 * the last word.
 */
public final class Inbox {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> OPEN = List.of("requested", "accepted");
    private static final List<String> URGENT_FIRST = List.of("high", "medium", "low");

    private final Map<String, JsonNode> tasks = new HashMap<>();
    private final Map<String, JsonNode> alerts = new HashMap<>();
    private final String wanted;

    private Inbox(String wanted) {
        this.wanted = wanted;
    }

    public static void main(String[] words) throws Exception {
        final Options options = new Options(List.of(words));
        final boolean once = options.has("--once");
        final Inbox inbox = new Inbox(options.get("--for", ""));
        final Properties properties = options.client();
        properties.put("isolation.level", "read_committed");
        try (var consumer = new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
            final List<TopicPartition> places = new ArrayList<>();
            for (final String topic : List.of(options.get("--alerts", "alert"), options.get("--tasks", "task-board")))
                consumer.partitionsFor(topic).forEach(p -> places.add(new TopicPartition(topic, p.partition())));
            consumer.assign(places);
            consumer.seekToBeginning(places);
            final Map<TopicPartition, Long> ends = consumer.endOffsets(places);
            while (!once || places.stream().anyMatch(place -> consumer.position(place) < ends.get(place))) {
                for (final var record : consumer.poll(Duration.ofMillis(200))) {
                    final JsonNode changed = inbox.take(record);
                    if (changed != null && !once) System.out.println(inbox.line(changed));
                }
            }
        }
        final List<JsonNode> open = inbox.openTasks();
        open.forEach(task -> System.out.println(inbox.line(task)));
        System.out.printf("%d open tasks%n", open.size());
    }

    /** The task that changed, when it did and is ours; else null. */
    private JsonNode take(ConsumerRecord<String, String> record) throws Exception {
        final var type = record.headers().lastHeader("ce_type");
        final String kind = type == null ? "" : new String(type.value(), StandardCharsets.UTF_8);
        final JsonNode event = JSON.readTree(record.value());
        if (kind.equals("vitalog.alert.v1")) newest(alerts, event, "id", "revision");
        final boolean changed = kind.equals("vitalog.task-state.v1") && newest(tasks, event, "task", "version");
        return changed && isOurs(event) ? event : null;
    }

    private static boolean newest(Map<String, JsonNode> held, JsonNode event, String id, String version) {
        final JsonNode before = held.get(event.get(id).asText());
        if (before != null && before.get(version).asLong() >= event.get(version).asLong()) return false;
        held.put(event.get(id).asText(), event);
        return true;
    }

    private boolean isOurs(JsonNode task) {
        return wanted.isEmpty() || wanted.equals(task.path("team").asText()) || wanted.equals(task.path("owner").asText());
    }

    private List<JsonNode> openTasks() {
        return tasks.values().stream().filter(task -> OPEN.contains(task.get("status").asText()) && isOurs(task))
            .sorted(Comparator.comparing((JsonNode task) -> URGENT_FIRST.indexOf(task.get("priority").asText()))
                        .thenComparing(task -> task.get("deadline").asText())).toList();
    }

    private String line(JsonNode task) {
        final JsonNode alert = alerts.get(task.get("alert").asText());
        final String what = alert != null && alert.has("problem") ? alert.get("problem").asText() : task.get("rule").asText();
        final String owner = task.path("owner").asText().isEmpty() ? task.path("team").asText() : task.get("owner").asText();
        return "%-6s %-9s %s: %s  due %s  task %s".formatted(task.get("priority").asText(), task.get("status").asText(), owner,
                                                            what, task.get("deadline").asText(), task.get("task").asText());
    }
}
