package brokerd;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.Logger;
import java.util.stream.Stream;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.MalformedObjectNameException;
import javax.management.ObjectName;
import org.apache.activemq.broker.BrokerFactory;
import org.apache.activemq.broker.BrokerService;

/**
 * Tells of configurations whether a broker starts with them, many in one process. Each comes on the standard input as a length of
 * four bytes and the text of an activemq.xml, whose other files are in conf; each answer is a length and a text: nothing when the
 * broker started, else why it did not. Each broker is a whole one with a store of its own, but for its transports: it listens to
 * nothing. With -Dbrokerd.describe=true the answer for one that started is what it has, see {@link Description}.
 */
public final class Check {
  private static final boolean DESCRIBE = Boolean.getBoolean("brokerd.describe");

  private Check() {}

  public static void main(String[] args) throws IOException {
    DataInputStream in = new DataInputStream(new FileInputStream(FileDescriptor.in));
    DataOutputStream out = new DataOutputStream(new FileOutputStream(FileDescriptor.out));
    // Whatever the engine prints must not get among the answers.
    System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8));
    LogManager.getLogManager().reset();
    Logger.getLogger("").setLevel(Level.OFF);
    BrokerFactory.setStartDefault(false);
    while (true) {
      int length;
      try {
        length = in.readInt();
      } catch (EOFException end) {
        Runtime.getRuntime().halt(0);
        return;
      }
      byte[] answer = verdict(in.readNBytes(length)).getBytes(StandardCharsets.UTF_8);
      out.writeInt(answer.length);
      out.write(answer);
      out.flush();
    }
  }

  /** Tried again where a thread of the broker before it registered something after its end. */
  private static String verdict(byte[] document) throws IOException {
    String verdict = attempt(document);
    for (int again = 0; again < 3 && verdict.contains("InstanceAlreadyExistsException"); again++) {
      verdict = attempt(document);
    }
    return verdict;
  }

  private static String attempt(byte[] document) throws IOException {
    Path file = Files.createTempFile("check", ".xml");
    Path data = Files.createTempDirectory("check");
    BrokerService broker = null;
    try {
      Files.write(file, document);
      broker = BrokerFactory.createBroker("xbean:" + file.toUri() + "?validate=false", false);
      broker.setUseShutdownHook(false);
      Description description = DESCRIBE ? new Description(broker.getTransportConnectors()) : null;
      broker.setTransportConnectors(new ArrayList<>());
      broker.setDataDirectoryFile(data.toFile());
      if (broker.isPersistent()) {
        broker.getPersistenceAdapter().setDirectory(data.toFile());
      }
      broker.start();
      return DESCRIBE ? description.of(broker) : "";
    } catch (Throwable t) {
      return why(t);
    } finally {
      if (broker != null) {
        try {
          broker.stop();
        } catch (Throwable stopped) {
          // Of one that did not start, too.
        }
      }
      forgetManagement();
      remove(data);
      Files.deleteIfExists(file);
    }
  }

  /** What a broker that did not start leaves registered would be in the way of the next one. */
  private static void forgetManagement() {
    MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    try {
      for (ObjectName name : server.queryNames(new ObjectName("org.apache.activemq:*"), null)) {
        forget(server, name);
      }
    } catch (MalformedObjectNameException never) {
      throw new IllegalStateException(never);
    }
  }

  private static void forget(MBeanServer server, ObjectName name) {
    try {
      server.unregisterMBean(name);
    } catch (JMException gone) {
      // The broker has unregistered it meanwhile; the others are still there.
    }
  }

  /** The outermost fault and what is behind it all, in one line. */
  private static String why(Throwable t) {
    Throwable root = t;
    while (root.getCause() != null && root.getCause() != root) {
      root = root.getCause();
    }
    String text = root == t ? t.toString() : t + " / " + root;
    return text.replaceAll("\\s+", " ");
  }

  private static void remove(Path directory) throws IOException {
    List<Path> all;
    try (Stream<Path> tree = Files.walk(directory)) {
      all = tree.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : all) {
      Files.deleteIfExists(path);
    }
  }
}
