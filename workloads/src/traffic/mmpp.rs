//! Markov-modulated Poisson arrivals: a hidden state sets the rate, which makes bursts.

use super::hazard::{Hazard, PS_PER_S};
use super::rate::check_rate;
use super::requests::{RequestDistributions, Requests, Until};
use crate::ParameterError;
use flashcrowd_core::clock::{Distribution, Seed, SimDuration, Stream};
use flashcrowd_core::ports::{Arrival, ArrivalSource, SourceError};
use rand::RngExt;

/// One hidden state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State {
    /// Requests per second.
    pub rate: f64,
    /// Mean of its exponential sojourn.
    pub mean_sojourn: SimDuration,
}

/// Where the chain starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// In a state drawn from the long-run law, so that rates need no warm-up.
    #[default]
    Stationary,
    /// In this state.
    State(usize),
}

/// The hidden chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// Its states.
    pub states: Vec<State>,
    /// `transitions[i][j]`: probability that state `j` follows a sojourn in `i`; rows are
    /// normalised, since published matrices are rounded. Without one, states follow in a cycle.
    pub transitions: Option<Vec<Vec<f64>>>,
    /// Where it starts.
    pub start: Start,
}

/// Most states of a chain.
pub const MAX_STATES: usize = 256;

/// A Markov-modulated Poisson process. The states come from `<label>/states`, the arrivals from
/// `<label>/arrivals`.
#[derive(Clone, Debug)]
pub struct Mmpp {
    states: Vec<State>,
    /// Row by row, the cumulative probabilities of the next state.
    cumulative: Vec<f64>,
    state: usize,
    now_ps: u64,
    state_end_ps: u64,
    silent: bool,
    state_stream: Stream,
    hazard: Hazard,
    requests: Requests,
}

impl Chain {
    /// Checks the parameters.
    ///
    /// # Errors
    /// Names the parameter and what it should have been.
    pub fn check(&self) -> Result<(), ParameterError> {
        let n = self.states.len();
        if !(1..=MAX_STATES).contains(&n) {
            return Err(ParameterError::new("the number of states", format!("1 to {MAX_STATES}")));
        }
        for (index, state) in self.states.iter().enumerate() {
            check_rate(format!("the rate of state {index}"), state.rate)?;
            // Shorter ones would only be a slow way to write one mean rate.
            if state.mean_sojourn < SimDuration::from_us(1) {
                return Err(ParameterError::new(format!("the mean sojourn of state {index}"), "at least 1us"));
            }
        }
        self.check_transitions(n)?;
        match self.start {
            Start::State(state) if state >= n => Err(ParameterError::new("the first state", format!("0 to {}", n - 1))),
            Start::Stationary if !self.is_irreducible() => {
                Err(ParameterError::new("the transition matrix", "such that every state leads to every other"))
            }
            _ => Ok(()),
        }
    }

    fn check_transitions(&self, n: usize) -> Result<(), ParameterError> {
        let Some(rows) = &self.transitions else { return Ok(()) };
        if rows.len() != n || rows.iter().any(|row| row.len() != n) {
            return Err(ParameterError::new("the transition matrix", format!("{n} rows of {n} numbers")));
        }
        for (index, row) in rows.iter().enumerate() {
            let probabilities = row.iter().all(|p| (0.0..=1.0).contains(p));
            if !probabilities || (row.iter().sum::<f64>() - 1.0).abs() > 0.01 {
                let what = format!("row {index} of the transition matrix");
                return Err(ParameterError::new(what, "probabilities with the sum 1"));
            }
        }
        Ok(())
    }

    /// The probability that `to` follows `from`, not normalised.
    fn transition(&self, from: usize, to: usize) -> f64 {
        match &self.transitions {
            Some(rows) => rows[from][to],
            None => f64::from(u8::from(to == (from + 1) % self.states.len())),
        }
    }

    fn is_irreducible(&self) -> bool {
        let n = self.states.len();
        let reaches_all = |forward: bool| {
            let mut seen = vec![false; n];
            let mut open = vec![0];
            seen[0] = true;
            while let Some(from) = open.pop() {
                for (to, seen) in seen.iter_mut().enumerate() {
                    let p = if forward { self.transition(from, to) } else { self.transition(to, from) };
                    if p > 0.0 && !std::mem::replace(seen, true) {
                        open.push(to);
                    }
                }
            }
            seen.into_iter().all(|seen| seen)
        };
        reaches_all(true) && reaches_all(false)
    }

