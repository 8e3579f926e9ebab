package brokerd;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import javax.jms.Connection;
import javax.jms.MessageConsumer;
import javax.jms.Queue;
import javax.jms.Session;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import org.apache.activemq.ActiveMQSslConnectionFactory;

/** Uses every protocol once, so that the class archive recorded in the image build holds what a broker's first minutes need. */
public final class Training {
  private static final String USER = "admin";
  private static final String PASSWORD = "example-password";
  private static final TrustManager[] TRUST_ALL = {new TrustAll()};

  private Training() {}

  public static void main(String[] args) throws Exception {
    // Exits through the shutdown hook, which stops the broker: the archive is written after that.
    try {
      Launcher.start();
      openwire();
      stomp();
      mqtt();
      amqp();
      websocket();
      console("/admin/index.jsp");
      console("/admin/queues.jsp");
      console("/admin/connections.jsp");
      console("/admin/send.jsp?JMSDestination=train");
      own(NetworkLinks.PATH, "]");
      own(MetricsPage.PATH, "# EOF");
      System.exit(0);
    } catch (Throwable t) {
      t.printStackTrace();
      System.exit(1);
    }
  }

  private static void openwire() throws Exception {
    ActiveMQSslConnectionFactory factory = new ActiveMQSslConnectionFactory("ssl://127.0.0.1:61617?socket.verifyHostName=false");
    factory.setKeyAndTrustManagers(null, TRUST_ALL, null);
    try (Connection connection = factory.createConnection(USER, PASSWORD)) {
      connection.start();
      Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
      Queue queue = session.createQueue("train");
      session.createProducer(queue).send(session.createTextMessage("hi"));
      MessageConsumer consumer = session.createConsumer(queue);
      if (consumer.receive(10_000) == null) {
        throw new IOException("OpenWire: no message came back");
      }
    }
  }

  private static void stomp() throws Exception {
    try (Socket s = tls(61614)) {
      send(s, "CONNECT\naccept-version:1.2\nhost:x\nlogin:" + USER + "\npasscode:" + PASSWORD + "\n\n\0");
      expect(s, "CONNECTED");
      send(s, "SUBSCRIBE\nid:1\ndestination:/queue/train\nack:auto\n\n\0SEND\ndestination:/queue/train\npersistent:true\nreceipt:r\n\nhello-stomp\0");
      expect(s, "hello-stomp");
    }
  }

  private static void mqtt() throws Exception {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    DataOutputStream d = new DataOutputStream(body);
    d.writeUTF("MQTT");
    d.writeByte(4);
    d.writeByte(0xC2);
    d.writeShort(30);
    for (String part : new String[] {"train", USER, PASSWORD}) {
      d.writeUTF(part);
    }
    try (Socket s = tls(8883)) {
      // At once: ActiveMQ misreads a packet whose first bytes come by themselves.
      ByteArrayOutputStream packet = new ByteArrayOutputStream();
      packet.write(0x10);
      packet.write(body.size());
      body.writeTo(packet);
      s.getOutputStream().write(packet.toByteArray());
      s.getOutputStream().flush();
      expect(s, "\u0020\u0002\u0000\u0000");
    }
  }

  private static void amqp() throws Exception {
    try (Socket s = tls(5671)) {
      send(s, "AMQP\u0003\u0001\u0000\u0000");
      expect(s, "PLAIN");
      byte[] response = ("\0" + USER + "\0" + PASSWORD).getBytes(StandardCharsets.US_ASCII);
      // sasl-init: a list of mechanism (symbol) and initial response (binary)
      byte[] mechanism = {(byte) 0xa3, 5, 'P', 'L', 'A', 'I', 'N'};
      ByteArrayOutputStream f = new ByteArrayOutputStream();
      DataOutputStream d = new DataOutputStream(f);
      int list = 1 + mechanism.length + 2 + response.length;
      d.writeInt(8 + 3 + 2 + list);
      d.write(new byte[] {2, 1, 0, 0, 0, 0x53, 0x41, (byte) 0xc0, (byte) list, 2});
      d.write(mechanism);
      d.write(0xa0);
      d.write(response.length);
      d.write(response);
      s.getOutputStream().write(f.toByteArray());
      s.getOutputStream().flush();
      // sasl-outcome with code 0
      expect(s, "\u0000\u0053\u0044\u00c0");
      send(s, "AMQP\u0000\u0001\u0000\u0000");
      expect(s, "AMQP\u0000\u0001\u0000\u0000");
    }
  }

  private static void websocket() throws Exception {
    try (Socket s = tls(61619)) {
      send(s, "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
          + "Sec-WebSocket-Protocol: v12.stomp\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
      expect(s, "\r\n\r\n");
      byte[] connect = ("CONNECT\naccept-version:1.2\nhost:x\nlogin:" + USER + "\npasscode:" + PASSWORD + "\n\n\0").getBytes(StandardCharsets.US_ASCII);
      // a text frame of less than 126 bytes with the mask 0
      OutputStream o = s.getOutputStream();
      o.write(new byte[] {(byte) 0x81, (byte) (0x80 | connect.length), 0, 0, 0, 0});
      o.write(connect);
      o.flush();
      expect(s, "CONNECTED");
    }
  }

  private static void console(String path) throws Exception {
    String credentials = Base64.getEncoder().encodeToString((USER + ":" + PASSWORD).getBytes(StandardCharsets.US_ASCII));
    long deadline = System.nanoTime() + 60_000_000_000L;
    while (true) {
      try (Socket s = tls(8162)) {
        send(s, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Basic " + credentials + "\r\n\r\n");
        String page = expect(s, "</html>");
        if (!page.startsWith("HTTP/1.1 200")) {
          throw new IllegalStateException(path + " answered " + page);
        }
        return;
      } catch (IOException e) {
        if (System.nanoTime() > deadline) {
          throw e;
        }
        Thread.sleep(50);
      }
    }
  }

  /** A page for the control plane, with what the example's console.properties asks for. */
  private static void own(String path, String end) throws Exception {
    try (Socket s = tls(8162)) {
      send(s, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Basic ZXhhbXBsZQ==\r\n\r\n");
      expect(s, end);
    }
  }

  private static Socket tls(int port) throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, TRUST_ALL, null);
    Socket s = context.getSocketFactory().createSocket("127.0.0.1", port);
    s.setSoTimeout(10_000);
    return s;
  }

  private static void send(Socket s, String text) throws IOException {
    s.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
    s.getOutputStream().flush();
  }

  /** Reads until the text has come. */
  private static String expect(Socket s, String text) throws IOException {
    StringBuilder got = new StringBuilder();
    InputStream in = s.getInputStream();
    byte[] buffer = new byte[8192];
    while (got.indexOf(text) < 0) {
      int n = in.read(buffer);
      if (n < 0) {
        throw new EOFException("expected " + text + ", got " + got);
      }
      got.append(new String(buffer, 0, n, StandardCharsets.ISO_8859_1));
    }
    return got.toString();
  }
}
