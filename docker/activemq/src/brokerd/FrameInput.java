package brokerd;

import java.io.DataInput;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A frame of somebody who has not logged in. A command that leads to a login holds few single bytes, which are the types of what is in it:
 * more of them are objects inside each other, each of which may have the broker allocate arrays.
 */
final class FrameInput implements DataInput {
  private static final int MAX_BYTES = 32;

  private final ByteBuffer frame;
  private int singles;

  FrameInput(byte[] frame) {
    this.frame = ByteBuffer.wrap(frame);
  }

  private ByteBuffer take(int bytes) throws EOFException {
    if (bytes > frame.remaining()) {
      throw new EOFException("a command that ends before its parts do");
    }
    return frame;
  }

  @Override
  public byte readByte() throws IOException {
    singles++;
    if (singles > MAX_BYTES) {
      throw new IOException("too many objects in a command before the login");
    }
    return take(1).get();
  }

  @Override
  public int readUnsignedByte() throws IOException {
    return readByte() & 0xff;
  }

  @Override
  public void readFully(byte[] bytes) throws IOException {
    take(bytes.length).get(bytes);
  }

  @Override
  public void readFully(byte[] bytes, int offset, int length) throws IOException {
    take(length).get(bytes, offset, length);
  }

  @Override
  public int skipBytes(int bytes) {
    int skipped = Math.max(0, Math.min(bytes, frame.remaining()));
    frame.position(frame.position() + skipped);
    return skipped;
  }

  @Override
  public boolean readBoolean() throws IOException {
    return take(1).get() != 0;
  }

  @Override
  public short readShort() throws IOException {
    return take(Short.BYTES).getShort();
  }

  @Override
  public int readUnsignedShort() throws IOException {
    return Short.toUnsignedInt(readShort());
  }

  @Override
  public char readChar() throws IOException {
    return take(Character.BYTES).getChar();
  }

  @Override
  public int readInt() throws IOException {
    return take(Integer.BYTES).getInt();
  }

  @Override
  public long readLong() throws IOException {
    return take(Long.BYTES).getLong();
  }

  @Override
  public float readFloat() throws IOException {
    return take(Float.BYTES).getFloat();
  }

  @Override
  public double readDouble() throws IOException {
    return take(Double.BYTES).getDouble();
  }

  @Override
  public String readUTF() throws IOException {
    return DataInputStream.readUTF(this);
  }

  @Override
  @Deprecated
  public String readLine() {
    throw new UnsupportedOperationException();
  }
}
