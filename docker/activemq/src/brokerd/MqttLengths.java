package brokerd;

/** Follows the packets in a stream of MQTT, however it is cut, and compares their lengths with what is permitted. */
final class MqttLengths {
  private static final int LENGTH_BYTES = 4;

  private boolean inHeader = true;
  private int lengthBytes = -1;
  private int length;
  private long left;

  /** Whether all packets that begin in these bytes are at most so long; after a refusal there is nothing to ask any more. */
  boolean within(byte[] bytes, int offset, int count, long most) {
    int at = offset;
    int end = offset + count;
    while (at < end) {
      if (!inHeader) {
        int taken = (int) Math.min(left, end - at);
        at += taken;
        left -= taken;
        inHeader = left == 0;
      } else if (lengthBytes < 0) {
        // The type of the packet; ActiveMQ takes NULs between packets for nothing.
        if (bytes[at++] != 0) {
          lengthBytes = 0;
          length = 0;
        }
      } else {
        byte digit = bytes[at++];
        length |= (digit & 0x7f) << (7 * lengthBytes);
        lengthBytes++;
        if (digit >= 0) {
          if (length > most) {
            return false;
          }
          left = length;
          inHeader = left == 0;
          lengthBytes = -1;
        } else if (lengthBytes == LENGTH_BYTES) {
          return false;
        }
      }
    }
    return true;
  }
}
