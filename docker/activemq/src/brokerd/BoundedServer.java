package brokerd;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSocket;
import org.apache.activemq.openwire.OpenWireFormat;
import org.apache.activemq.transport.Transport;
import org.apache.activemq.transport.tcp.SslTransportFactory;
import org.apache.activemq.transport.tcp.SslTransportServer;
import org.apache.activemq.wireformat.WireFormat;
import org.apache.activemq.wireformat.WireFormatFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A connector whose connections are bounded. */
final class BoundedServer extends SslTransportServer {
  private static final Logger LOG = LoggerFactory.getLogger(BoundedServer.class);
  /** Connections begun a second, beyond a first rush of as many as the connector permits at all: a handshake costs some milliseconds. */
  private static final int ATTEMPTS_PER_SECOND = 200;
  private static final long TELL_EVERY = TimeUnit.SECONDS.toNanos(10);

  private final Function<WireFormat, Bounded> bounder;
  private double permits = -1;
  private long refilled = System.nanoTime();
  private long told = refilled - TELL_EVERY;
  private int refused;

  BoundedServer(SslTransportFactory factory, URI location, SSLServerSocketFactory sockets, Function<WireFormat, Bounded> bounder)
      throws IOException, URISyntaxException {
    super(factory, location, sockets);
    this.bounder = bounder;
    // Otherwise accepted connections wait in a queue without an end.
    setUseQueueForAccept(false);
  }

  @Override
  public void setWireFormatFactory(WireFormatFactory configured) {
    super.setWireFormatFactory(() -> {
      WireFormat format = configured.createWireFormat();
      // Other parts of a connection insist on this class, which can't be extended; what reads is bounded when there is a connection.
      return format instanceof OpenWireFormat ? format : bounder.apply(format);
    });
  }

  @Override
  protected Transport createTransport(Socket socket, WireFormat format) throws IOException {
    return new BoundedTransport(format instanceof Bounded bounded ? bounded : bounder.apply(format), (SSLSocket) socket);
  }

  @Override
  protected void handleSocket(Socket socket) {
    if (mayBegin()) {
      super.handleSocket(socket);
      return;
    }
    try {
      socket.close();
    } catch (IOException e) {
      LOG.debug("closing a refused connection", e);
    }
  }

  /** Only the connector's own thread asks. */
  private boolean mayBegin() {
    long now = System.nanoTime();
    double most = Math.max(getMaximumConnections(), ATTEMPTS_PER_SECOND);
    double more = (now - refilled) / 1e9 * ATTEMPTS_PER_SECOND;
    permits = permits < 0 ? most : Math.min(most, permits + more);
    refilled = now;
    if (permits >= 1) {
      permits--;
      return true;
    }
    refused++;
    if (now - told >= TELL_EVERY) {
      LOG.warn("{} connections to {} refused: more than {} a second are begun", refused, this, ATTEMPTS_PER_SECOND);
      refused = 0;
      told = now;
    }
    return false;
  }
}
