package brokerd;

import java.util.Arrays;
import org.apache.activemq.broker.BrokerPlugin;
import org.apache.activemq.broker.BrokerService;

/** The plugins of a broker that has not started yet. */
final class Plugins {
  private Plugins() {}

  /** Adds some to those that are there. The last one is asked first, and sees what the others say. */
  static void add(BrokerService broker, BrokerPlugin... more) {
    BrokerPlugin[] given = broker.getPlugins();
    int count = given == null ? 0 : given.length;
    BrokerPlugin[] all = given == null ? new BrokerPlugin[more.length] : Arrays.copyOf(given, count + more.length);
    System.arraycopy(more, 0, all, count, more.length);
    broker.setPlugins(all);
  }
}
