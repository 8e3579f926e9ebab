//! What brokers measure: series, a row of values per broker and minute, and the statistics that these become.

mod data;
mod encoding;
mod maintain;
mod partitions;
mod ranges;
mod read;
mod record;
mod roll_up;
mod series;
mod sources;
mod table;

pub use data::MetricData;
pub use maintain::{MaintainedMetrics, MetricRetention};
pub use read::BrokerSample;
pub use record::{RecordedSamples, Sample};
pub use series::{
    InvalidSeriesPosition, Series, SeriesFilter, SeriesId, SeriesPage, SeriesPosition,
};
