package brokerd;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;
import javax.jms.JMSException;
import org.apache.activemq.command.ActiveMQBytesMessage;
import org.apache.activemq.command.ActiveMQMapMessage;
import org.apache.activemq.command.ActiveMQTextMessage;
import org.apache.activemq.command.Message;
import org.apache.activemq.util.ByteSequence;

/** A message as it is shown to people: bounded, and nothing in it is made an object of. */
final class ShownMessage {
  /** Bytes of a body that are shown. */
  private static final int LONGEST_BODY = 64 << 10;
  private static final int MOST_PROPERTIES = 64;
  private static final int LONGEST_VALUE = 1024;
  private static final ObjectMapper JSON = new ObjectMapper();

  private ShownMessage() {}

  /** Bytes of all bodies of an answer. */
  static final class Budget {
    private int left = 512 << 10;

    int take(int wanted) {
      int taken = Math.min(wanted, left);
      left -= taken;
      return taken;
    }
  }

  static void tell(ObjectNode told, Message original, Budget budget, String contentType) throws JMSException, IOException {
    // Bodies and properties are unpacked where nobody else sees it.
    Message message = original.copy();
    if (message.getMessageId() != null) {
      told.put("messageId", cut(message.getMessageId().toString()));
    }
    if (message.getCorrelationId() != null) {
      told.put("correlationId", cut(message.getCorrelationId()));
    }
    told.put("redelivered", original.getRedeliveryCounter() > 0).put("priority", message.getPriority());
    if (message.getTimestamp() > 0) {
      told.put("timestamp", message.getTimestamp());
    }
    if (message.getExpiration() > 0) {
      told.put("expiration", message.getExpiration());
    }
    told.put("persistent", message.isPersistent());
    ObjectNode properties = told.putObject("properties");
    Map<String, Object> given = new TreeMap<>(message.getProperties());
    Object mediaType = given.remove(contentType);
    if (mediaType != null) {
      told.put("contentType", cut(mediaType.toString()));
    }
    given.entrySet().stream().limit(MOST_PROPERTIES).forEach(property -> value(properties, cut(property.getKey()), property.getValue()));
    body(told, message, budget);
  }

  private static void value(ObjectNode properties, String name, Object value) {
    if (value instanceof Boolean truth) {
      properties.put(name, truth);
    } else if (value instanceof Double || value instanceof Float) {
      double number = ((Number) value).doubleValue();
      if (Double.isFinite(number)) {
        properties.put(name, number);
      } else {
        properties.put(name, String.valueOf(value));
      }
    } else if (value instanceof Number number) {
      properties.put(name, number.longValue());
    } else {
      properties.put(name, cut(String.valueOf(value)));
    }
  }

  private static void body(ObjectNode told, Message message, Budget budget) throws JMSException, IOException {
    ByteSequence content = message.getContent();
    boolean isLong = content != null && content.getLength() > 8 * LONGEST_BODY;
    if (message instanceof ActiveMQTextMessage text && !isLong) {
      String all = text.getText() == null ? "" : text.getText();
      bytes(told, all.getBytes(StandardCharsets.UTF_8), -1, budget);
    } else if (message instanceof ActiveMQTextMessage && !message.isCompressed()) {
      // Four bytes of length are before the text.
      bytes(told, Arrays.copyOfRange(content.getData(), content.getOffset() + 4, content.getOffset() + 4 + LONGEST_BODY),
          content.getLength() - 4L, budget);
    } else if (message instanceof ActiveMQBytesMessage bytes && !(isLong && message.isCompressed())) {
      bytes.setReadOnlyBody(true);
      byte[] begin = new byte[(int) Math.min(bytes.getBodyLength(), LONGEST_BODY)];
      bytes.readBytes(begin);
      bytes(told, begin, bytes.getBodyLength(), budget);
    } else if (message instanceof ActiveMQMapMessage map && !isLong) {
      ObjectNode entries = JSON.createObjectNode();
      for (Map.Entry<String, Object> entry : map.getContentMap().entrySet()) {
        value(entries, entry.getKey(), entry.getValue());
      }
      bytes(told, entries.toString().getBytes(StandardCharsets.UTF_8), -1, budget);
    } else {
      int length = content == null ? 0 : content.getLength();
      byte[] begin = content == null ? new byte[0]
          : Arrays.copyOfRange(content.getData(), content.getOffset(), content.getOffset() + Math.min(length, LONGEST_BODY));
      bytes(told, begin, length, budget);
    }
  }

  /** Of a body of that length, or of as many bytes as there are, the beginning. */
  private static void bytes(ObjectNode told, byte[] bytes, long length, Budget budget) {
    long size = length < 0 ? bytes.length : length;
    int shown = budget.take(Math.min(bytes.length, LONGEST_BODY));
    boolean truncated = shown < size;
    byte[] begin = Arrays.copyOf(bytes, shown);
    String text = text(begin, truncated);
    told.put("size", size).put("isTruncated", truncated);
    if (text != null) {
      told.putObject("body").put("text", text);
    } else {
      told.putObject("body").put("base64", Base64.getEncoder().encodeToString(begin));
    }
  }

  /** Bytes as a text, without a character that is cut off; null: they are none. */
  private static String text(byte[] bytes, boolean truncated) {
    for (int cut = 0; cut <= (truncated ? 3 : 0) && cut <= bytes.length; cut++) {
      try {
        CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, 0, bytes.length - cut));
        boolean plain = text.chars().noneMatch(c -> c < ' ' && c != '\n' && c != '\r' && c != '\t');
        return plain ? text.toString() : null;
      } catch (CharacterCodingException e) {
        continue;
      }
    }
    return null;
  }

  private static String cut(String text) {
    return text.length() <= LONGEST_VALUE ? text : text.substring(0, LONGEST_VALUE) + "…";
  }
}
