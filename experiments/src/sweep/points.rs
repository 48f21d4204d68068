//! The points of a sweep: all of a grid, or a sample of it.

use super::axis::{Axis, Value};
use flashcrowd_core::clock::Seed;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::words::count;
use rand::RngExt;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// Which points are played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sample {
    /// All.
    #[default]
    Grid,
    /// A Latin hypercube of so many points: each axis is cut into as many parts, and each part has one
    /// (Beckman, Conover and others 1979).
    Lhs(u32),
    /// So many points of a Sobol sequence, scrambled (Burley 2020).
    Sobol(u32),
}

/// The most points of a sweep.
const MOST: u64 = 1_000_000;
/// The most of a Sobol sequence: longer ones are not in the crate.
const MOST_SOBOL: u32 = 1 << 16;

impl Sample {
    /// Reads `lhs:200` or `sobol:256`.
    ///
    /// # Errors
    /// How it is written.
    pub fn parse(text: &str) -> Result<Sample, Diagnostic> {
        let wrong = || {
            let error = Diagnostic::about("--sample", format!("`{text}` is no sample"));
            error.with_help("write `--sample lhs:200` (1 to 1,000,000 points) or `--sample sobol:256` (1 to 65,536)")
        };
        let (kind, points) = text.split_once(':').ok_or_else(wrong)?;
        let points: u32 =
            points.parse().ok().filter(|points| (1..=MOST).contains(&u64::from(*points))).ok_or_else(wrong)?;
        match kind {
            "lhs" => Ok(Sample::Lhs(points)),
            "sobol" if points <= MOST_SOBOL => Ok(Sample::Sobol(points)),
            _ => Err(wrong()),
        }
    }

    /// How many points there are.
    ///
    /// # Errors
    /// If there are too many, with a smaller sample; if a grid has no values to go through.
    pub fn count(self, axes: &[Axis]) -> Result<u64, Diagnostic> {
        let about = |message: String, help: &str| Err(Diagnostic::about("--over", message).with_help(help));
        match self {
            Sample::Lhs(points) | Sample::Sobol(points) if u64::from(points) > MOST => {
                about(format!("{} points: expected at most {}", count(points.into()), count(MOST)), "draw fewer")
            }
            Sample::Lhs(points) | Sample::Sobol(points) => Ok(u64::from(points)),
            Sample::Grid => {
                let mut all: u128 = 1;
                for axis in axes {
                    let Some(values) = axis.listed() else {
                        let message = format!("`{}` is a range, and a grid needs values", axis.paths.join(","));
                        return about(message, "give values, or draw from it: `--sample lhs:200`");
                    };
                    all = all.saturating_mul(values.len() as u128);
                }
                if let Some(all) = u64::try_from(all).ok().filter(|all| *all <= MOST) {
                    return Ok(all);
                }
                let shown = u64::try_from(all).map_or_else(|_| format!("{:.1e}", all as f64), count);
                let message = format!("a grid of {shown} points: expected at most {}", count(MOST));
                about(message, "draw from it instead: `--sample lhs:200`, or give fewer values")
            }
        }
    }
}

/// The points of some axes.
#[derive(Clone, Debug)]
pub struct Points {
    axes: Vec<Axis>,
    sample: Sample,
    seed: u64,
    /// Of a Latin hypercube: by axis, the part in which each point lies.
    parts: Vec<Vec<u32>>,
}

impl Points {
    /// Draws with a seed; a grid has none to draw.
    pub fn new(axes: &[Axis], sample: Sample, seed: u64) -> Self {
        let parts = |points: u32| {
            let of_axis = |axis: usize| {
                let mut parts: Vec<u32> = (0..points).collect();
                parts.shuffle(&mut Seed::new(seed).stream(&format!("sweep/lhs/{axis}")));
                parts
            };
            (0..axes.len()).map(of_axis).collect()
        };
        let parts = if let Sample::Lhs(points) = sample { parts(points) } else { Vec::new() };
        Points { axes: axes.to_vec(), sample, seed, parts }
    }

    /// The values of a point, one of each axis.
    pub fn get(&self, index: u64) -> Vec<Value> {
        match self.sample {
            Sample::Grid => grid_point(&self.axes, index),
            Sample::Lhs(points) => {
                let of = |(axis, parts): (&Axis, &Vec<u32>)| {
                    let label = format!("sweep/lhs/{}/{index}", axis.paths.join(","));
                    let within: f64 = Seed::new(self.seed).stream(&label).random();
                    axis.at((f64::from(parts[index as usize]) + within) / f64::from(points))
                };
                self.axes.iter().zip(&self.parts).map(of).collect()
            }
            Sample::Sobol(_) => {
                let of = |(axis, dimension): (&Axis, u32)| {
                    axis.at(f64::from(sobol_burley::sample(index as u32, dimension, self.seed as u32)))
                };
                self.axes.iter().zip(0..).map(of).collect()
            }
        }
    }
}

/// The last axis changes first.
fn grid_point(axes: &[Axis], index: u64) -> Vec<Value> {
    let mut rest = index;
    let mut point: Vec<Value> = axes
        .iter()
        .rev()
        .map(|axis| {
            let values = axis.listed().unwrap_or_default();
            let at = rest % values.len().max(1) as u64;
            rest /= values.len().max(1) as u64;
            values[at as usize].clone()
        })
        .collect();
    point.reverse();
    point
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn axes(texts: &[&str]) -> Vec<Axis> {
        texts.iter().map(|text| Axis::parse(text).unwrap()).collect()
    }

    #[test]
    fn a_grid_has_every_combination_once() {
        let axes = axes(&["a=1,2,3", "b=x,y"]);
        let count = Sample::Grid.count(&axes).unwrap();
        let points: Vec<String> = (0..count)
            .map(|index| {
                let point = Points::new(&axes, Sample::Grid, 1).get(index);
                point.iter().map(Value::words).collect::<Vec<_>>().join(" ")
            })
            .collect();
        assert_eq!(points, ["1 x", "1 y", "2 x", "2 y", "3 x", "3 y"]);
    }

    /// Each part of each axis has one point, of both kinds of samples (of 16, a power of two).
    #[test]
    fn samples_fill_each_axis_evenly() {
        let axes = axes(&["a=0..15", "b=0..15", "c=p,q"]);
        for sample in [Sample::Lhs(16), Sample::Sobol(16)] {
            let points = Points::new(&axes, sample, 7);
            for axis in 0..2 {
                let parts: BTreeSet<String> = (0..16).map(|index| points.get(index)[axis].words()).collect();
                assert_eq!(parts.len(), 16, "{sample:?} {axis}: {parts:?}");
            }
            let of_p = (0..16).filter(|index| points.get(*index)[2].words() == "p").count();
            assert_eq!(of_p, 8, "{sample:?}");
        }
    }

    #[test]
    fn grids_that_are_too_large_say_how_large_they_are() {
        let values: Vec<String> = (0..1_000).map(|value| value.to_string()).collect();
        let axis = Axis::parse(&format!("a={}", values.join(","))).unwrap();
        let error = Sample::Grid.count(&[axis.clone(), axis.clone(), axis]).expect_err("too large").to_string();
        assert!(error.contains("a grid of 1,000,000,000 points") && error.contains("--sample lhs:200"), "{error}");
        assert!(Sample::parse("lhs:0").is_err() && Sample::parse("grid").is_err());
        assert_eq!(Sample::parse("sobol:256").unwrap(), Sample::Sobol(256));
    }
}
