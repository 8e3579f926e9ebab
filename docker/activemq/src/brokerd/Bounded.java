package brokerd;

import org.apache.activemq.wireformat.WireFormat;

/** A wire format that holds little for a connection that has not logged in. */
interface Bounded extends WireFormat {
  Admission admission();
}
