//! The sealed columns. Sealing and opening name a place in one of them, so that all values are resealed when the master
//! key changes.

/// A sealed column. Values are bound to their place: its name and what identifies the row.
#[derive(Debug)]
pub(crate) struct SealedColumn {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    /// The name of the place. A column whose values move to another one shares its name.
    place: &'static str,
    /// What identifies a row, and its type.
    pub(crate) by: &'static [(&'static str, &'static str)],
    /// The name of a value in errors.
    what: &'static str,
}

const BROKER: (&str, &str) = ("broker_id", "uuid");

pub(crate) const AUTHORITY_KEY: SealedColumn = SealedColumn {
    table: "certificate_authority",
    column: "private_key",
    place: "certificate_authority.private_key",
    by: &[("id", "bigint")],
    what: "certificate authority",
};
pub(crate) const ACCESS_KEY_SECRET: SealedColumn = SealedColumn {
    table: "access_key",
    column: "secret",
    place: "access_key.secret",
    by: &[("id", "text")],
    what: "access key",
};
pub(crate) const MATERIALS: SealedColumn = SealedColumn {
    table: "broker_secret",
    column: "materials",
    place: "broker_secret.materials",
    by: &[BROKER],
    what: "materials",
};
pub(crate) const PASSWORD: SealedColumn = SealedColumn {
    table: "broker_user",
    column: "password",
    place: "broker_user.password",
    by: &[BROKER, ("username", "text")],
    what: "user password",
};
const PENDING_PASSWORD: SealedColumn = SealedColumn { column: "pending_password", ..PASSWORD };
pub(crate) const LDAP_PASSWORD: SealedColumn = SealedColumn {
    table: "broker",
    column: "ldap_password",
    place: "broker.ldap_password",
    by: &[("id", "uuid")],
    what: "directory password",
};
const PENDING_LDAP_PASSWORD: SealedColumn =
    SealedColumn { column: "pending_ldap_password", ..LDAP_PASSWORD };
pub(crate) const SECRET_VALUE: SealedColumn = SealedColumn {
    table: "secret",
    column: "value",
    place: "secret.value",
    by: &[("account", "text"), ("region", "text"), ("name", "text")],
    what: "secret",
};
pub(crate) const ENGINE_CALL: SealedColumn = SealedColumn {
    table: "engine_call",
    column: "arguments",
    place: "engine_call.arguments",
    by: &[("id", "uuid")],
    what: "call of an engine",
};
pub(crate) const ENGINE_ANSWER: SealedColumn = SealedColumn {
    column: "answer",
    place: "engine_call.answer",
    what: "answer of an engine",
    ..ENGINE_CALL
};

/// All sealed columns; a test compares them with the schema.
pub(crate) static ALL: [&SealedColumn; 10] = [
    &AUTHORITY_KEY,
    &ACCESS_KEY_SECRET,
    &MATERIALS,
    &PASSWORD,
    &PENDING_PASSWORD,
    &LDAP_PASSWORD,
    &PENDING_LDAP_PASSWORD,
    &SECRET_VALUE,
    &ENGINE_CALL,
    &ENGINE_ANSWER,
];

/// Table and column of all sealed columns.
pub fn sealed_columns() -> Vec<(&'static str, &'static str)> {
    ALL.iter().map(|column| (column.table, column.column)).collect()
}

/// Where a sealed value is kept, such as `access_key.secret/AKIA…`.
#[derive(Debug)]
pub(crate) struct Place {
    name: String,
    what: &'static str,
}

impl Place {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.name.as_bytes()
    }

    pub(crate) const fn what(&self) -> &'static str {
        self.what
    }
}

impl Place {
    /// The place of a session's token, which is in no column because its holder keeps it.
    pub(crate) fn of_token(access_key: &str) -> Self {
        Self { name: format!("session.token/{access_key}"), what: "session token" }
    }
}

impl SealedColumn {
    /// The place of the row that this identifies.
    pub(crate) fn place<T: AsRef<str>>(&self, row: &[T]) -> Place {
        let mut name = self.place.to_owned();
        for part in row {
            name.push('/');
            name.push_str(part.as_ref());
        }
        Place { name, what: self.what }
    }
}
