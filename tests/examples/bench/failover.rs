//! How long clients have to do without the active instance of a pair: brokerd's, and two engines on one
//! volume by hand.

use std::time::Duration;

use anyhow::Result;
use brokerd_tests::{World, machine};

use crate::{
    Bench,
    pairs::{ByHand, OfBrokerd},
    statistics::{Series, load_average, short, verdict},
};

/// How many times as long as by hand a kill may keep clients waiting.
const TARGET: f64 = 1.2;

/// How much longer than a kill a hang may keep them waiting, until it is noticed, in milliseconds.
const NOTICED: f64 = 2000.0;

pub(crate) fn measure(bench: &Bench, world: &World) -> Result<()> {
    let before = load_average();
    let bare = by_hand(bench, world)?;
    let [killed, hanging] = by_brokerd(bench, world)?;
    println!(
        "From the end of the active instance of a pair to the next message, ms: median (least-most)"
    );
    println!("  load average {before} before, {} after", load_average());
    println!("{:<36}{:>24}{:>12}", "", "", "maximum");
    for (what, times) in [
        ("kill -9, two engines by hand", &bare),
        ("kill -9, brokerd", &killed),
        ("SIGSTOP, brokerd (by hand: never)", &hanging),
    ] {
        println!("{what:<36}{times:>24}{:>12}", short(times.quantile(1.0)));
    }
    let (ratio, noticed) = (killed.median() / bare.median(), hanging.median() - killed.median());
    println!(
        "  a kill: at most {TARGET} times as long as by hand: {} ({ratio:.2}); a hang: at most {NOTICED} ms more: {} ({noticed:.0})\n",
        verdict(ratio <= TARGET),
        verdict(noticed <= NOTICED),
    );
    Ok(())
}

fn by_hand(bench: &Bench, world: &World) -> Result<Series> {
    let mut pair = ByHand::start(bench, world)?;
    let mut times = Series::default();
    for round in 0..=bench.rounds {
        machine::say(&format!("bench: a pair by hand, round {round} of {}", bench.rounds));
        let time = pair.kill(bench)?;
        pair.restore()?;
        if round > 0 {
            times.push_milliseconds(time);
        }
    }
    pair.remove()?;
    Ok(times)
}

/// A pair of brokerd's, of which the one that serves is killed, and in other rounds stopped in its tracks.
fn by_brokerd(bench: &Bench, world: &World) -> Result<[Series; 2]> {
    let mut pair = OfBrokerd::create(bench, world)?;
    let mut all = [Series::default(), Series::default()];
    for round in 0..=bench.rounds {
        for (signal, times) in ["KILL", "STOP"].into_iter().zip(&mut all) {
            machine::say(&format!("bench: a pair, {signal}, round {round} of {}", bench.rounds));
            let time: Duration = pair.strike(bench, signal)?;
            if round > 0 {
                times.push_milliseconds(time);
            }
        }
    }
    pair.delete(bench)?;
    Ok(all)
}
