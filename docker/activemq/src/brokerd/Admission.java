package brokerd;

import java.io.DataInput;
import java.io.IOException;
import java.util.concurrent.Semaphore;

/**
 * What one connection may make the broker hold. Until it has logged in that is little, whatever it announces: nobody knows who it is, and
 * anybody may open as many as the tier permits.
 */
final class Admission {
  /** The largest frame before the login, in bytes: a login is some hundred bytes, with a token or a last will some thousand. */
  static final int FRAME_BEFORE_LOGIN = 64 * 1024;
  /** How long a login may take, in seconds, with everything that comes before it. */
  static final int SECONDS_TO_LOG_IN = 20;

  /** Frames up to this many bytes are held without being counted. */
  private static final int SMALL = 4 * 1024;
  private static final long HEAP = Runtime.getRuntime().maxMemory();
  /** All that may be held at a time for the larger frames of those who have not logged in, in bytes. */
  private static final Semaphore HELD = new Semaphore((int) Math.min(HEAP / 16, Integer.MAX_VALUE));

  private volatile boolean loggedIn;

  /** The largest frame after the login, in bytes: what was configured, and no more than the heap holds several of. */
  static long frameAfterLogin(long configured) {
    return Math.min(configured, Math.max(HEAP / 8, FRAME_BEFORE_LOGIN));
  }

  boolean isLoggedIn() {
    return loggedIn;
  }

  void loggedIn() {
    loggedIn = true;
  }

  /**
   * Reads and decodes a frame of so many bytes, for which there is a place meanwhile. Refuses frames that are too large for somebody who has
   * not logged in, and those for which there is no place because others hold all there is.
   */
  static <T> T holding(int bytes, Reading<T> reading) throws IOException {
    if (bytes < 0 || bytes > FRAME_BEFORE_LOGIN) {
      throw new IOException("a frame of " + bytes + " bytes before the login, where " + FRAME_BEFORE_LOGIN + " are permitted");
    }
    int counted = bytes > SMALL ? bytes : 0;
    if (!HELD.tryAcquire(counted)) {
      throw new IOException("too much is held for connections that have not logged in");
    }
    try {
      return reading.read();
    } finally {
      HELD.release(counted);
    }
  }

  /** Reads a whole frame, as {@link #read} does; before the login only one for which there is a place. */
  byte[] frame(DataInput in, int before, int bytes) throws IOException {
    return loggedIn ? read(in, before, bytes) : holding(bytes, () -> read(in, before, bytes));
  }

  /** Reads a whole frame of so many bytes, behind so many others that the caller fills in. */
  static byte[] read(DataInput in, int before, int bytes) throws IOException {
    byte[] frame = new byte[before + bytes];
    in.readFully(frame, before, bytes);
    return frame;
  }

  /** What reads a frame. */
  interface Reading<T> {
    T read() throws IOException;
  }
}
