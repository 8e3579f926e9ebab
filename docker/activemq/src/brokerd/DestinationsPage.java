package brokerd;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.jms.JMSException;
import org.apache.activemq.broker.BrokerService;
import org.apache.activemq.broker.ConnectionContext;
import org.apache.activemq.broker.ProducerBrokerExchange;
import org.apache.activemq.broker.region.Destination;
import org.apache.activemq.broker.region.DestinationFilter;
import org.apache.activemq.broker.region.DestinationStatistics;
import org.apache.activemq.broker.region.Queue;
import org.apache.activemq.broker.region.Region;
import org.apache.activemq.broker.region.RegionBroker;
import org.apache.activemq.broker.region.Topic;
import org.apache.activemq.command.ActiveMQBytesMessage;
import org.apache.activemq.command.ActiveMQDestination;
import org.apache.activemq.command.ActiveMQMessage;
import org.apache.activemq.command.ActiveMQQueue;
import org.apache.activemq.command.ActiveMQTextMessage;
import org.apache.activemq.command.ActiveMQTopic;
import org.apache.activemq.command.ConnectionId;
import org.apache.activemq.command.Message;
import org.apache.activemq.command.MessageId;
import org.apache.activemq.command.ProducerId;
import org.apache.activemq.command.ProducerInfo;
import org.apache.activemq.command.SessionId;
import org.apache.activemq.security.SecurityContext;
import org.apache.activemq.state.ProducerState;
import org.apache.activemq.util.IdGenerator;
import org.apache.activemq.util.LongSequenceGenerator;

/**
 * Queues and topics, for the control plane: lists them, shows their messages without consuming them, publishes, purges and deletes. A
 * request is a call in JSON, as brokerd's own domain writes it; an answer is JSON, too. Nothing is made that was not there before.
 */
final class DestinationsPage extends OwnPage {
  static final String PATH = "/brokerd/destinations";

  private static final int LONGEST_REQUEST = 1 << 20;
  /** How long a message may wait for space before it is refused. */
  private static final long PATIENCE_MS = 3000;
  private static final String PREFIX_OF_CONTENT_TYPE = "JMS_AMQP_ContentType";
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final ProducerId PRODUCER = new ProducerId(new SessionId(new ConnectionId(new IdGenerator("brokerd").generateId()), 1), 1);
  private static final LongSequenceGenerator SEQUENCE = new LongSequenceGenerator();
  private static final ScheduledExecutorService TIMER = Executors.newSingleThreadScheduledExecutor(task -> {
    Thread thread = new Thread(task, "destinations-timer");
    thread.setDaemon(true);
    return thread;
  });

  /** As brokerd orders them: by the bytes of their names, then by kind. */
  private static final Comparator<Listed> ORDER = Comparator.<Listed, byte[]>comparing(listed -> listed.bytes, Arrays::compareUnsigned)
      .thenComparing(listed -> listed.kind);

  private final BrokerService broker;

  DestinationsPage(BrokerService broker, String authorization) {
    super(PATH, "application/json", authorization);
    this.broker = broker;
  }

  @Override
  String text() {
    return refused("badRequest", "calls are posted").toString();
  }

  @Override
  String answer(InputStream body) throws Exception {
    byte[] request = body.readNBytes(LONGEST_REQUEST + 1);
    if (request.length > LONGEST_REQUEST) {
      return refused("badRequest", "the call is too long").toString();
    }
    JsonNode call;
    try {
      call = JSON.readTree(request);
    } catch (IOException e) {
      return refused("badRequest", "the call is no JSON").toString();
    }
    ObjectNode answer = switch (call.path("call").asText()) {
      case "list" -> list(call);
      case "browse" -> browse(call);
      case "publish" -> publish(call);
      case "purge" -> purge(call);
      case "delete" -> delete(call);
      case "test" -> JSON.createObjectNode().put("username", TestLogins.NAME).put("password", TestLogins.password());
      default -> refused("badRequest", "no call of that name is known");
    };
    return answer.toString();
  }

