//! Sizes of pages of list operations.

use super::error::Error;

/// How many items a page holds: 5 to 100, 20 when the caller does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(u32);

impl PageSize {
    /// The default.
    pub const DEFAULT: Self = Self(20);

    /// Reads the query parameter `maxResults`.
    ///
    /// # Errors
    /// The service's 400 on `maxResults`.
    pub fn parse(text: Option<&str>) -> Result<Self, Error> {
        let Some(text) = text else { return Ok(Self::DEFAULT) };
        match text.parse::<u32>() {
            Ok(n @ 5..=100) => Ok(Self(n)),
            _ => Err(Error::bad_request(
                "maxResults",
                format!(
                    "Invalid max results value [{text}]. Specify an integer between [5] and [100]."
                ),
            )),
        }
    }

    /// The number of items.
    pub const fn get(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_five_to_a_hundred() {
        assert_eq!(PageSize::parse(None), Ok(PageSize::DEFAULT));
        assert_eq!(PageSize::parse(Some("5")).map(PageSize::get), Ok(5));
        assert_eq!(PageSize::parse(Some("100")).map(PageSize::get), Ok(100));
        for wrong in ["4", "101", "0", "-1", "", "x", "99999999999999999999"] {
            let refused = PageSize::parse(Some(wrong)).expect_err(wrong);
            assert_eq!(
                refused.message,
                format!(
                    "Invalid max results value [{wrong}]. Specify an integer between [5] and [100]."
                )
            );
        }
    }
}
