package brokerd;

import java.security.Principal;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import javax.naming.NamingException;
import javax.security.auth.Subject;
import javax.security.auth.callback.CallbackHandler;
import javax.security.auth.login.FailedLoginException;
import javax.security.auth.login.LoginException;
import org.apache.activemq.jaas.GroupPrincipal;
import org.apache.activemq.jaas.LDAPLoginModule;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * ActiveMQ's LDAPLoginModule, with the same options, and with what that lacks: an end to its patience, and a refusal of empty
 * passwords. A directory may answer "yes" to a name without a password (RFC 4513, 5.1.2), which says nothing about who asks.
 * The web console's own connection is let in too, as a member of the groups of the option {@code consoleGroups}.
 */
public final class DirectoryLoginModule extends LDAPLoginModule {
  private static final Logger log = LoggerFactory.getLogger(DirectoryLoginModule.class);

  private Subject subject;
  private Map<String, ?> options;
  private boolean console;
  private final Set<Principal> consoleGroups = new HashSet<>();

  @Override
  @SuppressWarnings({"rawtypes", "unchecked"}) // as in the method it overrides
  public void initialize(Subject subject, CallbackHandler callbacks, Map shared, Map options) {
    super.initialize(subject, callbacks, shared, options);
    this.subject = subject;
    this.options = options;
  }

  @Override
  protected boolean authenticate(String name, String password) throws LoginException {
    console = ConsoleUser.is(name, password.toCharArray());
    if (console) {
      return true;
    }
    if (name.isEmpty() || password.isEmpty()) {
      throw new FailedLoginException("name or password is empty");
    }
    // Its caller looks at exceptions only.
    if (!super.authenticate(name, password)) {
      throw new FailedLoginException("nothing tells how users are found");
    }
    return true;
  }

  @Override
  protected void openContext() throws NamingException {
    if (context != null) {
      return;
    }
    try {
      context = Directory.connect(option("connectionURL"), option("connectionUsername"), option("connectionPassword"));
    } catch (NamingException e) {
      log.error("nobody can log in: {}", e.toString());
      throw e;
    }
  }

  @Override
  public boolean commit() throws LoginException {
    boolean committed = super.commit();
    if (committed && console) {
      Arrays.stream(option("consoleGroups").split("\\s*,\\s*")).map(GroupPrincipal::new).forEach(consoleGroups::add);
      subject.getPrincipals().addAll(consoleGroups);
    }
    return committed;
  }

  @Override
  public boolean logout() throws LoginException {
    subject.getPrincipals().removeAll(consoleGroups);
    consoleGroups.clear();
    return super.logout();
  }

  private String option(String name) {
    return (String) options.get(name);
  }
}
