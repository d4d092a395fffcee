// Demux's work as a Kafka Streams program: impact signals as JSON in, one discrete event as JSON per change out.
//
//   java -cp … Demux <brokers> <application> <input topic> <prefix of output topics> <state dir>
//
// Stateless, exactly_once_v2, one thread. Nothing is checked or dead-lettered.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;

public final class Demux {
  /** A value and where it goes. */
  record Out(String topic, byte[] value) {}

  public static void main(String[] args) throws InterruptedException {
    String prefix = args[3];
    StreamsBuilder builder = new StreamsBuilder();
    var outs = Serdes.serdeFrom((String topic, Out out) -> out.value(), (String topic, byte[] value) -> new Out(topic, value));
    builder.stream(args[2], Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
        .processValues(() -> new Split(prefix))
        .to((key, out, context) -> out.topic(), Produced.with(Serdes.ByteArray(), outs));
    Shared.run(builder.build(), Shared.settings(args[0], args[1], args[4]));
  }

  static final class Split implements FixedKeyProcessor<byte[], byte[], Out> {
    private final String prefix;
    private FixedKeyProcessorContext<byte[], Out> context;

    Split(String prefix) {
      this.prefix = prefix;
    }

    @Override
    public void init(FixedKeyProcessorContext<byte[], Out> context) {
      this.context = context;
    }

    @Override
    public void process(FixedKeyRecord<byte[], byte[]> record) {
      try {
        JsonNode signal = Shared.JSON.readTree(record.value());
        var at = context.recordMetadata().orElseThrow();
        int index = 0;
        for (JsonNode change : signal.get("changes")) {
          String src = at.topic() + '/' + at.partition() + '@' + at.offset() + '#' + index++;
          String topic = prefix + change.get("entity").textValue() + '.' + change.get("metric").textValue();
          byte[] value = Shared.JSON.writeValueAsBytes(discrete(signal, change, src, at.offset()));
          context.forward(record.withValue(new Out(topic, value)));
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static ObjectNode discrete(JsonNode signal, JsonNode change, String src, long offset) {
    JsonNode event = signal.get("event");
    String object = change.get("entity").textValue();
    String name = "usage." + object + '.' + change.get("metric").textValue();
    boolean resource = object.equals("resource") || object.equals("question");
    ObjectNode out = Shared.JSON.createObjectNode();
    ObjectNode lineage = out.putObject("lineage");
    lineage.put("src", src).put("hop", signal.get("lineage").get("hop").intValue() + 1).put("seq", offset);
    lineage.put("id", Shared.idOf(src)).set("root", signal.get("lineage").get("root"));
    out.put("eventName", name).put("deId", key(name, event, change, resource));
    out.set("revision", change.get("revision"));
    out.set("eventId", event.get("eventId"));
    out.set("eventKey", event.get("eventKey"));
    out.set("activityTime", change.get("activityTime"));
    out.set("localDate", change.get("localDate"));
    out.set("cause", change.get("cause"));
    out.set("userId", event.get("userId"));
    out.set("resourceId", resource ? change.get("resourceId") : null);
    out.set("resourceType", resource ? change.get("resourceType") : null);
    out.set("collectionId", resource ? null : change.get("itemId"));
    out.set("collectionType", resource ? null : change.get("itemType"));
    out.putNull("itemKind").putNull("code");
    out.set("context", change.get("context"));
    out.set("result", change.get("after"));
    out.set("previous", change.get("before"));
    return out;
  }

  private static String key(String name, JsonNode event, JsonNode change, boolean resource) {
    List<String> parts = new ArrayList<>(12);
    parts.add(name);
    parts.add(text(event, "tenantId"));
    parts.add(text(event, "userId"));
    JsonNode at = change.get("context");
    if (name.equals("usage.collection.score")) {
      parts.add(text(change, "itemId"));
      for (String part : new String[] {"classId", "courseId", "unitId", "lessonId", "track"}) {
        parts.add(text(at, part));
      }
      parts.add(at.get("pathId").asText());
    } else {
      parts.add(text(change, "sessionId"));
      parts.add(text(change, "itemId"));
      if (resource) {
        parts.add(text(change, "resourceId"));
      }
    }
    parts.add(change.get("revision").asText());
    return Shared.idOf(parts.toArray(new String[0]));
  }

  private static String text(JsonNode node, String name) {
    JsonNode value = node.get(name);
    return value == null || value.isNull() ? "" : value.textValue();
  }
}
