//! Parts of lists: `MaxItems`, `Marker`, `IsTruncated`.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use brokerd_domain::identity::IamError;
use brokerd_store::IamPageQuery;

use crate::{
    http::page,
    query::{Parameters, Xml},
};

/// Items on a page where nothing else is said.
const DEFAULT: u32 = 100;
/// Most items on a page.
const MAX_ITEMS: u32 = 1000;

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    path_prefix: String,
    after: Option<String>,
    /// Most items on it.
    pub(super) most: u32,
}

impl Page {
    /// What a call wants.
    ///
    /// # Errors
    /// `ValidationError`; also for a marker that no page before had.
    pub(super) fn of(parameters: &Parameters) -> Result<Self, IamError> {
        let most = parameters.number("MaxItems")?.unwrap_or(DEFAULT);
        if !(1..=MAX_ITEMS).contains(&most) {
            return Err(IamError::validation(
                "maxItems",
                &most.to_string(),
                format!("Member must have value between 1 and {MAX_ITEMS}"),
            ));
        }
        let after = parameters.text("Marker").map(read_marker).transpose()?;
        Ok(Self { path_prefix: path_prefix(parameters)?, after, most })
    }

    /// The same for the store.
    pub(super) fn query(&self) -> IamPageQuery<'_> {
        IamPageQuery {
            path_prefix: &self.path_prefix,
            after: self.after.as_deref(),
            most: self.most,
        }
    }

    /// What paths begin with.
    pub(super) fn path_prefix(&self) -> &str {
        &self.path_prefix
    }

    /// After what the page begins.
    pub(super) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// The part of a list that is there as a whole, in the order of its keys, and after what the next one begins.
    pub(super) fn cut<T>(
        &self,
        mut items: Vec<T>,
        key: impl Fn(&T) -> String,
    ) -> (Vec<T>, Option<String>) {
        items.sort_by_key(&key);
        if let Some(after) = &self.after {
            items.retain(|item| key(item) > *after);
        }
        page::first(items, self.most, key)
    }
}

/// Writes whether a list goes on, and how to ask for the rest.
pub(super) fn write_end(xml: &mut Xml, next: Option<&str>) {
    xml.text("IsTruncated", next.is_some());
    xml.optional("Marker", next.map(|next| BASE64_URL_SAFE_NO_PAD.encode(next)));
}

fn read_marker(marker: &str) -> Result<String, IamError> {
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(marker).ok();
    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    text.filter(|text| !text.contains('\0'))
        .ok_or_else(|| IamError::malformed("The value of the parameter Marker is invalid."))
}

/// What paths begin with; everything where a call does not say it.
fn path_prefix(parameters: &Parameters) -> Result<String, IamError> {
    let Some(prefix) = parameters.text("PathPrefix") else { return Ok("/".to_owned()) };
    let is_valid = prefix.starts_with('/')
        && prefix.len() <= 512
        && prefix.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_valid {
        return Err(IamError::validation(
            "pathPrefix",
            &prefix.escape_debug().to_string(),
            r"Member must satisfy regular expression pattern: \u002F[\u0021-\u007F]*",
        ));
    }
    Ok(prefix.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(form: &str) -> Result<Page, IamError> {
        Page::of(&Parameters::parse(form.as_bytes()).expect("a form"))
    }

    #[test]
    fn pages_have_a_hundred_items_unless_told_otherwise() {
        let plain = page("Action=ListUsers").expect("valid");
        assert_eq!((plain.most, plain.path_prefix(), plain.after()), (100, "/", None));
        assert_eq!(page("MaxItems=1000&PathPrefix=%2Fred").expect("valid").path_prefix(), "/red");
        for wrong in
            ["MaxItems=0", "MaxItems=1001", "MaxItems=x", "PathPrefix=red", "Marker=%C3%A4"]
        {
            assert!(page(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn turning_pages_gives_every_item_once_in_order(
            items in prop::collection::btree_set("[a-z]{1,6}", 0..20),
            most in 1_u32..8,
        ) {
            let wanted: Vec<String> = items.into_iter().collect();
            let (mut seen, mut marker) = (Vec::new(), None::<String>);
            loop {
                let mut form = form_urlencoded::Serializer::new(format!("MaxItems={most}"));
                if let Some(marker) = &marker {
                    form.append_pair("Marker", marker);
                }
                let page = page(&form.finish()).expect("valid");
                let (part, next) = page.cut(wanted.clone(), Clone::clone);
                prop_assert!(part.len() <= most as usize);
                seen.extend(part);
                let Some(next) = next else { break };
                let end = Xml::document("a", "b", |xml| write_end(xml, Some(&next)));
                let read = roxmltree::Document::parse(&end).expect("XML");
                let element = read.descendants().find(|node| node.has_tag_name(("b", "Marker")));
                marker = element.and_then(|element| element.text()).map(str::to_owned);
            }
            prop_assert_eq!(seen, wanted);
        }
    }
}
