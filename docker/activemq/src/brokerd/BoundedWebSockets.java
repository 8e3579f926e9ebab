package brokerd;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.activemq.broker.BrokerService;
import org.apache.activemq.broker.SslContext;
import org.apache.activemq.transport.SecureSocketConnectorFactory;
import org.apache.activemq.transport.Transport;
import org.apache.activemq.transport.TransportServer;
import org.apache.activemq.transport.ws.WSTransportProxy;
import org.apache.activemq.transport.ws.jetty9.MQTTSocket;
import org.apache.activemq.transport.ws.jetty9.StompSocket;
import org.apache.activemq.transport.ws.jetty9.WSServlet;
import org.apache.activemq.transport.wss.WSSTransportFactory;
import org.apache.activemq.transport.wss.WSSTransportServer;
import org.apache.activemq.util.IntrospectionSupport;
import org.apache.activemq.util.URISupport;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.server.ConnectionLimit;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.websocket.api.Session;
import org.eclipse.jetty.websocket.api.StatusCode;
import org.eclipse.jetty.websocket.api.WebSocketListener;
import org.eclipse.jetty.websocket.servlet.WebSocketCreator;
import org.eclipse.jetty.websocket.servlet.WebSocketServletFactory;

/**
 * STOMP, MQTT and AMQP in WebSockets. Jetty bounds messages at 64 KiB, and takes them as they come; what is bounded here are the lengths that the
 * frames inside announce, the connections, which ActiveMQ does not count here, and the time until there is a WebSocket.
 */
final class BoundedWebSockets extends WSSTransportServer {
  /** How long a connection may be silent before it has become a WebSocket, in milliseconds. */
  private static final long SILENCE_MS = 10_000;
  private static final Map<Transport, Admission> OPEN = new ConcurrentHashMap<>();

  private final SslContext tls;
  private BrokerService broker;
  private int maximumConnections = Integer.MAX_VALUE;

  private BoundedWebSockets(URI location, SslContext tls) {
    super(location, tls);
    this.tls = tls;
  }

  /** What is known of a client in a WebSocket, or null. */
  static Admission admission(Transport transport) {
    return OPEN.get(transport);
  }

  /** Set from the connector's address. */
  public void setMaximumConnections(int connections) {
    maximumConnections = connections;
  }

  public int getMaximumConnections() {
    return maximumConnections;
  }

  @Override
  public void setBrokerService(BrokerService service) {
    super.setBrokerService(service);
    broker = service;
  }

  @Override
  protected void doStart() throws Exception {
    SslContextFactory.Server factory = new SslContextFactory.Server();
    factory.setSslContext(tls.getSSLContext());
    factory.setIncludeProtocols("TLSv1.2");
    server = new Server();
    server.setStopTimeout(500);
    ServerConnector listener = (ServerConnector) new SecureSocketConnectorFactory(factory).createConnector(server);
    listener.setIdleTimeout(SILENCE_MS);
    HttpConnectionFactory http = (HttpConnectionFactory) listener.getConnectionFactory(HttpVersion.HTTP_1_1.asString());
    http.getHttpConfiguration().setSendServerVersion(false);
    connector = listener;
    // Each is one of TLS and one of HTTP or a WebSocket.
    server.addBean(new ConnectionLimit((int) Math.min(2L * maximumConnections, Integer.MAX_VALUE), listener));
    URI bound = bind();

    WSServlet servlet = new Servlet();
    servlet.setTransportOptions(transportOptions);
    servlet.setBrokerService(broker);
    ServletContextHandler context = new ServletContextHandler(server, "/");
    context.addServlet(new ServletHolder(servlet), "/");
    context.setAttribute("acceptListener", getAcceptListener());
    server.start();
    setConnectURI(bound);
  }

  /** Makes such servers. */
  static final class Factory extends WSSTransportFactory {
    private BrokerService broker;