  private ObjectNode list(JsonNode call) throws Exception {
    String kind = call.path("kind").asText("");
    String contains = lower(call.path("nameContains").asText(""));
    boolean internal = call.path("internal").asBoolean();
    JsonNode after = call.path("after");
    Listed last = after.isObject() ? new Listed(null, after.path("name").asText(), after.path("kind").asText()) : null;
    RegionBroker regions = regions();
    List<Listed> all = new ArrayList<>();
    for (Region region : List.of(regions.getQueueRegion(), regions.getTopicRegion())) {
      for (Destination destination : region.getDestinationMap().values()) {
        Listed listed = new Listed(destination);
        boolean wanted = (kind.isEmpty() || listed.kind.equals(kind)) && (internal || !isInternal(listed.name))
            && (contains.isEmpty() || lower(listed.name).contains(contains)) && (last == null || ORDER.compare(listed, last) > 0);
        if (wanted) {
          all.add(listed);
        }
      }
    }
    all.sort(ORDER);
    int most = call.path("most").asInt(1);
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode told = answer.putArray("destinations");
    for (Listed listed : all.subList(0, Math.min(most, all.size()))) {
      DestinationStatistics statistics = listed.destination.getDestinationStatistics();
      long inFlight = statistics.getInflight().getCount();
      told.addObject().put("kind", listed.kind).put("name", listed.name)
          .put("ready", Math.max(0, statistics.getMessages().getCount() - inFlight)).put("unacknowledged", Math.max(0, inFlight))
          .put("consumers", Math.max(0, statistics.getConsumers().getCount()))
          .put("producers", Math.max(0, statistics.getProducers().getCount()));
    }
    return answer.put("hasMore", all.size() > most);
  }

  private ObjectNode browse(JsonNode call) throws Exception {
    Destination destination = destination(call.path("destination"));
    if (destination == null) {
      return notFound();
    }
    int most = call.path("most").asInt(1);
    List<Message> messages = new ArrayList<>();
    if (destination instanceof Queue queue) {
      queue.doBrowse(messages, most);
    } else {
      messages.addAll(Arrays.asList(destination.browse()));
    }
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode told = answer.putArray("messages");
    ShownMessage.Budget budget = new ShownMessage.Budget();
    for (Message message : messages.subList(0, Math.min(most, messages.size()))) {
      ShownMessage.tell(told.addObject(), message, budget, PREFIX_OF_CONTENT_TYPE);
    }
    return answer;
  }

  private ObjectNode publish(JsonNode call) throws Exception {
    Destination destination = destination(call.path("destination"));
    if (destination == null) {
      return JSON.createObjectNode().put("isRouted", false);
    }
    boolean routed = !(destination instanceof Topic topic) || !topic.getConsumers().isEmpty() || !topic.getDurableTopicSubs().isEmpty();
    ConnectionContext context = context();
    ProducerBrokerExchange exchange = new ProducerBrokerExchange();
    exchange.setConnectionContext(context);
    exchange.setMutable(true);
    exchange.setProducerState(new ProducerState(new ProducerInfo()));
    ActiveMQMessage message;
    try {
      message = message(call);
    } catch (JMSException | IllegalArgumentException e) {
      return refused("badRequest", "The broker can't have such a message: " + e.getMessage());
    }
    message.setDestination(destination.getActiveMQDestination());
    Future<?> end = TIMER.schedule(() -> context.getStopping().set(true), PATIENCE_MS, TimeUnit.MILLISECONDS);
    try {
      broker.getBroker().send(exchange, message);
    } catch (IOException | JMSException e) {
      return refused("conflict", "The broker does not take the message: " + e.getMessage());
    } finally {
      end.cancel(false);
    }
    return JSON.createObjectNode().put("isRouted", routed);
  }

  private static ActiveMQMessage message(JsonNode call) throws JMSException {
    JsonNode body = call.path("body");
    ActiveMQMessage message;
    if (body.has("base64")) {
      ActiveMQBytesMessage bytes = new ActiveMQBytesMessage();
      bytes.writeBytes(java.util.Base64.getDecoder().decode(body.path("base64").asText()));
      message = bytes;
    } else {
      ActiveMQTextMessage text = new ActiveMQTextMessage();
      text.setText(body.path("text").asText());
      message = text;
    }
    message.setProducerId(PRODUCER);
    message.setMessageId(new MessageId(PRODUCER, SEQUENCE.getNextSequenceId()));
    message.setTimestamp(System.currentTimeMillis());
    message.setPersistent(call.path("persistent").asBoolean(true));
    message.setPriority((byte) javax.jms.Message.DEFAULT_PRIORITY);
    if (call.hasNonNull("contentType")) {
      message.setStringProperty(PREFIX_OF_CONTENT_TYPE, call.get("contentType").asText());
    }
    for (Map.Entry<String, JsonNode> property : call.path("properties").properties()) {
      JsonNode value = property.getValue();
      Object given = value.isBoolean() ? (Object) value.asBoolean() : value.isIntegralNumber() ? (Object) value.asLong()
          : value.isNumber() ? (Object) value.asDouble() : value.asText();
      message.setObjectProperty(property.getKey(), given);
    }
    message.onSend();
    return message;
  }

