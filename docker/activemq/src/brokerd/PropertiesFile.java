package brokerd;

import java.io.File;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/** A properties file that is read again as soon as its time, size or identity differs from that of the last reading. */
final class PropertiesFile {
  private static final Map<Path, PropertiesFile> files = new ConcurrentHashMap<>();

  private final Path path;
  private String seen = "";
  private Map<String, String> content = Map.of();

  private PropertiesFile(Path path) {
    this.path = path;
  }

  /** The content of a file named as in login.config: relative names lie beside that file. */
  static Map<String, String> read(String name) throws IOException {
    Path path = Path.of(name);
    if (!path.isAbsolute()) {
      String login = System.getProperty("java.security.auth.login.config");
      File directory = login == null ? new File(".") : new File(login).getAbsoluteFile().getParentFile();
      path = directory.toPath().resolve(name);
    }
    return files.computeIfAbsent(path, PropertiesFile::new).current();
  }

  private synchronized Map<String, String> current() throws IOException {
    BasicFileAttributes a = Files.readAttributes(path, BasicFileAttributes.class);
    // Any difference counts, not only a later time: an unpacked archive may carry any time.
    String now = a.lastModifiedTime() + " " + a.size() + " " + a.fileKey();
    if (!now.equals(seen)) {
      Properties p = new Properties();
      try (Reader r = Files.newBufferedReader(path, StandardCharsets.UTF_8)) {
        p.load(r);
      }
      content = p.stringPropertyNames().stream().collect(Collectors.toUnmodifiableMap(k -> k, p::getProperty));
      seen = now;
    }
    return content;
  }
}
