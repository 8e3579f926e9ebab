package brokerd;

import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Properties;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;

/**
 * Does once what every client makes the broker do, while the broker reads its configuration: that keeps one processor busy and leaves
 * another one idle, and the first handshake and the first login of a JVM take many times as long as those that follow.
 */
final class Warmup {
  /** A handshake takes fewer turns; more would mean that it does not come to an end. */
  private static final int TURNS = 20;

  private Warmup() {}

  /** Begins. A failure costs time only: whoever needs what is broken says so. */
  static void inBackground() {
    Thread t = new Thread(() -> {
      try {
        shakeHands(Path.of(System.getProperty("activemq.conf"), "console.properties"));
        HashedLoginModule.warmUp();
        ManagementFactory.getPlatformMBeanServer();
      } catch (Exception | LinkageError e) {
        System.err.println("brokerd: the warm-up ended early: " + e);
      }
    }, "warm-up");
    t.setDaemon(true);
    t.start();
  }

  /** A handshake with ourselves, in memory, with the key that the console's settings name. */
  private static void shakeHands(Path file) throws Exception {
    if (!Files.exists(file)) {
      return;
    }
    Properties settings = new Properties();
    try (InputStream in = Files.newInputStream(file)) {
      settings.load(in);
    }
    SSLContext context = context(file.resolveSibling(settings.getProperty("keyStore")), settings.getProperty("keyStorePassword"));
    SSLEngine server = engine(context, false);
    SSLEngine client = engine(context, true);
    int size = 2 * server.getSession().getPacketBufferSize();
    ByteBuffer toServer = ByteBuffer.allocate(size);
    ByteBuffer toClient = ByteBuffer.allocate(size);
    for (int turn = 0; turn < TURNS && (turn == 0 || isBusy(server) || isBusy(client)); turn++) {
      advance(client, toClient, toServer);
      advance(server, toServer, toClient);
    }
  }

  private static SSLContext context(Path keyStore, String password) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(keyStore)) {
      store.load(in, password.toCharArray());
    }
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, password.toCharArray());
    SSLContext context = SSLContext.getInstance("TLS");
    // Nobody else can be at the other end.
    context.init(keys.getKeyManagers(), new TrustManager[] {new TrustAll()}, null);
    return context;
  }

  private static SSLEngine engine(SSLContext context, boolean client) throws GeneralSecurityException {
    SSLEngine engine = context.createSSLEngine();
    engine.setUseClientMode(client);
    return engine;
  }

  private static boolean isBusy(SSLEngine engine) {
    return engine.getHandshakeStatus() != HandshakeStatus.NOT_HANDSHAKING;
  }

  /** Takes what came and gives what it can; both buffers are ready to be written to before and after. */
  private static void advance(SSLEngine engine, ByteBuffer in, ByteBuffer out) throws SSLException {
    ByteBuffer plain = ByteBuffer.allocate(engine.getSession().getApplicationBufferSize());
    in.flip();
    boolean moved = true;
    while (moved) {
      moved = in.hasRemaining() && engine.unwrap(in, plain).bytesConsumed() > 0;
      for (Runnable task = engine.getDelegatedTask(); task != null; task = engine.getDelegatedTask()) {
        task.run();
        moved = true;
      }
      if (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
        moved |= engine.wrap(ByteBuffer.allocate(0), out).bytesProduced() > 0;
      }
    }
    in.compact();
  }
}
