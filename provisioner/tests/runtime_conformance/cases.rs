//! What the trait promises, a sentence each.

mod apply;
mod disturbances;
mod life;
mod remove;
mod seen;

pub(crate) use self::{apply::*, disturbances::*, life::*, remove::*, seen::*};
