//! How fast answers come, and what they cost: one line of a table.

use std::{sync::Arc, time::Duration};

use anyhow::Result;

use crate::{
    load::{Crowded, Requests, Until, alone, crowd},
    processors::{Parties, Shares},
    statistics::Series,
};

/// How many connections ask at once.
pub(crate) const CLIENTS: usize = 16;

/// How many requests a client sends that is alone.
const ALONE: usize = 1000;

/// How long a crowd asks in a round.
const CROWDED: Duration = Duration::from_secs(2);

/// One line of the table.
#[derive(Default)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// Of one client, in milliseconds.
    pub(crate) p50: Series,
    pub(crate) p99: Series,
    /// Of a crowd: requests per second, and milliseconds.
    pub(crate) rate: Series,
    pub(crate) crowded_p99: Series,
    /// Microseconds of a processor per request of the crowd.
    pub(crate) server: Series,
    database: Series,
    client: Series,
}

impl Line {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The requests one after the other, then all at once, each client beginning with another one.
    pub(crate) async fn read(
        &mut self,
        address: &str,
        parties: Parties,
        requests: &Requests,
    ) -> Result<()> {
        let took = alone(address, Arc::clone(requests), ALONE).await?;
        self.alone(&took);
        let turned = |client: usize| {
            let mut own = requests.as_ref().clone();
            own.rotate_left(client * requests.len() / CLIENTS);
            Arc::new(own)
        };
        let clients = (0..CLIENTS).map(turned).collect();
        self.crowd(address, parties, clients, Until::Over(CROWDED)).await
    }

    pub(crate) fn alone(&mut self, took: &[Duration]) {
        let took = Series::from(took);
        self.p50.push(took.median());
        self.p99.push(took.quantile(0.99));
    }

    pub(crate) async fn crowd(
        &mut self,
        address: &str,
        parties: Parties,
        clients: Vec<Requests>,
        until: Until,
    ) -> Result<()> {
        let before = parties.shares()?;
        let crowded = crowd(address, clients, until).await?;
        self.crowded(&crowded, parties.shares()? - before);
        Ok(())
    }

    fn crowded(&mut self, crowded: &Crowded, shares: Shares) {
        let each = 1e6 / crowded.took.len() as f64;
        self.rate.push(crowded.rate());
        self.crowded_p99.push(Series::from(crowded.took.as_slice()).quantile(0.99));
        self.server.push(shares.server * each);
        self.database.push(shares.database * each);
        self.client.push(shares.client * each);
    }

    /// Takes over what a round has measured.
    pub(crate) fn push(&mut self, round: &Self) {
        self.p50.push_median_of(&round.p50);
        self.p99.push_median_of(&round.p99);
        self.rate.push_median_of(&round.rate);
        self.crowded_p99.push_median_of(&round.crowded_p99);
        self.server.push_median_of(&round.server);
        self.database.push_median_of(&round.database);
        self.client.push_median_of(&round.client);
    }

    /// What the columns are.
    pub(crate) fn head() -> String {
        format!(
            "{:<30}{:>22}{:>22}{:>22}{:>20}{:>18}{:>18}{:>18}",
            "",
            "alone, p50 ms",
            "p99 ms",
            format!("{CLIENTS} clients, 1/s"),
            "p99 ms",
            "brokerd, µs",
            "PostgreSQL, µs",
            "client, µs"
        )
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, p50, p99, rate, crowded_p99, server, database, client } = self;
        write!(
            f,
            "{name:<30}{p50:>22}{p99:>22}{rate:>22}{crowded_p99:>20}{server:>18}{database:>18}{client:>18}"
        )
    }
}
