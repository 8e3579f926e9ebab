package brokerd;

import java.security.Principal;
import java.util.Set;
import javax.security.auth.Subject;
import javax.security.auth.login.LoginContext;
import javax.security.auth.login.LoginException;
import javax.servlet.ServletRequest;
import org.apache.activemq.jaas.GroupPrincipal;
import org.apache.activemq.jaas.JassCredentialCallbackHandler;
import org.eclipse.jetty.security.DefaultIdentityService;
import org.eclipse.jetty.security.IdentityService;
import org.eclipse.jetty.security.LoginService;
import org.eclipse.jetty.server.UserIdentity;

/** Logs in to the web console by the same JAAS domain as the transports; a user in none of the groups is known, but refused (403). */
final class ConsoleLogin implements LoginService {
  static final String ROLE = "console";
  private static final String[] ROLES = {ROLE};
  private static final String[] NO_ROLES = {};

  private final Set<String> groups;
  private IdentityService identities = new DefaultIdentityService();

  ConsoleLogin(Set<String> groups) {
    this.groups = groups;
  }

  @Override
  public UserIdentity login(String name, Object credentials, ServletRequest request) {
    Subject subject = new Subject();
    try {
      new LoginContext("activemq", subject, new JassCredentialCallbackHandler(name, String.valueOf(credentials))).login();
    } catch (LoginException e) {
      return null;
    }
    boolean allowed = subject.getPrincipals(GroupPrincipal.class).stream().map(Principal::getName).anyMatch(groups::contains);
    Principal user = () -> name;
    return identities.newUserIdentity(subject, user, allowed ? ROLES : NO_ROLES);
  }

  @Override
  public String getName() {
    return "ActiveMQ";
  }

  @Override
  public boolean validate(UserIdentity user) {
    return true;
  }

  @Override
  public void logout(UserIdentity user) {}

  @Override
  public IdentityService getIdentityService() {
    return identities;
  }

  @Override
  public void setIdentityService(IdentityService service) {
    identities = service;
  }
}