    @Override
    public TransportServer doBind(URI location) throws IOException {
      try {
        Map<String, String> options = new HashMap<>(URISupport.parseParameters(location));
        BoundedWebSockets server = new BoundedWebSockets(location, SslContext.getCurrentSslContext());
        Map<String, Object> all = new HashMap<>(options);
        IntrospectionSupport.setProperties(server, all);
        server.setTransportOption(all);
        server.setBrokerService(broker);
        return server;
      } catch (URISyntaxException e) {
        throw new IOException(e);
      }
    }

    @Override
    public void setBrokerService(BrokerService service) {
      super.setBrokerService(service);
      broker = service;
    }
  }

  private static final class Servlet extends WSServlet {
    private static final long serialVersionUID = 1;

    @Override
    public void configure(WebSocketServletFactory factory) {
      super.configure(factory);
      WebSocketCreator creator = factory.getCreator();
      factory.setCreator((request, response) -> {
        Object socket = creator.createWebSocket(request, response);
        if (socket instanceof StompSocket stomp) {
          return new Bounds(stomp, stomp);
        }
        if (socket instanceof MQTTSocket mqtt) {
          return new Bounds(mqtt, mqtt);
        }
        if (socket instanceof WSTransportProxy amqp) {
          // Clients are told, and cut their messages accordingly.
          Map<String, Object> frames = new HashMap<>();
          frames.put("wireFormat.maxFrameSize", Admission.FRAME_BEFORE_LOGIN);
          frames.put("wireFormat.maxAmqpFrameSize", Admission.FRAME_BEFORE_LOGIN);
          amqp.setTransportOptions(frames);
          return amqp;
        }
        return null;
      });
    }
  }

  /** Stands between Jetty and ActiveMQ, and ends what announces too much. */
  private static final class Bounds implements WebSocketListener {
    private static final String CONTENT_LENGTH = "content-length:";
    private final WebSocketListener next;
    private final Transport transport;
    private final Admission admission = new Admission();
    private final MqttLengths lengths = new MqttLengths();
    private Session session;

    Bounds(WebSocketListener next, Transport transport) {
      this.next = next;
      this.transport = transport;
      OPEN.put(transport, admission);
    }

    @Override
    public void onWebSocketConnect(Session opened) {
      session = opened;
      next.onWebSocketConnect(opened);
    }

    @Override
    public void onWebSocketBinary(byte[] bytes, int offset, int length) {
      long most = admission.isLoggedIn() ? Admission.frameAfterLogin(Integer.MAX_VALUE) : Admission.FRAME_BEFORE_LOGIN;
      if (lengths.within(bytes, offset, length, most)) {
        next.onWebSocketBinary(bytes, offset, length);
      } else {
        refuse();
      }
    }

    @Override
    public void onWebSocketText(String text) {
      if (announcesMoreThanItHolds(text)) {
        refuse();
      } else {
        next.onWebSocketText(text);
      }
    }

    /** A frame is a message as a whole. */
    private static boolean announcesMoreThanItHolds(String frame) {
      int end = frame.indexOf("\n\n");
      for (String line : frame.substring(0, end < 0 ? frame.length() : end).split("\n")) {
        if (line.startsWith(CONTENT_LENGTH)) {
          try {
            int announced = Integer.parseInt(line.substring(CONTENT_LENGTH.length()).trim());
            return announced < 0 || announced > frame.getBytes(StandardCharsets.UTF_8).length;
          } catch (NumberFormatException e) {
            return true;
          }
        }
      }
      return false;
    }

    private void refuse() {
      session.close(StatusCode.MESSAGE_TOO_LARGE, "frame too large");
    }

    @Override
    public void onWebSocketClose(int status, String reason) {
      OPEN.remove(transport);
      next.onWebSocketClose(status, reason);
    }

    @Override
    public void onWebSocketError(Throwable cause) {
      next.onWebSocketError(cause);
    }
  }
}
