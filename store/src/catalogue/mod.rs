//! The catalogue: engine versions that can run, their images, and the running engine of each broker.

mod offerings;
mod pulled_images;
mod running_engines;

pub use offerings::Offering;
