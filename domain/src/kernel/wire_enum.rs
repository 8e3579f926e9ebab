//! Enumerations of the service model.

/// An enumeration that callers name by its spelling in the service model.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident, $attribute:literal, { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every value, in the order of the service model.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The spelling of the service model.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads a caller's value; letter case does not matter, as in the service.
            ///
            /// # Errors
            /// A 400 on this member that lists the valid values.
            pub fn parse(text: &str) -> Result<Self, $crate::kernel::Error> {
                Self::ALL.iter().copied().find(|v| v.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
                    let valid: Vec<&str> = Self::ALL.iter().map(|v| v.as_str()).collect();
                    $crate::kernel::Error::bad_request(
                        $attribute,
                        format!("Value [{text}] is invalid for [{}]. Valid values: [{}].", $attribute, valid.join(", ")),
                    )
                })
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use wire_enum;
