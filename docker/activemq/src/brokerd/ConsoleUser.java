package brokerd;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import org.apache.activemq.ActiveMQConnectionFactory;

/**
 * The web console's own connection to the broker in the same process, by which it browses and sends messages. Its password lives
 * in this process only. Like the stock console's account it may do everything: whoever may open the console may do so over JMX.
 */
public final class ConsoleUser {
  /** A colon is in no user name the API accepts. */
  private static final String NAME = "brokerd:console";
  private static final String PASSWORD = random();
  private static volatile String brokerName = "localhost";

  private ConsoleUser() {}

  static void connectTo(String name) {
    brokerName = name;
  }

  static boolean is(String name, char[] password) {
    return NAME.equals(name)
        && MessageDigest.isEqual(PASSWORD.getBytes(StandardCharsets.UTF_8), new String(password).getBytes(StandardCharsets.UTF_8));
  }

  /** Called by webconsole-brokerd.xml. */
  public static ActiveMQConnectionFactory connectionFactory() {
    return new ActiveMQConnectionFactory(NAME, PASSWORD, "vm://" + brokerName + "?create=false");
  }

  private static String random() {
    byte[] b = new byte[24];
    new SecureRandom().nextBytes(b);
    return Base64.getEncoder().encodeToString(b);
  }
}
