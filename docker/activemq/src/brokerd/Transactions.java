package brokerd;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.activemq.broker.Broker;
import org.apache.activemq.broker.BrokerFilter;
import org.apache.activemq.broker.ConnectionContext;
import org.apache.activemq.command.ConnectionInfo;
import org.apache.activemq.command.TransactionId;

/** Knows the transactions that have not ended. ActiveMQ counts them nowhere. */
final class Transactions extends BrokerFilter {
  /** By transaction, the connection that it ends with; none for one that is prepared and outlives it. */
  private static final Map<TransactionId, String> OPEN = new ConcurrentHashMap<>();
  private static final String NONE = "";

  Transactions(Broker next) {
    super(next);
  }

  /** How many there are. */
  static int open() {
    return OPEN.size();
  }

  @Override
  public void beginTransaction(ConnectionContext context, TransactionId id) throws Exception {
    super.beginTransaction(context, id);
    OPEN.put(id, String.valueOf(context.getConnectionId()));
  }

  @Override
  public int prepareTransaction(ConnectionContext context, TransactionId id) throws Exception {
    int vote = super.prepareTransaction(context, id);
    OPEN.replace(id, NONE);
    return vote;
  }

  @Override
  public void commitTransaction(ConnectionContext context, TransactionId id, boolean onePhase) throws Exception {
    try {
      super.commitTransaction(context, id, onePhase);
      OPEN.remove(id);
    } finally {
      // One that can't be committed is rolled back, unless others have prepared for it.
      if (id.isLocalTransaction()) {
        OPEN.remove(id);
      }
    }
  }

  @Override
  public void rollbackTransaction(ConnectionContext context, TransactionId id) throws Exception {
    super.rollbackTransaction(context, id);
    OPEN.remove(id);
  }

  @Override
  public void forgetTransaction(ConnectionContext context, TransactionId id) throws Exception {
    super.forgetTransaction(context, id);
    OPEN.remove(id);
  }

  @Override
  public void removeConnection(ConnectionContext context, ConnectionInfo info, Throwable error) throws Exception {
    String connection = String.valueOf(info.getConnectionId());
    OPEN.values().removeIf(connection::equals);
    super.removeConnection(context, info, error);
  }
}
