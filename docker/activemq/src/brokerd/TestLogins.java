package brokerd;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.Principal;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.activemq.advisory.AdvisorySupport;
import org.apache.activemq.broker.Broker;
import org.apache.activemq.broker.BrokerFilter;
import org.apache.activemq.broker.BrokerService;
import org.apache.activemq.broker.ConnectionContext;
import org.apache.activemq.broker.ProducerBrokerExchange;
import org.apache.activemq.broker.region.Destination;
import org.apache.activemq.broker.region.Subscription;
import org.apache.activemq.command.ActiveMQDestination;
import org.apache.activemq.command.ConnectionInfo;
import org.apache.activemq.command.ConsumerInfo;
import org.apache.activemq.command.DestinationInfo;
import org.apache.activemq.command.Message;
import org.apache.activemq.command.ProducerInfo;
import org.apache.activemq.security.AuthenticationBroker;
import org.apache.activemq.security.SecurityContext;

/**
 * Lets the control plane log in for a test message: with a password that it was given a moment ago, once, and for temporary destinations
 * and nothing else. The owner's users, groups and rights have no part in it.
 */
final class TestLogins extends BrokerFilter implements AuthenticationBroker {
  static final String NAME = "brokerd-test-message";

  private static final long VALID = TimeUnit.SECONDS.toNanos(30);
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final AtomicReference<Given> GIVEN = new AtomicReference<>();

  private record Given(byte[] password, long since) {}

  private TestLogins(Broker next) {
    super(next);
  }

  /** To be called before the broker starts, after other plugins were added: this one has to be asked before users are. */
  static void permit(BrokerService broker) {
    Plugins.add(broker, TestLogins::new);
  }

  /** A password for the next login. The one before is worth nothing from now on. */
  static String password() {
    byte[] random = new byte[32];
    RANDOM.nextBytes(random);
    String password = Base64.getUrlEncoder().withoutPadding().encodeToString(random);
    GIVEN.set(new Given(password.getBytes(StandardCharsets.UTF_8), System.nanoTime()));
    return password;
  }

  private static Given given(String name, String password) {
    Given given = GIVEN.get();
    boolean right = given != null && NAME.equals(name) && password != null && System.nanoTime() - given.since < VALID
        && MessageDigest.isEqual(given.password, password.getBytes(StandardCharsets.UTF_8));
    return right ? given : null;
  }

  /** What AMQP's SASL asks before there is a connection. */
  @Override
  public SecurityContext authenticate(String name, String password, X509Certificate[] certificates) throws SecurityException {
    if (given(name, password) != null) {
      return new Own();
    }
    if (getNext().getAdaptor(AuthenticationBroker.class) instanceof AuthenticationBroker users) {
      return users.authenticate(name, password, certificates);
    }
    throw new SecurityException("nobody knows users here");
  }

  @Override
  public void addConnection(ConnectionContext context, ConnectionInfo info) throws Exception {
    Given given = given(info.getUserName(), info.getPassword());
    if (given != null && GIVEN.compareAndSet(given, null)) {
      context.setSecurityContext(new Own());
    }
    super.addConnection(context, info);
  }

  @Override
  public void addDestinationInfo(ConnectionContext context, DestinationInfo info) throws Exception {
    check(context, info.getDestination());
    super.addDestinationInfo(context, info);
  }

  @Override
  public Destination addDestination(ConnectionContext context, ActiveMQDestination destination, boolean temporary) throws Exception {
    // The broker itself makes topics on which it tells of the connection, in its name.
    if (!AdvisorySupport.isAdvisoryTopic(destination)) {
      check(context, destination);
    }
    return super.addDestination(context, destination, temporary);
  }

  @Override
  public Subscription addConsumer(ConnectionContext context, ConsumerInfo info) throws Exception {
    check(context, info.getDestination());
    return super.addConsumer(context, info);
  }

  @Override
  public void addProducer(ConnectionContext context, ProducerInfo info) throws Exception {
    check(context, info.getDestination());
    super.addProducer(context, info);
  }

  @Override
  public void send(ProducerBrokerExchange exchange, Message message) throws Exception {
    check(exchange.getConnectionContext(), message.getDestination());
    super.send(exchange, message);
  }

  private static void check(ConnectionContext context, ActiveMQDestination destination) {
    boolean own = context != null && context.getSecurityContext() instanceof Own;
    if (own && destination != null && !destination.isTemporary()) {
      throw new SecurityException(NAME + " has temporary destinations only");
    }
  }

  /** Who may do everything, were it not for this class. */
  private static final class Own extends SecurityContext {
    Own() {
      super(NAME);
    }

    @Override
    public Set<Principal> getPrincipals() {
      return Set.of();
    }

    @Override
    public boolean isBrokerContext() {
      return true;
    }
  }
}
