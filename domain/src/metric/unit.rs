//! Units of values.

use crate::kernel::wire_enum::wire_enum;

wire_enum!(
    /// A unit of Amazon CloudWatch.
    Unit, "Unit", {
        /// Seconds.
        Seconds = "Seconds",
        /// Microseconds.
        Microseconds = "Microseconds",
        /// Milliseconds.
        Milliseconds = "Milliseconds",
        /// Bytes.
        Bytes = "Bytes",
        /// Kilobytes.
        Kilobytes = "Kilobytes",
        /// Megabytes.
        Megabytes = "Megabytes",
        /// Gigabytes.
        Gigabytes = "Gigabytes",
        /// Terabytes.
        Terabytes = "Terabytes",
        /// Bits.
        Bits = "Bits",
        /// Kilobits.
        Kilobits = "Kilobits",
        /// Megabits.
        Megabits = "Megabits",
        /// Gigabits.
        Gigabits = "Gigabits",
        /// Terabits.
        Terabits = "Terabits",
        /// Percent.
        Percent = "Percent",
        /// Things.
        Count = "Count",
        /// Bytes in a second.
        BytesPerSecond = "Bytes/Second",
        /// Kilobytes in a second.
        KilobytesPerSecond = "Kilobytes/Second",
        /// Megabytes in a second.
        MegabytesPerSecond = "Megabytes/Second",
        /// Gigabytes in a second.
        GigabytesPerSecond = "Gigabytes/Second",
        /// Terabytes in a second.
        TerabytesPerSecond = "Terabytes/Second",
        /// Bits in a second.
        BitsPerSecond = "Bits/Second",
        /// Kilobits in a second.
        KilobitsPerSecond = "Kilobits/Second",
        /// Megabits in a second.
        MegabitsPerSecond = "Megabits/Second",
        /// Gigabits in a second.
        GigabitsPerSecond = "Gigabits/Second",
        /// Terabits in a second.
        TerabitsPerSecond = "Terabits/Second",
        /// Things in a second.
        CountPerSecond = "Count/Second",
        /// No unit.
        None = "None",
    }
);