  private ObjectNode purge(JsonNode call) throws Exception {
    Destination destination = destination(call);
    if (destination == null) {
      return notFound();
    }
    if (!(destination instanceof Queue queue)) {
      return refused("badRequest", "A topic can't be purged.");
    }
    long before = queue.getDestinationStatistics().getMessages().getCount();
    queue.purge();
    long after = queue.getDestinationStatistics().getMessages().getCount();
    return JSON.createObjectNode().put("purged", Math.max(0, before - after));
  }

  private ObjectNode delete(JsonNode call) throws Exception {
    Destination destination = destination(call);
    if (destination == null) {
      return notFound();
    }
    try {
      // Without patience it fails if there is a subscription.
      broker.getBroker().removeDestination(context(), destination.getActiveMQDestination(), 0);
    } catch (JMSException e) {
      return refused("conflict", "The destination has consumers. It can be deleted when they are gone.");
    }
    return JSON.createObjectNode().put("deleted", true);
  }

  /** The destination of that kind and name; null: there is none. */
  private Destination destination(JsonNode named) throws Exception {
    String name = named.path("name").asText();
    boolean topic = named.path("kind").asText().equals("TOPIC");
    ActiveMQDestination wanted = topic ? new ActiveMQTopic(name) : new ActiveMQQueue(name);
    if (name.isEmpty() || wanted.isPattern() || wanted.isComposite() || wanted.isTemporary()) {
      return null;
    }
    RegionBroker regions = regions();
    Destination found = (topic ? regions.getTopicRegion() : regions.getQueueRegion()).getDestinationMap().get(wanted);
    // Around it there is what asks for rights, and more.
    while (found instanceof DestinationFilter filter) {
      found = filter.getNext();
    }
    return found;
  }

  private RegionBroker regions() {
    return (RegionBroker) broker.getRegionBroker();
  }

  /** Of nobody who needs to be asked for rights. */
  private ConnectionContext context() throws Exception {
    ConnectionContext context = new ConnectionContext();
    context.setBroker(broker.getBroker());
    context.setSecurityContext(SecurityContext.BROKER_SECURITY_CONTEXT);
    return context;
  }

  private static ObjectNode notFound() {
    return refused("notFound", "");
  }

  private static ObjectNode refused(String kind, String message) {
    return JSON.createObjectNode().put("refused", kind).put("message", message);
  }

  /** The letters of ASCII in lower case, and no others. */
  private static String lower(String text) {
    return text.chars().allMatch(c -> c < 128) ? text.toLowerCase(Locale.ROOT)
        : text.chars().map(c -> c >= 'A' && c <= 'Z' ? c + 32 : c)
            .collect(StringBuilder::new, (built, c) -> built.append((char) c), StringBuilder::append).toString();
  }

  private static boolean isInternal(String name) {
    return name.startsWith("ActiveMQ.Advisory.") || name.startsWith("ActiveMQ.Statistics.") || name.startsWith("ActiveMQ.Scheduler.")
        || name.startsWith("amq.") || name.startsWith("brokerd.");
  }

  /** A destination and its place in lists. */
  private static final class Listed {
    final Destination destination;
    final String name;
    final String kind;
    final byte[] bytes;

    Listed(Destination destination, String name, String kind) {
      this.destination = destination;
      this.name = name;
      this.kind = kind;
      this.bytes = name.getBytes(StandardCharsets.UTF_8);
    }

    Listed(Destination destination) {
      this(destination, destination.getActiveMQDestination().getPhysicalName(),
          destination.getActiveMQDestination().isTopic() ? "TOPIC" : "QUEUE");
    }
  }
}
