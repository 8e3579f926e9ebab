package brokerd;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.activemq.broker.BrokerPlugin;
import org.apache.activemq.broker.BrokerService;
import org.apache.activemq.broker.TransportConnector;
import org.apache.activemq.broker.region.policy.ConstantPendingMessageLimitStrategy;
import org.apache.activemq.broker.region.policy.PolicyEntry;
import org.apache.activemq.command.ActiveMQDestination;
import org.apache.activemq.command.ActiveMQQueue;
import org.apache.activemq.command.ActiveMQTopic;
import org.apache.activemq.usage.SystemUsage;
import org.apache.activemq.util.IntrospectionSupport;

/** What a broker has, whether its configuration says so or not: lines of name=value, sorted. */
final class Description {
  private final Map<String, Object> lines = new TreeMap<>();

  /** Of a broker with these connectors, whether or not it listens to them. */
  Description(List<TransportConnector> connectors) {
    for (TransportConnector connector : connectors) {
      lines.put("connector." + connector.getName(), connector.getUri());
    }
  }

  String of(BrokerService broker) throws Exception {
    add("broker.", broker);
    add("store.", broker.getPersistenceAdapter());
    policy("queue.", broker, new ActiveMQQueue("any"));
    policy("topic.", broker, new ActiveMQTopic("any"));
    List<String> plugins = new ArrayList<>();
    for (BrokerPlugin plugin : broker.getPlugins()) {
      plugins.add(plugin.getClass().getSimpleName());
    }
    lines.put("plugins", String.join(",", plugins));
    SystemUsage usage = broker.getSystemUsage();
    lines.put("usage.memory.percentOfJvmHeap", Math.round(100.0 * usage.getMemoryUsage().getLimit() / Runtime.getRuntime().maxMemory()));
    lines.put("usage.sendFailIfNoSpace", usage.isSendFailIfNoSpace());
    StringBuilder text = new StringBuilder();
    lines.forEach((name, value) -> text.append(name).append('=').append(value).append('\n'));
    return text.toString();
  }

  private void policy(String prefix, BrokerService broker, ActiveMQDestination destination) {
    PolicyEntry policy = broker.getDestinationPolicy().getEntryFor(destination);
    add(prefix, policy);
    if (policy.getPendingMessageLimitStrategy() instanceof ConstantPendingMessageLimitStrategy constant) {
      lines.put(prefix + "pendingMessageLimit", constant.getLimit());
    }
  }

  private void add(String prefix, Object part) {
    Map<String, Object> properties = new HashMap<>();
    IntrospectionSupport.getProperties(part, properties, prefix);
    lines.putAll(properties);
  }
}
