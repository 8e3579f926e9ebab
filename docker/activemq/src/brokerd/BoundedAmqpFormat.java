package brokerd;

import java.io.DataInput;
import java.io.IOException;
import org.apache.activemq.transport.amqp.AmqpWireFormat;
import org.fusesource.hawtbuf.Buffer;

/** AMQP 1.0. */
final class BoundedAmqpFormat extends AmqpWireFormat implements Bounded {
  /** A frame's header: its size, where its body begins, its type and its channel. */
  private static final int HEADER = 8;

  private final Admission admission = new Admission();

  private BoundedAmqpFormat() {}

  static BoundedAmqpFormat of(AmqpWireFormat configured) {
    BoundedAmqpFormat format = Bounded.configuredLike(configured, new BoundedAmqpFormat());
    format.setMaxFrameSize(Admission.frameAfterLogin(configured.getMaxFrameSize()));
    return format;
  }

  @Override
  public Admission admission() {
    return admission;
  }

  @Override
  public Object unmarshal(DataInput in) throws IOException {
    if (admission.isLoggedIn() || !isMagicRead()) {
      return super.unmarshal(in);
    }
    int size = in.readInt();
    if (size < HEADER) {
      throw new IOException("a frame of " + size + " bytes");
    }
    Buffer frame = new Buffer(admission.frame(in, Integer.BYTES, size - Integer.BYTES));
    frame.bigEndianEditor().writeInt(size);
    frame.clear();
    return frame;
  }
}
