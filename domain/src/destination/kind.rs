//! Kinds of destinations, and of bodies.

use crate::kernel::wire_enum::wire_enum;

wire_enum! {
    /// What a destination is.
    DestinationKind, "kind", {
        /// Each message goes to one consumer.
        Queue = "QUEUE",
        /// Each message goes to every subscriber; only ActiveMQ has them.
        Topic = "TOPIC",
    }
}

wire_enum! {
    /// How a text stands for the bytes of a body.
    BodyEncoding, "bodyEncoding", {
        /// As UTF-8.
        Text = "TEXT",
        /// As base64.
        Base64 = "BASE64",
    }
}
