//! Lists page by page: `maxResults` and `nextToken`.

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};
use brokerd_domain::{
    BrokerId, ConfigurationId, Error, PageSize, Scope, Timestamp, destination::DestinationPosition,
};

pub(crate) use super::page_token::{
    after, after_destination, after_revision, after_row, after_row_of,
};
use super::{page_token, query::Query};

/// The page of a list that a request asks for. Extracting it never fails, so that the signature is verified before
/// anything is refused.
#[derive(Debug)]
pub(crate) struct Page {
    max_results: Option<String>,
    next_token: Option<String>,
}

impl Page {
    /// The page that a query asks for.
    pub(crate) fn of(query: &Query) -> Self {
        let text = |name| query.get(name).map(str::to_owned);
        Self { max_results: text("maxResults"), next_token: text("nextToken") }
    }

    /// How many items the page holds.
    ///
    /// # Errors
    /// The service's 400 on `maxResults`.
    pub(crate) fn size(&self) -> Result<u32, Error> {
        Ok(PageSize::parse(self.max_results.as_deref())?.get())
    }

    /// The broker after which the page begins; none on the first page.
    ///
    /// # Errors
    /// The service's 400 on `nextToken`, also for a token of another account or region.
    pub(crate) fn after_broker(
        &self,
        scope: &Scope,
    ) -> Result<Option<(Timestamp, BrokerId)>, Error> {
        page_token::broker_cursor(self.next_token.as_deref(), scope)
    }

    /// The configuration after which the page begins; none on the first page.
    ///
    /// # Errors
    /// As [`Self::after_broker`].
    pub(crate) fn after_configuration(
        &self,
        scope: &Scope,
    ) -> Result<Option<(Timestamp, ConfigurationId)>, Error> {
        page_token::configuration_cursor(self.next_token.as_deref(), scope)
    }

    /// The revision after which the page begins; none on the first page.
    ///
    /// # Errors
    /// The service's 400 on `nextToken`.
    pub(crate) fn after_revision(&self) -> Result<Option<i32>, Error> {
        page_token::revision_cursor(self.next_token.as_deref())
    }

    /// The key of the row after which the page begins; none on the first page.
    ///
    /// # Errors
    /// The service's 400 on `nextToken`.
    pub(crate) fn after_row(&self) -> Result<Option<String>, Error> {
        page_token::row_cursor(self.next_token.as_deref())
    }

    /// The row after which the page begins, by what rows are sorted by and what tells those apart that are alike; none on
    /// the first page.
    ///
    /// # Errors
    /// The service's 400 on `nextToken`.
    pub(crate) fn after_row_of(&self) -> Result<Option<(String, String)>, Error> {
        page_token::row_of_cursor(self.next_token.as_deref())
    }

    /// The service's 400 on this token.
    pub(crate) fn invalid_token(&self) -> Error {
        page_token::invalid(self.next_token.as_deref().unwrap_or_default())
    }

    /// The destination after which the page begins; none on the first page.
    ///
    /// # Errors
    /// The service's 400 on `nextToken`.
    pub(crate) fn after_destination(&self) -> Result<Option<DestinationPosition>, Error> {
        page_token::destination_cursor(self.next_token.as_deref())
    }

    /// Cuts a page of `size` rows out of a catalogue that fits in memory, and returns it with the token of the next
    /// one. `key` identifies a row for good.
    ///
    /// # Errors
    /// The service's 400 on `nextToken`.
    pub(crate) fn cut<T>(
        &self,
        rows: Vec<T>,
        size: u32,
        key: impl Fn(&T) -> String,
    ) -> Result<(Vec<T>, Option<String>), Error> {
        cut(rows, self.next_token.as_deref(), size, key)
    }

    /// The same of a list that is sorted by `key` and may change between two pages.
    ///
    /// # Errors
    /// The service's 400 on `nextToken`.
    pub(crate) fn cut_sorted<T>(
        &self,
        rows: Vec<T>,
        size: u32,
        key: impl Fn(&T) -> String,
    ) -> Result<(Vec<T>, Option<String>), Error> {
        cut_sorted(rows, self.next_token.as_deref(), size, key)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&Query::of(parts)))
    }
}

fn cut_sorted<T>(
    mut rows: Vec<T>,
    token: Option<&str>,
    size: u32,
    key: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), Error> {
    if let Some(last) = page_token::row_cursor(token)? {
        // The row of the token may be gone.
        rows.retain(|row| key(row) > last);
    }
    cut(rows, None, size, key)
}

fn cut<T>(
    mut rows: Vec<T>,
    token: Option<&str>,
    size: u32,
    key: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), Error> {
    if let Some(last) = page_token::row_cursor(token)? {
        let seen = rows.iter().position(|row| key(row) == last);
        let seen = seen.ok_or_else(|| page_token::invalid(token.unwrap_or_default()))?;
        rows.drain(..=seen);
    }
    Ok(first(rows, size, |row| page_token::after_row(key(row))))
}

/// The first `size` rows, and if there are more, the token of the page after them, which `token` makes of the last one.
pub(crate) fn first<T>(
    mut rows: Vec<T>,
    size: u32,
    token: impl FnOnce(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let has_more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| has_more).map(token);
    (rows, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_that_others_follow_has_a_token() {
        for (size, page, next) in [
            (0, vec![], None),
            (1, vec![7], Some("7")),
            (2, vec![7, 8], None),
            (3, vec![7, 8], None),
        ] {
            let found = first(vec![7, 8], size, ToString::to_string);
            assert_eq!(found, (page, next.map(str::to_owned)), "{size}");
        }
    }

    #[test]
    fn a_page_goes_on_behind_what_is_gone_since() {
        let rows = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let all = rows(&["a", "b", "c", "d", "e", "f"]);
        let (first, token) = cut_sorted(all, None, 5, Clone::clone).expect("a page");
        assert_eq!(first.len(), 5);
        let left = rows(&["a", "d", "f", "g"]);
        let (rest, none) = cut_sorted(left, token.as_deref(), 5, Clone::clone).expect("a page");
        assert_eq!((rest, none), (rows(&["f", "g"]), None));
    }

    #[test]
    fn catalogues_are_paged_without_gaps_or_repetition() {
        let rows: Vec<u32> = (0..23).collect();
        let (mut seen, mut token) = (Vec::new(), None::<String>);
        loop {
            let (page, next) =
                cut(rows.clone(), token.as_deref(), 5, ToString::to_string).expect("a page");
            seen.extend(page);
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, rows);
        let (all, none) = cut(rows.clone(), Some(""), 23, ToString::to_string).expect("a page");
        assert_eq!((all, none), (rows, None));
        assert!(cut(vec![1], Some("invalid"), 5, ToString::to_string).is_err());
    }
}
