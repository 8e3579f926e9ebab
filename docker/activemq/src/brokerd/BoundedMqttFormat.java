package brokerd;

import java.io.DataInput;
import java.io.IOException;
import org.apache.activemq.transport.mqtt.MQTTWireFormat;
import org.fusesource.hawtbuf.Buffer;
import org.fusesource.mqtt.codec.CONNECT;
import org.fusesource.mqtt.codec.MQTTFrame;

/** MQTT. Before the login there is one packet, of the type that asks for it. */
final class BoundedMqttFormat extends MQTTWireFormat implements Bounded {
  /** Bytes that a length may have. */
  private static final int LENGTH_BYTES = 4;

  private final Admission admission = new Admission();

  private BoundedMqttFormat() {}

  static BoundedMqttFormat of(MQTTWireFormat configured) {
    BoundedMqttFormat format = Bounded.configuredLike(configured, new BoundedMqttFormat());
    format.setMaxFrameSize((int) Admission.frameAfterLogin(configured.getMaxFrameSize()));
    return format;
  }

  @Override
  public Admission admission() {
    return admission;
  }

  @Override
  public Object unmarshal(DataInput in) throws IOException {
    byte header = in.readByte();
    boolean loggedIn = admission.isLoggedIn();
    if (!loggedIn && (header >> 4) != CONNECT.TYPE) {
      throw new IOException("a packet of type " + ((header & 0xff) >> 4) + " before the login");
    }
    int length = length(in);
    if (loggedIn && length > getMaxFrameSize()) {
      throw new IOException("The maximum message length was exceeded");
    }
    byte[] body = admission.frame(in, 0, length);
    return (length == 0 ? new MQTTFrame() : new MQTTFrame(new Buffer(body))).header(header);
  }

  private static int length(DataInput in) throws IOException {
    int length = 0;
    for (int i = 0; i < LENGTH_BYTES; i++) {
      byte digit = in.readByte();
      length |= (digit & 0x7f) << (7 * i);
      if (digit >= 0) {
        return length;
      }
    }
    throw new IOException("a length without an end");
  }
}
