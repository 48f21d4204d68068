//! Playing the cells that are missing, on all threads.

use super::plan::{Cell, Sweep};
use super::shard::Shard;
use super::store::{Entry, Played, SloPlayed, Store, StoreError, Told};
use flashcrowd_core::serving::Slo;
use flashcrowd_language::Diagnostic;
use flashcrowd_results::run::{Progress, play_trial};
use flashcrowd_results::{FigureColumns, Figures, Group, ScopeKind, groups, keeps};
use flashcrowd_scenario::{Loaded, Resolved};
use rayon::prelude::*;

/// Why a sweep stopped.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The scenario at a point, or a run of it.
    #[error("{0}")]
    Input(Box<Diagnostic>),
    /// The folder.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Diagnostic> for SweepError {
    fn from(diagnostic: Diagnostic) -> Self {
        SweepError::Input(Box::new(diagnostic))
    }
}

/// Plays every cell of a sweep, or of a shard of it, that its folder does not hold yet. Returns all of
/// them, in order.
///
/// # Errors
/// What stopped a run, or the folder. Cells that were played are kept.
pub fn play(sweep: &Sweep, store: &Store, shard: Shard, progress: &Progress) -> Result<Vec<Entry>, SweepError> {
    let plan = &sweep.plan;
    let of_point = plan.cells() / plan.points.max(1);
    let horizon = sweep.loaded(0)?.variants.iter().map(|variant| variant.horizon).max();
    progress.start(shard.count(plan.cells()) as usize, horizon);
    let of = |point: u64| -> Result<Vec<Entry>, SweepError> {
        let first = point * of_point;
        if !(first..first + of_point).any(|cell| shard.has(cell)) {
            return Ok(Vec::new());
        }
        let loaded = sweep.loaded(point)?;
        let cells = sweep.cells(&loaded);
        let own: Vec<&Cell> =
            cells.iter().zip(first..).filter(|(_, at)| shard.has(*at)).map(|(cell, _)| cell).collect();
        own.par_iter().try_for_each(|cell| play_cell(&loaded, cell, store, progress))?;
        let entry = |cell: &&Cell| Entry {
            point,
            variant: cell.variant,
            replicate: cell.trial.replicate,
            cell: cell.name.clone(),
        };
        Ok(own.iter().map(entry).collect())
    };
    let entries: Result<Vec<Vec<Entry>>, SweepError> = (0..plan.points).into_par_iter().map(of).collect();
    progress.finish();
    Ok(entries?.into_iter().flatten().collect())
}

fn play_cell(loaded: &Loaded, cell: &Cell, store: &Store, progress: &Progress) -> Result<(), SweepError> {
    let resolved = &loaded.variants[cell.variant];
    if store.has(&cell.name) {
        progress.skip(resolved.horizon);
        return Ok(());
    }
    let run = play_trial(loaded, cell.variant, &cell.trial, progress)?;
    let figures = Figures::of(resolved, &run);
    let told = Told {
        digest: figures.digest.clone(),
        seed: cell.trial.seed,
        slos: slos(resolved, &figures),
        values: figures.values(&FigureColumns::KINDS),
    };
    let figures = figures.only(&[ScopeKind::All, ScopeKind::Slo]);
    store.put(&cell.name, &Played { told, figures }, run.cpu_s)?;
    Ok(())
}

/// Each SLO, and whether the trial kept it.
fn slos(resolved: &Resolved, figures: &Figures) -> Vec<SloPlayed> {
    let of_group = |group: Group| -> Vec<SloPlayed> {
        let played = |slo: &Slo| {
            let scope = group.slo_scope(slo);
            let share = figures.value(&scope, "attainment");
            SloPlayed { kept: keeps(slo, share), limit_s: slo.limit.as_s_f64(), name: scope.name }
        };
        group.slos(resolved).iter().map(played).collect()
    };
    groups(resolved).into_iter().flat_map(of_group).collect()
}
