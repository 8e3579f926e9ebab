//! The last word of a run: what it could not check. Test programs run in the order of their names.

use anyhow::Result;
use brokerd_tests::machine;

#[test]
fn what_was_skipped_is_told_in_one_line() -> Result<()> {
    let skipped = machine::skipped()?;
    if !skipped.is_empty() {
        machine::say(&format!("SKIPPED {} checks: {}", skipped.len(), skipped.join("; ")));
    }
    Ok(())
}
