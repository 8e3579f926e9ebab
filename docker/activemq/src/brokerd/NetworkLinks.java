package brokerd;

import java.net.URI;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.activemq.broker.Broker;
import org.apache.activemq.broker.BrokerFilter;
import org.apache.activemq.broker.BrokerService;
import org.apache.activemq.command.BrokerInfo;
import org.apache.activemq.network.DiscoveryNetworkConnector;
import org.apache.activemq.network.NetworkBridge;
import org.apache.activemq.network.NetworkConnector;
import org.apache.activemq.util.URISupport;

/**
 * Tells the control plane, and nobody else, which network connectors are connected. ActiveMQ has beans for bridges that are up; why there is
 * none it writes to its log only, which is read here for it.
 */
final class NetworkLinks extends OwnPage {
  static final String PATH = "/brokerd/links";

  /** A bridge counts when it is this old: the other broker refuses a login a moment after the bridge has started. */
  private static final long SETTLED = TimeUnit.SECONDS.toNanos(2);
  /** How long after the broker's start a connector that has not said anything may still be about to. */
  private static final long FIRST_ATTEMPT_MS = 10_000;
  /** Reports of trouble that are kept; there are few connectors, and the newest report of each is what matters. */
  private static final int REPORTS = 64;
  private static final Logger LOG = Logger.getLogger("org.apache.activemq.network");
  /** What is behind the addresses in ActiveMQ's reports. */
  private static final Pattern REASON = Pattern.compile("(?:due to|error|to remote URI: \\S+): (.+)$|\\((.+)\\)$", Pattern.DOTALL);

  /** When the newest bridge to a broker started, by the broker's name. */
  private static final Map<String, Long> STARTED = new ConcurrentHashMap<>();
  private static final ConcurrentLinkedDeque<String> TROUBLE = new ConcurrentLinkedDeque<>();

  private final BrokerService broker;

  NetworkLinks(BrokerService broker, String authorization) {
    super(PATH, "application/json", authorization);
    this.broker = broker;
  }

  /** To be called before the broker starts. */
  static void listen() {
    LOG.addHandler(new java.util.logging.Handler() {
      @Override
      public void publish(LogRecord report) {
        if (report.getLevel().intValue() >= Level.INFO.intValue() && report.getMessage() != null) {
          TROUBLE.addFirst(report.getMessage());
          if (TROUBLE.size() > REPORTS) {
            TROUBLE.pollLast();
          }
        }
      }

      @Override
      public void flush() {}

      @Override
      public void close() {}
    });
  }

  /** In the form in which RabbitMQ's management API tells of shovels. */
  @Override
  String text() {
    StringBuilder json = new StringBuilder("[");
    for (NetworkConnector connector : broker.getNetworkConnectors()) {
      json.append(json.length() > 1 ? "," : "").append("{\"name\":").append(quoted(connector.getName()));
      String why = connector instanceof DiscoveryNetworkConnector discovery ? whyNot(discovery) : null;
      if (why == null) {
        json.append(",\"state\":\"running\"}");
      } else if (why.isEmpty()) {
        json.append(",\"state\":\"starting\"}");
      } else {
        json.append(",\"state\":\"down\",\"reason\":").append(quoted(why)).append('}');
      }
    }
    return json.append(']').toString();
  }

  /** Why a connector is not connected to each of its brokers: nothing where that is not known yet, null where it is connected. */
  private static String whyNot(DiscoveryNetworkConnector connector) {
    URI[] wanted;
    try {
      wanted = URISupport.parseComposite(connector.getUri()).getComponents();
    } catch (java.net.URISyntaxException e) {
      return e.getMessage();
    }
    // One of several is enough where they are one broker and its standby.
    int needed = connector.getUri().getScheme().equals("static") ? wanted.length : 1;
    int settled = 0;
    boolean starting = false;
    for (NetworkBridge bridge : connector.activeBridges()) {
      Long since = bridge.getMbeanObjectName() == null ? null : STARTED.get(bridge.getRemoteBrokerName());
      if (since != null && System.nanoTime() - since >= SETTLED) {
        settled++;
      } else if (since != null) {
        starting = true;
      }
    }
    if (settled >= needed) {
      return null;
    }
    if (starting) {
      return "";
    }
    for (String report : TROUBLE) {
      for (URI uri : wanted) {
        Matcher reason = REASON.matcher(report);
        if (names(report, uri) && reason.find()) {
          return uri + ": " + (reason.group(1) == null ? reason.group(2) : reason.group(1));
        }
      }
    }
    return connector.getBrokerService().getUptimeMillis() < FIRST_ATTEMPT_MS ? "" : "not connected";
  }

  /** Whether a report is about an address; a nested one is told of by the addresses in it. */
  private static boolean names(String report, URI uri) {
    if (uri.getHost() == null) {
      return report.contains(uri.getSchemeSpecificPart());
    }
    return report.contains(uri.getHost()) && report.contains(":" + uri.getPort());
  }

  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ') {
        quoted.append(' ');
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }

  /** Hears of bridges that start. */
  static final class Bridges extends BrokerFilter {
    Bridges(Broker next) {
      super(next);
    }

    @Override
    public void networkBridgeStarted(BrokerInfo other, boolean createdByDuplex, String address) {
      STARTED.put(other.getBrokerName(), System.nanoTime());
      super.networkBridgeStarted(other, createdByDuplex, address);
    }
  }
}
