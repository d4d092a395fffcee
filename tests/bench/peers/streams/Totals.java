// The folding part of dep's work as a Kafka Streams program: discrete events as JSON in, three totals per event out.
//
//   java -cp … Totals <brokers> <application> <input topic> <output topic> <state dir> <rocksdb|memory>
//
// One count-and-sum store, a learner's totals of a metric per lesson, unit and course: less than dep does, which also
// keeps base tables, contributions of parts, members and classes. exactly_once_v2, one thread.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

public final class Totals {
  private static final String STORE = "totals";
  private static final String[] LEVELS = {"lesson", "unit", "course"};

  public static void main(String[] args) throws InterruptedException {
    StreamsBuilder builder = new StreamsBuilder();
    var store = args[5].equals("memory") ? Stores.inMemoryKeyValueStore(STORE) : Stores.persistentKeyValueStore(STORE);
    builder.addStateStore(Stores.keyValueStoreBuilder(store, Serdes.String(), Serdes.ByteArray()).withCachingEnabled());
    builder.stream(args[2], Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
        .processValues(Fold::new, STORE)
        .to(args[3], Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
    Shared.run(builder.build(), Shared.settings(args[0], args[1], args[4]));
  }

  static final class Fold implements FixedKeyProcessor<byte[], byte[], byte[]> {
    private FixedKeyProcessorContext<byte[], byte[]> context;
    private KeyValueStore<String, byte[]> store;

    @Override
    public void init(FixedKeyProcessorContext<byte[], byte[]> context) {
      this.context = context;
      store = context.getStateStore(STORE);
    }

    @Override
    public void process(FixedKeyRecord<byte[], byte[]> record) {
      try {
        JsonNode event = Shared.JSON.readTree(record.value());
        long moved = moved(event.get("result"), event.get("previous"));
        for (int level = 0; level < LEVELS.length; level++) {
          context.forward(record.withValue(Shared.JSON.writeValueAsBytes(total(event, level, moved))));
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private ObjectNode total(JsonNode event, int level, long moved) {
      JsonNode at = event.get("context");
      String name = event.get("eventName").textValue();
      String lesson = level == 0 ? text(at, "lessonId") : "";
      String unit = level < 2 ? text(at, "unitId") : "";
      String key = String.join("\u001f", text(at, "tenantId"), text(event, "userId"), text(at, "classId"),
          text(at, "courseId"), unit, lesson, text(at, "track"), LEVELS[level], name);
      byte[] stored = store.get(key);
      ByteBuffer was = stored == null ? null : ByteBuffer.wrap(stored);
      long count = (was == null ? 0 : was.getLong()) + 1;
      long before = was == null ? 0 : was.getLong();
      long sum = before + moved;
      store.put(key, ByteBuffer.allocate(16).putLong(count).putLong(sum).array());
      ObjectNode out = Shared.JSON.createObjectNode();
      out.put("eventName", name).put("level", LEVELS[level]).put("count", count).put("sum", sum).put("previous", before);
      out.put("deId", Shared.idOf(key, Long.toString(count))).put("revision", count);
      out.set("eventId", event.get("eventId"));
      out.set("eventKey", event.get("eventKey"));
      out.set("activityTime", event.get("activityTime"));
      out.set("localDate", event.get("localDate"));
      out.set("userId", event.get("userId"));
      out.set("context", at);
      return out;
    }
  }

  /** The delta, or the new percent less the one before, in hundredths; reactions likewise. */
  private static long moved(JsonNode result, JsonNode previous) {
    if (result.has("delta")) {
      return result.get("delta").longValue();
    }
    return worth(result) - (previous == null || previous.isNull() ? 0 : worth(previous));
  }

  private static long worth(JsonNode result) {
    if (result.has("reaction")) {
      return result.get("reaction").longValue();
    }
    JsonNode score = result.get("score");
    return score == null || score.isNull() ? 0 : Math.round(score.doubleValue() * 100);
  }

  private static String text(JsonNode node, String name) {
    JsonNode value = node.get(name);
    return value == null || value.isNull() ? "" : value.textValue();
  }
}
