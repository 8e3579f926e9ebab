package brokerd;

import java.util.HashMap;
import java.util.Map;
import org.apache.activemq.util.IntrospectionSupport;
import org.apache.activemq.wireformat.WireFormat;

/** A wire format that holds little for a connection that has not logged in. */
interface Bounded extends WireFormat {
  Admission admission();

  /** Gives a format every setting of the one that was configured. */
  static <F extends Bounded> F configuredLike(WireFormat configured, F format) {
    Map<String, Object> settings = new HashMap<>();
    IntrospectionSupport.getProperties(configured, settings, null);
    IntrospectionSupport.setProperties(format, settings);
    return format;
  }
}
