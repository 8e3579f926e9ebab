package org.apache.activemq.transport.stomp;

import com.fasterxml.jackson.annotation.JsonAutoDetect.Visibility;
import com.fasterxml.jackson.annotation.JsonInclude.Include;
import com.fasterxml.jackson.annotation.PropertyAccessor;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import javax.jms.JMSException;
import org.apache.activemq.advisory.AdvisorySupport;
import org.apache.activemq.command.ActiveMQMessage;

/**
 * Takes the place of ActiveMQ's class of this name, which makes objects of any class from what clients send and needs XStream for it.
 * Advisories still come as JSON; transformed objects and maps stay the text they are, and say so as ActiveMQ says it when it can't read them.
 */
public class JmsFrameTranslator extends LegacyFrameTranslator {
  private static final String NOT_HERE = "objects and maps are not transformed here";

  @Override
  public ActiveMQMessage convertFrame(ProtocolConverter converter, StompFrame command) throws JMSException, ProtocolException {
    Map<String, String> headers = command.getHeaders();
    String transformation = headers.get(Stomp.Headers.TRANSFORMATION);
    if (!headers.containsKey(Stomp.Headers.CONTENT_LENGTH) && !Stomp.Transformations.JMS_BYTE.toString().equals(transformation)) {
      headers.put(Stomp.Headers.TRANSFORMATION_ERROR, NOT_HERE);
    }
    return super.convertFrame(converter, command);
  }

  @Override
  public StompFrame convertMessage(ProtocolConverter converter, ActiveMQMessage message) throws IOException, JMSException {
    StompFrame frame = super.convertMessage(converter, message);
    boolean plain = message.getDataStructureType() == ActiveMQMessage.DATA_STRUCTURE_TYPE;
    if (plain && AdvisorySupport.ADIVSORY_MESSAGE_TYPE.equals(message.getType()) && message.getDataStructure() != null) {
      frame.getHeaders().put(Stomp.Headers.TRANSFORMATION, Stomp.Transformations.JMS_ADVISORY_JSON.toString());
      Object about = message.getDataStructure();
      frame.setContent(JSON.writeValueAsString(Map.of(about.getClass().getSimpleName(), about)).getBytes(StandardCharsets.UTF_8));
    }
    return frame;
  }

  private static final ObjectMapper JSON = new ObjectMapper()
      .setVisibility(PropertyAccessor.ALL, Visibility.NONE)
      .setVisibility(PropertyAccessor.FIELD, Visibility.ANY)
      .setDefaultPropertyInclusion(Include.NON_NULL)
      .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS);
}
