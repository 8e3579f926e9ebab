package brokerd;

import java.util.Hashtable;
import javax.naming.Context;
import javax.naming.NamingException;
import javax.naming.directory.DirContext;
import javax.naming.directory.InitialDirContext;

/**
 * Connections to a directory. Unlike those that ActiveMQ makes by itself they give up: a thread that waits for a directory that is
 * away is one that serves nobody.
 */
final class Directory {
  /** For the connection and its TLS handshake; with two servers, for each. */
  private static final String CONNECT_MILLIS = "3000";

  private static final String ANSWER_MILLIS = "10000";

  private Directory() {}

  /** Connects as a service account, which must have a name and a password: without them a directory would take it for anybody. */
  static DirContext connect(String urls, String name, String password) throws NamingException {
    if (urls == null || name == null || name.isEmpty() || password == null || password.isEmpty()) {
      throw new NamingException("the directory's address or service account is missing");
    }
    Hashtable<String, String> env = new Hashtable<>();
    env.put(Context.INITIAL_CONTEXT_FACTORY, "com.sun.jndi.ldap.LdapCtxFactory");
    env.put(Context.PROVIDER_URL, urls);
    env.put(Context.SECURITY_PROTOCOL, "ssl");
    env.put(Context.SECURITY_AUTHENTICATION, "simple");
    env.put(Context.SECURITY_PRINCIPAL, name);
    env.put(Context.SECURITY_CREDENTIALS, password);
    env.put("com.sun.jndi.ldap.connect.timeout", CONNECT_MILLIS);
    env.put("com.sun.jndi.ldap.read.timeout", ANSWER_MILLIS);
    return new InitialDirContext(env);
  }
}
