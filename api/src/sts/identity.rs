//! Who calls, and whose a key is.

use brokerd_domain::identity::{AccessKeyId, IamError};

use super::{call::Call, views};
use crate::{http::error::ApiError, query::Output};

/// GetCallerIdentity, which needs no permission and which no policy can deny.
pub(super) fn caller(call: Call<'_>) -> Output {
    Output::of(|xml| views::caller(xml, call.caller.principal()))
}

/// GetAccessKeyInfo: the account of a key that lasts. Keys of sessions are not recorded.
pub(super) async fn access_key(call: Call<'_>) -> Result<Output, ApiError> {
    let text = call.parameters.required("AccessKeyId")?;
    let id: AccessKeyId = text.parse().map_err(|_| {
        IamError::validation(
            "accessKeyId",
            &text.escape_debug().to_string(),
            r"Member must satisfy regular expression pattern: [\w]*",
        )
    })?;
    call.caller.check("sts:GetAccessKeyInfo", "*", |_| {})?;
    let found = call.services.store.principal_of(id.as_str()).await?;
    let key = found.ok_or_else(|| {
        IamError::malformed(format!("The access key ID {id} is not that of a key that lasts."))
    })?;
    Ok(Output::of(|xml| xml.text("Account", &key.caller.principal.account)))
}