    /// The long-run share of time in each state. The chain must have been checked.
    ///
    /// By the elimination of Grassmann, Taksar and Heyman (1985), which subtracts nothing.
    pub fn stationary(&self) -> Vec<f64> {
        let n = self.states.len();
        let mut p: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| self.transition(i, j)).collect()).collect();
        for k in (1..n).rev() {
            let leaving: f64 = p[k][..k].iter().sum();
            for i in 0..k {
                p[i][k] /= leaving;
                for j in 0..k {
                    p[i][j] += p[i][k] * p[k][j];
                }
            }
        }
        let mut share = vec![1.0; n];
        for k in 1..n {
            share[k] = (0..k).map(|i| share[i] * p[i][k]).sum();
        }
        for (share, state) in share.iter_mut().zip(&self.states) {
            *share *= state.mean_sojourn.as_s_f64();
        }
        let total: f64 = share.iter().sum();
        share.into_iter().map(|share| share / total).collect()
    }

    /// The long-run rate, in requests per second.
    pub fn mean_rate(&self) -> f64 {
        self.stationary().iter().zip(&self.states).map(|(share, state)| share * state.rate).sum()
    }

    fn cumulative(&self) -> Vec<f64> {
        let n = self.states.len();
        let mut cumulative = Vec::with_capacity(n * n);
        for from in 0..n {
            let total: f64 = (0..n).map(|to| self.transition(from, to)).sum();
            let mut sum = 0.0;
            cumulative.extend((0..n).map(|to| {
                sum += self.transition(from, to) / total;
                sum
            }));
        }
        cumulative
    }
}

impl Mmpp {
    /// Arrivals modulated by `chain`.
    ///
    /// # Errors
    /// A chain or laws that are none.
    pub fn new(
        chain: &Chain,
        laws: &RequestDistributions,
        until: Until,
        seed: Seed,
        label: &str,
    ) -> Result<Self, ParameterError> {
        chain.check()?;
        let mut state_stream = seed.stream(&format!("{label}/states"));
        let state = match chain.start {
            Start::State(state) => state,
            Start::Stationary => {
                let mut sum = 0.0;
                let sums: Vec<f64> = chain.stationary().iter().map(|share| (sum += share, sum).1).collect();
                pick(&sums, state_stream.random())
            }
        };
        let mut source = Mmpp {
            states: chain.states.clone(),
            cumulative: chain.cumulative(),
            state,
            now_ps: 0,
            state_end_ps: 0,
            silent: chain.states.iter().all(|state| state.rate == 0.0),
            state_stream,
            hazard: Hazard::new(seed, label),
            requests: Requests::new(laws, until, seed, label)?,
        };
        source.stay();
        Ok(source)
    }

    /// Draws how long the state lasts.
    fn stay(&mut self) {
        let mean = self.states[self.state].mean_sojourn.as_s_f64();
        let sojourn = Distribution::Exponential { mean }.sample_duration(&mut self.state_stream).as_ps().max(1);
        self.state_end_ps = self.now_ps.saturating_add(sojourn);
    }

    /// Goes to the next state at the end of this one.
    fn switch(&mut self) {
        let n = self.states.len();
        self.now_ps = self.state_end_ps;
        let row = &self.cumulative[self.state * n..(self.state + 1) * n];
        self.state = pick(row, self.state_stream.random());
        self.stay();
    }
}

/// The first index whose cumulative probability passes `u`.
fn pick(cumulative: &[f64], u: f64) -> usize {
    // The last sum may round to just below 1.
    cumulative.iter().position(|sum| u < *sum).unwrap_or(cumulative.len() - 1)
}

impl ArrivalSource for Mmpp {
    fn next_arrival(&mut self) -> Result<Option<Arrival>, SourceError> {
        if self.silent || self.requests.is_over() {
            return Ok(None);
        }
        let mut hazard = self.hazard.next_gap();
        loop {
            let per_ps = self.states[self.state].rate / PS_PER_S;
            let left_ps = self.state_end_ps - self.now_ps;
            let passed = per_ps * left_ps as f64;
            if hazard < passed {
                self.now_ps += ((hazard / per_ps + 0.5) as u64).min(left_ps);
                return Ok(self.requests.at(self.now_ps));
            }
            hazard -= passed;
            if self.state_end_ps >= self.requests.end_ps() {
                return Ok(self.requests.at(u64::MAX));
            }
            self.switch();
        }
    }
}
