package brokerd;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import javax.net.ssl.SSLServerSocketFactory;
import org.apache.activemq.broker.Broker;
import org.apache.activemq.broker.BrokerFilter;
import org.apache.activemq.broker.BrokerService;
import org.apache.activemq.broker.ConnectionContext;
import org.apache.activemq.broker.TransportConnection;
import org.apache.activemq.command.ConnectionInfo;
import org.apache.activemq.openwire.OpenWireFormat;
import org.apache.activemq.transport.TransportFactory;
import org.apache.activemq.transport.amqp.AmqpSslTransportFactory;
import org.apache.activemq.transport.amqp.AmqpWireFormat;
import org.apache.activemq.transport.mqtt.MQTTSslTransportFactory;
import org.apache.activemq.transport.mqtt.MQTTWireFormat;
import org.apache.activemq.transport.stomp.StompSslTransportFactory;
import org.apache.activemq.transport.stomp.StompWireFormat;
import org.apache.activemq.transport.tcp.SslTransportFactory;
import org.apache.activemq.transport.tcp.SslTransportServer;

/** Puts bounds before the login of every connector, under the schemes that ActiveMQ's configuration has for them. */
final class Connectors {
  private Connectors() {}

  /** To be called before the broker's configuration is read. */
  static void bound() {
    TransportFactory.registerTransportFactory("ssl", new OpenWire());
    TransportFactory.registerTransportFactory("stomp+ssl", new Stomp());
    TransportFactory.registerTransportFactory("amqp+ssl", new Amqp());
    TransportFactory.registerTransportFactory("mqtt+ssl", new Mqtt());
    TransportFactory.registerTransportFactory("wss", new BoundedWebSockets.Factory());
  }

  /**
   * Makes the broker tell connections that they have logged in: when it has taken them, after all that was asked of them. And adds what
   * the control plane's pages need to hear.
   */
  static void tellLogins(BrokerService broker) {
    Plugins.add(broker, NetworkLinks.Bridges::new, Transactions::new, Logins::new);
  }

  private static final class Logins extends BrokerFilter {
    Logins(Broker next) {
      super(next);
    }

    @Override
    public void addConnection(ConnectionContext context, ConnectionInfo info) throws Exception {
      super.addConnection(context, info);
      if (context.getConnection() instanceof TransportConnection connection) {
        BoundedTransport transport = connection.getTransport().narrow(BoundedTransport.class);
        Admission inWebSocket = BoundedWebSockets.admission(connection.getTransport());
        if (transport != null) {
          transport.loggedIn();
        } else if (inWebSocket != null) {
          inWebSocket.loggedIn();
        }
      }
    }
  }

  private static final class OpenWire extends SslTransportFactory {
    @Override
    protected SslTransportServer createSslTransportServer(URI location, SSLServerSocketFactory sockets)
        throws IOException, URISyntaxException {
      return new BoundedServer(this, location, sockets, format -> BoundedOpenWireFormat.of((OpenWireFormat) format));
    }
  }

  private static final class Stomp extends StompSslTransportFactory {
    @Override
    protected SslTransportServer createSslTransportServer(URI location, SSLServerSocketFactory sockets)
        throws IOException, URISyntaxException {
      return new BoundedServer(this, location, sockets, format -> BoundedStompFormat.of((StompWireFormat) format));
    }
  }

  private static final class Amqp extends AmqpSslTransportFactory {
    @Override
    protected SslTransportServer createSslTransportServer(URI location, SSLServerSocketFactory sockets)
        throws IOException, URISyntaxException {
      return new BoundedServer(this, location, sockets, format -> BoundedAmqpFormat.of((AmqpWireFormat) format));
    }
  }

  private static final class Mqtt extends MQTTSslTransportFactory {
    @Override
    protected SslTransportServer createSslTransportServer(URI location, SSLServerSocketFactory sockets)
        throws IOException, URISyntaxException {
      BoundedServer server = new BoundedServer(this, location, sockets, format -> BoundedMqttFormat.of((MQTTWireFormat) format));
      // As ActiveMQ has it: a client that comes again ends what is left of its former connection.
      server.setAllowLinkStealing(true);
      return server;
    }
  }
}
