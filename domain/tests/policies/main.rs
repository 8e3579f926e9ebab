//! The policy language of IAM: cases of its user guide, properties, and a second evaluator's opinion.

mod conditions;
mod differential;
mod documents;
mod elements;
mod evaluation;
mod keys;
mod operations;
mod properties;
mod variables;
mod world;

#[test]
fn there_are_as_many_cases_as_the_language_deserves() {
    let cases = conditions::CASES.len()
        + elements::ACTIONS.len()
        + elements::RESOURCES.len()
        + documents::REFUSED.len()
        + documents::ACCEPTED.len()
        + variables::CASES.len();
    assert!(cases >= 250, "{cases}");
}
