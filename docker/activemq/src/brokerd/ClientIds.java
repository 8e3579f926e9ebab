package brokerd;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.jms.InvalidClientIDException;
import org.apache.activemq.broker.Broker;
import org.apache.activemq.broker.BrokerFilter;
import org.apache.activemq.broker.BrokerService;
import org.apache.activemq.broker.ConnectionContext;
import org.apache.activemq.command.ConnectionInfo;

/**
 * Tells a client whose client ID is in use that it is, and not by which address: that is the gateway's within the broker's own network, which
 * is nobody's business outside.
 */
final class ClientIds extends BrokerFilter {
  /** What the broker says: "Broker: … - Client: … already connected from wss://192.168.0.1:1". */
  private static final Pattern CONNECTED_FROM = Pattern.compile("(.* already connected) from \\S+", Pattern.DOTALL);

  private ClientIds(Broker next) {
    super(next);
  }

  /** To be called before the broker starts, after other plugins were added: this one has to see what all of them say. */
  static void discreet(BrokerService broker) {
    Plugins.add(broker, ClientIds::new);
  }

  @Override
  public void addConnection(ConnectionContext context, ConnectionInfo info) throws Exception {
    try {
      super.addConnection(context, info);
    } catch (InvalidClientIDException refused) {
      Matcher matcher = CONNECTED_FROM.matcher(String.valueOf(refused.getMessage()));
      if (!matcher.matches()) {
        throw refused;
      }
      // Without its cause, which says it again.
      throw new InvalidClientIDException(matcher.group(1), refused.getErrorCode());
    }
  }
}
