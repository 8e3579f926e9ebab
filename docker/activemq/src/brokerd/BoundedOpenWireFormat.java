package brokerd;

import java.io.ByteArrayInputStream;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.apache.activemq.command.CommandTypes;
import org.apache.activemq.openwire.OpenWireFormat;
import org.apache.activemq.util.ByteSequence;

/**
 * OpenWire. Before the login only the commands pass that lead to one, without anything that could make the broker allocate more than was
 * sent: ActiveMQ believes counts of properties, arrays and nested objects. What another broker says of itself comes before its login; it is
 * kept as it came, and read when the login is done, because it makes the broker connect to itself.
 */
final class BoundedOpenWireFormat implements Bounded {
  /** Properties of a wire format: some ten are known. */
  private static final int MAX_PROPERTIES = 64;
  /** What a broker says of itself, in bytes. */
  private static final int MAX_KEPT = 16 * 1024;
  /** The magic of a wire format's command, which follows the type, and the version behind it. */
  private static final byte[] MAGIC = {'A', 'c', 't', 'i', 'v', 'e', 'M', 'Q'};
  private static final int NULL = 0;
  private static final int STRING = 9;
  /** Bytes of a value, by its type from 1 on: boolean, byte, char, short, int, long, double, float. */
  private static final int[] SIZES = {1, 1, 2, 2, 4, 8, 8, 4};

  private final Admission admission = new Admission();
  private final OpenWireFormat format;
  private boolean negotiated;
  private byte[] aboutBroker;

  private BoundedOpenWireFormat(OpenWireFormat format) {
    this.format = format;
  }

  static BoundedOpenWireFormat of(OpenWireFormat format) {
    long frame = Admission.frameAfterLogin(format.getMaxFrameSize());
    format.setMaxFrameSize(frame);
    try {
      // So that clients refuse what is too large before they send it.
      format.getPreferedWireFormatInfo().setMaxFrameSize(frame);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    return new BoundedOpenWireFormat(format);
  }

  @Override
  public Admission admission() {
    return admission;
  }

  @Override
  public Object unmarshal(DataInput in) throws IOException {
    if (!admission.isLoggedIn()) {
      return beforeLogin(in);
    }
    byte[] kept = aboutBroker;
    if (kept != null) {
      aboutBroker = null;
      return format.unmarshal(new DataInputStream(new ByteArrayInputStream(kept)));
    }
    return format.unmarshal(in);
  }

  private Object beforeLogin(DataInput in) throws IOException {
    while (true) {
      int size = in.readInt();
      if (size < 1) {
        throw new IOException("a frame of " + size + " bytes");
      }
      Object command = Admission.holding(size, () -> command(in, size));
      if (command != null) {
        return command;
      }
    }
  }

  /** The command that follows, or null if it is kept for later. */
  private Object command(DataInput in, int size) throws IOException {
    byte[] frame = Admission.read(in, Integer.BYTES, size);
    ByteBuffer.wrap(frame).putInt(size);
    byte type = frame[Integer.BYTES];
    if (negotiated == (type == CommandTypes.WIREFORMAT_INFO)) {
      throw new IOException("command " + type + " where the login has got to another");
    }
    try {
      switch (type) {
        case CommandTypes.WIREFORMAT_INFO:
          checkWireFormat(ByteBuffer.wrap(frame, Integer.BYTES + 1, size - 1));
          negotiated = true;
          return format.unmarshal(new FrameInput(frame));
        case CommandTypes.BROKER_INFO:
          if (aboutBroker != null || size > MAX_KEPT) {
            throw new IOException("more about a broker than is kept for it before its login");
          }
          aboutBroker = frame;
          return null;
        case CommandTypes.CONNECTION_INFO, CommandTypes.CONNECTION_CONTROL, CommandTypes.KEEP_ALIVE_INFO, CommandTypes.SHUTDOWN_INFO:
          return format.unmarshal(new FrameInput(frame));
        default:
          throw new IOException("command " + type + " before the login");
      }
    } catch (BufferUnderflowException | IllegalArgumentException | IndexOutOfBoundsException | NegativeArraySizeException
        | ClassCastException e) {
      throw new IOException("a damaged command before the login: " + e, e);
    }
  }

  /** Source: WireFormatInfoMarshaller, which is the same in every version and never tight here, and MarshallingSupport. */
  private static void checkWireFormat(ByteBuffer info) throws IOException {
    byte[] magic = new byte[MAGIC.length];
    info.get(magic);
    if (!Arrays.equals(magic, MAGIC)) {
      throw new IOException("not OpenWire");
    }
    info.getInt();
    if (info.get() == 0) {
      return;
    }
    int length = info.getInt();
    if (length < 0 || length > info.remaining()) {
      throw new IOException("properties of " + length + " bytes");
    }
    int count = info.getInt();
    if (count > MAX_PROPERTIES) {
      throw new IOException(count + " properties");
    }
    for (int i = 0; i < count; i++) {
      skip(info, Short.toUnsignedInt(info.getShort()));
      int type = info.get();
      if (type == STRING) {
        skip(info, Short.toUnsignedInt(info.getShort()));
      } else if (type > NULL && type <= SIZES.length) {
        skip(info, SIZES[type - 1]);
      } else if (type != NULL) {
        throw new IOException("a property of type " + type);
      }
    }
  }

  private static void skip(ByteBuffer buffer, int bytes) {
    buffer.position(buffer.position() + bytes);
  }

  @Override
  public ByteSequence marshal(Object command) throws IOException {
    return format.marshal(command);
  }

  @Override
  public void marshal(Object command, DataOutput out) throws IOException {
    format.marshal(command, out);
  }

  @Override
  public Object unmarshal(ByteSequence packet) throws IOException {
    return format.unmarshal(packet);
  }

  @Override
  public void setVersion(int version) {
    format.setVersion(version);
  }

  @Override
  public int getVersion() {
    return format.getVersion();
  }
}
