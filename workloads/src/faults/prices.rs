//! Spot prices: constant, or from a CSV file with the header `time_s,price`: seconds from the start of
//! the run, never going back, and dollars for a node and hour from then on.

use super::Listed;
use super::capacity::Place;
use crate::markets::recorded::{read_text, refuse, refuse_line};
use flashcrowd_core::clock::{SimDuration, SimTime};
use flashcrowd_core::ports::{Fault, SourceError, TimedFault};
use flashcrowd_core::units::PicoUsdPerHour;
use std::path::Path;

/// Highest price of a node, in dollars per hour.
pub const MAX_PRICE: f64 = 1e6;
/// The longest horizon, in seconds.
const MAX_S: f64 = 1.8e7;

fn price(place: Place, at: SimTime, price: PicoUsdPerHour) -> TimedFault {
    TimedFault { at, fault: Fault::Price { pool: place.pool, zone: place.zone, price } }
}

/// One price for all time.
pub fn constant(place: Place, usd_per_hour: PicoUsdPerHour) -> Listed {
    Listed::new(vec![price(place, SimTime::ZERO, usd_per_hour)])
}

/// Prices from a file.
///
/// # Errors
/// A file that cannot be read, another header, no rows, a row that is no time and price, or a time that
/// goes back.
pub fn from_csv(place: Place, path: &Path) -> Result<Listed, SourceError> {
    let text = read_text(path)?;
    let mut lines = text.lines().enumerate();
    let header = lines.next().map(|(_, line)| line.trim());
    if header != Some("time_s,price") {
        return Err(refuse_line(path, 1, "expected the header time_s,price"));
    }
    let mut faults: Vec<TimedFault> = Vec::new();
    for (index, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = || {
            let expected = format!("expected seconds from 0 and a price from 0 to {MAX_PRICE}");
            refuse_line(path, index + 1, format!("`{}`: {expected}", line.chars().take(60).collect::<String>()))
        };
        let (time, usd) = line.split_once(',').ok_or_else(wrong)?;
        let time: f64 = time.trim().parse().map_err(|_| wrong())?;
        let usd: f64 = usd.trim().parse().map_err(|_| wrong())?;
        if !(0.0..=MAX_S).contains(&time) || !(0.0..=MAX_PRICE).contains(&usd) {
            return Err(wrong());
        }
        let at = SimTime::ZERO + SimDuration::from_s_f64(time);
        if faults.last().is_some_and(|last| at < last.at) {
            return Err(refuse_line(path, index + 1, "time goes back: expected rows in order of time"));
        }
        faults.push(price(place, at, PicoUsdPerHour::from_usd(usd)));
    }
    if faults.is_empty() {
        return Err(refuse(path.display().to_string(), "no rows; expected time_s,price"));
    }
    Ok(Listed::new(faults))
}
