package brokerd;

import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.activemq.broker.BrokerFactory;
import org.apache.activemq.broker.BrokerService;

/**
 * Runs the broker of conf/activemq.xml in the foreground. Unlike the stock launcher it uses a flat class path, which is what makes
 * the class archive of the image apply. Exit codes: 1 the broker did not start, 2 it stopped by itself (for instance because it
 * lost the lock of its store), 143 it was told to stop.
 */
public final class Launcher {
  private static final AtomicBoolean stopping = new AtomicBoolean();

  private Launcher() {}

  public static void main(String[] args) {
    try {
      BrokerService broker = start();
      broker.waitUntilStopped();
    } catch (Throwable t) {
      if (!stopping.get()) {
        System.err.println("brokerd: the broker did not start");
        t.printStackTrace();
        Runtime.getRuntime().halt(1);
      }
    }
    if (!stopping.get()) {
      System.err.println("brokerd: the broker stopped by itself");
      Runtime.getRuntime().halt(2);
    }
  }

  static BrokerService start() throws Exception {
    long begin = System.nanoTime();
    Warmup.inBackground();
    Connectors.bound();
    NetworkLinks.listen();
    // The control plane has validated the file; validating it again would be a third of the time to boot.
    String uri = "xbean:file:" + System.getProperty("activemq.conf") + "/activemq.xml?validate=false";
    BrokerFactory.setStartDefault(false);
    BrokerService broker = BrokerFactory.createBroker(uri, false);
    broker.setUseShutdownHook(false);
    Connectors.tellLogins(broker);
    ClientIds.discreet(broker);
    TestLogins.permit(broker);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      stopping.set(true);
      try {
        broker.stop();
      } catch (Throwable t) {
        t.printStackTrace();
      }
    }, "stop"));
    long read = System.nanoTime();
    // On a standby this waits until the lock of the store is free.
    broker.start();
    System.err.printf("brokerd: configuration read in %d ms, broker started in %d ms%n", ms(read - begin), ms(System.nanoTime() - read));
    Console.startInBackground(broker);
    return broker;
  }

  static long ms(long nanos) {
    return nanos / 1_000_000;
  }
}
