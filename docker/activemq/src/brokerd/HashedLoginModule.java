package brokerd;

import java.io.IOException;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.Principal;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;
import javax.security.auth.Subject;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.CallbackHandler;
import javax.security.auth.callback.NameCallback;
import javax.security.auth.callback.PasswordCallback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.FailedLoginException;
import javax.security.auth.login.LoginException;
import javax.security.auth.spi.LoginModule;
import org.apache.activemq.jaas.GroupPrincipal;
import org.apache.activemq.jaas.UserPrincipal;

/**
 * Like ActiveMQ's PropertiesLoginModule, with the same options, but for hashed passwords: a line of the users file is
 * {@code name=pbkdf2-sha256$iterations$salt$hash}, salt and 32-byte hash in base64. Changes of the files count from the next login.
 */
public final class HashedLoginModule implements LoginModule {
  private static final String USERS = "org.apache.activemq.jaas.properties.user";
  private static final String GROUPS = "org.apache.activemq.jaas.properties.group";
  private static final String SCHEME = "pbkdf2-sha256";
  private static final int HASH_BYTES = 32;

  /** Takes the place of the hash of an unknown user, so that refusing one takes as long as refusing a wrong password. */
  private static final String NOBODY = SCHEME + "$10000$" + "A".repeat(22) + "==$" + "A".repeat(43) + "=";

  /** By user, the fingerprint of the last right login: the next one costs a single HMAC. */
  private static final Map<String, byte[]> verified = new ConcurrentHashMap<>();
  private static final SecretKeySpec processKey = randomKey();

  private Subject subject;
  private CallbackHandler callbacks;
  private String usersFile;
  private String groupsFile;
  private final Set<Principal> principals = new HashSet<>();
  private boolean authenticated;

  @Override
  public void initialize(Subject subject, CallbackHandler callbacks, Map<String, ?> shared, Map<String, ?> options) {
    this.subject = subject;
    this.callbacks = callbacks;
    usersFile = (String) options.get(USERS);
    groupsFile = (String) options.get(GROUPS);
  }

  @Override
  public boolean login() throws LoginException {
    NameCallback nameAsked = new NameCallback("name");
    PasswordCallback passwordAsked = new PasswordCallback("password", false);
    char[] password = null;
    try {
      callbacks.handle(new Callback[] {nameAsked, passwordAsked});
      String name = nameAsked.getName() == null ? "" : nameAsked.getName();
      password = passwordAsked.getPassword() == null ? new char[0] : passwordAsked.getPassword();
      Map<String, String> groups = PropertiesFile.read(groupsFile);
      boolean console = ConsoleUser.is(name, password);
      if (!console && !matches(name, password, PropertiesFile.read(usersFile).get(name))) {
        throw new FailedLoginException("unknown user or wrong password");
      }
      principals.clear();
      principals.add(new UserPrincipal(name));
      groups.forEach((group, members) -> {
        if (console || Arrays.asList(members.trim().split("\\s*,\\s*")).contains(name)) {
          principals.add(new GroupPrincipal(group));
        }
      });
      authenticated = true;
      return true;
    } catch (IOException | UnsupportedCallbackException | GeneralSecurityException e) {
      if (e instanceof LoginException) {
        throw (LoginException) e;
      }
      throw (LoginException) new LoginException("cannot check the password: " + e.getMessage()).initCause(e);
    } finally {
      passwordAsked.clearPassword();
      if (password != null) {
        Arrays.fill(password, ' ');
      }
    }
  }

  private static boolean matches(String name, char[] password, String stored) throws GeneralSecurityException {
    boolean known = stored != null && !name.isEmpty() && password.length > 0;
    byte[] fingerprint = known ? fingerprint(name, password, stored) : null;
    byte[] before = known ? verified.get(name) : null;
    if (before != null && MessageDigest.isEqual(before, fingerprint)) {
      return true;
    }
    boolean right = verify(password, known ? stored : NOBODY) && known;
    if (right) {
      verified.put(name, fingerprint);
    }
    return right;
  }

  /** Verifies a password of nobody's, so that the first login of somebody finds everything compiled. */
  static void warmUp() throws GeneralSecurityException {
    matches("", new char[0], null);
  }

  private static boolean verify(char[] password, String stored) throws GeneralSecurityException {
    String[] part = stored.trim().split("\\$");
    if (part.length != 4 || !part[0].equals(SCHEME)) {
      throw new LoginException("the users file holds an entry that is not " + SCHEME + "$iterations$salt$hash");
    }
    try {
      byte[] hash = Base64.getDecoder().decode(part[3]);
      // Some providers refuse an empty password outright, which would tell by its speed.
      char[] given = password.length == 0 ? new char[] {' '} : password;
      PBEKeySpec spec = new PBEKeySpec(given, Base64.getDecoder().decode(part[2]), Integer.parseInt(part[1]), HASH_BYTES * 8);
      byte[] derived = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256").generateSecret(spec).getEncoded();
      spec.clearPassword();
      return MessageDigest.isEqual(derived, hash);
    } catch (IllegalArgumentException e) {
      throw new LoginException("the users file holds a malformed hash");
    }
  }

  /** Holds the stored hash too, so that a changed password forgets the old one. */
  private static byte[] fingerprint(String name, char[] password, String stored) throws GeneralSecurityException {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(processKey);
    mac.update((name + '\0' + stored + '\0').getBytes(StandardCharsets.UTF_8));
    mac.update(StandardCharsets.UTF_8.encode(CharBuffer.wrap(password)));
    return mac.doFinal();
  }

  private static SecretKeySpec randomKey() {
    byte[] key = new byte[32];
    new SecureRandom().nextBytes(key);
    return new SecretKeySpec(key, "HmacSHA256");
  }

  @Override
  public boolean commit() {
    if (authenticated) {
      subject.getPrincipals().addAll(principals);
    }
    return authenticated;
  }

  @Override
  public boolean abort() {
    boolean was = authenticated;
    authenticated = false;
    principals.clear();
    return was;
  }

  @Override
  public boolean logout() {
    subject.getPrincipals().removeAll(principals);
    authenticated = false;
    principals.clear();
    return true;
  }
}
