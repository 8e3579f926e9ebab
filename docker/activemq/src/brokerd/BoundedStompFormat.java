package brokerd;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.IOException;
import org.apache.activemq.transport.stomp.ProtocolException;
import org.apache.activemq.transport.stomp.Stomp;
import org.apache.activemq.transport.stomp.StompFrameError;
import org.apache.activemq.transport.stomp.StompWireFormat;

/** STOMP. Before the login there is one frame without a body, which ends with its first NUL. */
final class BoundedStompFormat extends StompWireFormat implements Bounded {
  private static final String CONTENT_LENGTH = Stomp.Headers.CONTENT_LENGTH + ":";

  private final Admission admission = new Admission();

  private BoundedStompFormat() {}

  static BoundedStompFormat of(StompWireFormat configured) {
    BoundedStompFormat format = Bounded.configuredLike(configured, new BoundedStompFormat());
    format.setMaxFrameSize(Admission.frameAfterLogin(configured.getMaxFrameSize()));
    format.setMaxDataLength((int) Admission.frameAfterLogin(configured.getMaxDataLength()));
    return format;
  }

  @Override
  public Admission admission() {
    return admission;
  }

  @Override
  public Object unmarshal(DataInput in) throws IOException {
    if (admission.isLoggedIn()) {
      return super.unmarshal(in);
    }
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    StringBuilder line = new StringBuilder();
    int skipped = 0;
    boolean first = true;
    byte b;
    do {
      b = in.readByte();
      // Ends of lines before a frame are no part of it.
      if (frame.size() == 0 && (b == '\n' || b == '\r')) {
        skipped++;
      } else {
        frame.write(b);
        line.append((char) (b & 0xff));
      }
      if (frame.size() + skipped > Admission.FRAME_BEFORE_LOGIN) {
        return refused("a frame that does not end before the login");
      }
      if (frame.size() > 0 && (b == '\n' || b == 0)) {
        // As soon as it can be known, so that nobody waits for the rest.
        String text = line.toString().replace("\0", "").trim();
        if (first && !text.equals(Stomp.Commands.CONNECT) && !text.equals(Stomp.Commands.STOMP)) {
          return refused("not logged in");
        }
        if (text.startsWith(CONTENT_LENGTH) && !mayHave(text.substring(CONTENT_LENGTH.length()).trim())) {
          return refused("a large body before the login");
        }
        first = false;
        line.setLength(0);
      }
    } while (b != 0);
    return super.unmarshal(new DataInputStream(new ByteArrayInputStream(frame.toByteArray())));
  }

  private static boolean mayHave(String contentLength) {
    try {
      int bytes = Integer.parseInt(contentLength);
      return bytes >= 0 && bytes <= Admission.FRAME_BEFORE_LOGIN;
    } catch (NumberFormatException e) {
      return false;
    }
  }

  @Override
  protected int parseContentLength(String length, java.util.concurrent.atomic.AtomicLong frame) throws ProtocolException {
    int bytes = super.parseContentLength(length, frame);
    if (bytes < 0) {
      throw new ProtocolException("Specified content-length is negative", true);
    }
    return bytes;
  }

  private static StompFrameError refused(String why) {
    return new StompFrameError(new ProtocolException(why, true));
  }
}
