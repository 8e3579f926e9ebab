//! Engine versions that can run, their images, and what really runs.

mod offerings;
mod pulled_images;
mod running_engines;

pub use offerings::Offering;
