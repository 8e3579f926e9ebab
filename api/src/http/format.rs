//! The form of an answer that is JSON or CSV: `format`, or the header `Accept`.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use brokerd_domain::Error;

use super::{body, error::ApiError, query::Query};

const CSV: &str = "text/csv";

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON.
    Json,
    /// CSV with a header.
    Csv,
}

/// The form that a request asks for. Extracting it never fails, so that the signature is verified before anything is
/// refused.
#[derive(Debug)]
pub(crate) struct AskedFormat {
    format: Option<String>,
    accepts_csv: bool,
}

impl AskedFormat {
    /// The form.
    ///
    /// # Errors
    /// A 400 on `format`.
    pub(crate) fn parse(&self) -> Result<Format, Error> {
        match self.format.as_deref() {
            None if self.accepts_csv => Ok(Format::Csv),
            None | Some("json") => Ok(Format::Json),
            Some("csv") => Ok(Format::Csv),
            Some(other) => Err(Error::bad_request(
                "format",
                format!("Value [{other}] is invalid for [format]. Valid values: [json, csv]."),
            )),
        }
    }
}

/// Whether a header prefers CSV: what it names first counts, since nobody who wants both cares.
fn prefers_csv(accept: &str) -> bool {
    let first = accept.split(',').next().unwrap_or_default();
    first.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case(CSV))
}

impl<S: Send + Sync> FromRequestParts<S> for AskedFormat {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let format = Query::of(parts).get("format").map(str::to_owned);
        let accept = parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        Ok(Self { format, accepts_csv: accept.is_some_and(prefers_csv) })
    }
}

/// A 200 with rows of CSV below a header, which a browser saves under that name.
///
/// # Errors
/// A 500 if serialization fails, which these types rule out.
pub(crate) fn csv<const N: usize>(
    file: &str,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<Response, ApiError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).map_err(ApiError::internal)?;
    for row in rows {
        writer.write_record(row.map(cell)).map_err(ApiError::internal)?;
    }
    let bytes = writer.into_inner().map_err(|error| ApiError::internal(error.to_string()))?;
    let mut response = body::with_type(StatusCode::OK, "text/csv; charset=utf-8", bytes);
    let disposition = format!("attachment; filename=\"{file}.csv\"");
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// The text of a cell. A spreadsheet would compute what begins like a formula, so that gets an apostrophe.
fn cell(text: String) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[test]
    fn the_parameter_wins_over_the_header() {
        let asked = |format: Option<&str>, accept: &str| {
            let (format, accepts_csv) = (format.map(str::to_owned), prefers_csv(accept));
            AskedFormat { format, accepts_csv }.parse().map_err(|error| error.attribute)
        };
        assert_eq!(asked(None, ""), Ok(Format::Json));
        assert_eq!(asked(None, "application/json, text/csv"), Ok(Format::Json));
        assert_eq!(asked(None, "Text/CSV; q=1, */*"), Ok(Format::Csv));
        assert_eq!(asked(Some("json"), "text/csv"), Ok(Format::Json));
        assert_eq!(asked(Some("csv"), "*/*"), Ok(Format::Csv));
        assert_eq!(asked(Some("xlsx"), ""), Err(Some("format".into())));
    }

    #[tokio::test]
    async fn cells_are_quoted_where_needed_and_never_formulas() {
        let rows =
            [["a,b".to_owned(), "say \"hi\"".to_owned()], ["=1+1".to_owned(), String::new()]];
        let response = csv("usage", ["one", "two"], rows).expect("written");
        assert_eq!(
            response.headers()[header::CONTENT_DISPOSITION],
            "attachment; filename=\"usage.csv\""
        );
        let bytes = response.into_body().collect().await.expect("read").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        assert_eq!(text, "one,two\n\"a,b\",\"say \"\"hi\"\"\"\n'=1+1,\n");
    }
}
