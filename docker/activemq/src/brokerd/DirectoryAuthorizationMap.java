package brokerd;

import java.util.Set;
import javax.naming.NamingException;
import javax.naming.directory.DirContext;
import org.apache.activemq.command.ActiveMQDestination;
import org.apache.activemq.jaas.GroupPrincipal;
import org.apache.activemq.security.SimpleCachedLDAPAuthorizationMap;

/**
 * ActiveMQ's cachedLDAPAuthorizationMap, except that a broker starts without its directory: the map is read when it is first needed,
 * and until that succeeds, nobody may use a queue or a topic. The members of one group always may, as the web console does.
 */
public final class DirectoryAuthorizationMap extends SimpleCachedLDAPAuthorizationMap {
  /** How long after a failure nobody asks again: who needs an answer meanwhile is refused at once. */
  private static final long PAUSE_NANOS = 3_000_000_000L;

  private GroupPrincipal administrators = new GroupPrincipal("");
  private String queueSearchBase = "";
  private String topicSearchBase = "";
  private String tempSearchBase = "";
  private boolean failed;
  private long failedAt;

  public void setAdministrators(String group) {
    administrators = new GroupPrincipal(group);
  }

  // What is no distinguished name is found out when the map is read.

  @Override
  public void setQueueSearchBase(String base) {
    queueSearchBase = base;
  }

  @Override
  public void setTopicSearchBase(String base) {
    topicSearchBase = base;
  }

  @Override
  public void setTempSearchBase(String base) {
    tempSearchBase = base;
  }

  @Override
  protected DirContext createContext() throws NamingException {
    return Directory.connect(getConnectionURL(), getConnectionUsername(), getConnectionPassword());
  }

  @Override
  protected synchronized void query() throws Exception {
    if (failed && System.nanoTime() - failedAt < PAUSE_NANOS) {
      throw new NamingException("the directory did not answer a moment ago");
    }
    failed = true;
    try {
      super.setQueueSearchBase(queueSearchBase);
      super.setTopicSearchBase(topicSearchBase);
      super.setTempSearchBase(tempSearchBase);
      super.query();
      if (!isContextAlive()) {
        // Some of the map may be missing: it is read again when it is needed next.
        context = null;
        throw new NamingException("the directory went away while it was asked");
      }
      failed = false;
    } finally {
      failedAt = System.nanoTime();
    }
  }

  @Override
  public Set<Object> getAdminACLs(ActiveMQDestination destination) {
    return withAdministrators(super.getAdminACLs(destination));
  }

  @Override
  public Set<Object> getReadACLs(ActiveMQDestination destination) {
    return withAdministrators(super.getReadACLs(destination));
  }

  @Override
  public Set<Object> getWriteACLs(ActiveMQDestination destination) {
    return withAdministrators(super.getWriteACLs(destination));
  }

  @Override
  public Set<Object> getTempDestinationAdminACLs() {
    return withAdministrators(super.getTempDestinationAdminACLs());
  }

  @Override
  public Set<Object> getTempDestinationReadACLs() {
    return withAdministrators(super.getTempDestinationReadACLs());
  }

  @Override
  public Set<Object> getTempDestinationWriteACLs() {
    return withAdministrators(super.getTempDestinationWriteACLs());
  }

  /** None stays none, which means everybody. */
  private Set<Object> withAdministrators(Set<Object> allowed) {
    if (allowed != null) {
      allowed.add(administrators);
    }
    return allowed;
  }
}
