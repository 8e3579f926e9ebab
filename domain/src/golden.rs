//! What the console knows of the rules, in files that tests write and compare.

use serde_json::Value;

/// Compares what the console has in `console/src/model` with the rules; with UPDATE_GOLDEN it is written.
pub(crate) fn compare_with_console(name: &str, rules: &Value) {
    let path = format!("{}/../console/src/model/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = format!("{rules:#}\n");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "{name} is stale: UPDATE_GOLDEN=1 cargo test -p brokerd-domain console"
    );
}
