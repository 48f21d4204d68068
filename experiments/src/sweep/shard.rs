//! Parts of a sweep that are played elsewhere, and their union.

use super::axis::Value;
use super::plan::Plan;
use super::points::Points;
use super::store::{Entry, Store, StoreError, read_index, read_plan};
use flashcrowd_language::Diagnostic;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// One of several parts: every so many cells, one of them is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    index: u64,
    of: u64,
}

impl Shard {
    /// The whole.
    pub const WHOLE: Shard = Shard { index: 1, of: 1 };

    /// Reads `2/7`; `auto` takes it from an array of Slurm, `auto/7` from an indexed job of Kubernetes, by
    /// what `variable` says of the environment.
    ///
    /// # Errors
    /// How it is written, or which variable is missing.
    pub fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Shard, Diagnostic> {
        let wrong = |message: String| {
            let help = "write `--shard 2/7`, `--shard auto` in an array of Slurm, or `--shard auto/7` in an indexed job of \
                        Kubernetes";
            Diagnostic::about("--shard", message).with_help(help)
        };
        let read = |name: &str| -> Result<u64, Diagnostic> {
            let value = variable(name).ok_or_else(|| wrong(format!("`{name}` is not set")))?;
            value.trim().parse().map_err(|_| wrong(format!("`{name}` is `{value}`: expected a number")))
        };
        let number = |text: &str| text.parse::<u64>().map_err(|_| wrong(format!("`{text}` is no number")));
        let (index, of) = match text.split_once('/') {
            None if text == "auto" => {
                let first = variable("SLURM_ARRAY_TASK_MIN").and_then(|first| first.trim().parse().ok()).unwrap_or(0);
                let own = read("SLURM_ARRAY_TASK_ID")?;
                (own.saturating_sub(first).saturating_add(1), read("SLURM_ARRAY_TASK_COUNT")?)
            }
            Some(("auto", of)) => (read("JOB_COMPLETION_INDEX")?.saturating_add(1), number(of)?),
            Some((index, of)) => (number(index)?, number(of)?),
            None => return Err(wrong(format!("`{text}` is no shard"))),
        };
        if index == 0 || index > of {
            return Err(wrong(format!("there is no shard {index} of {of}: expected 1 to {of}")));
        }
        Ok(Shard { index, of })
    }

    /// Whether a cell is its own.
    pub fn has(self, cell: u64) -> bool {
        cell % self.of == self.index - 1
    }

    /// How many of so many cells are its own.
    pub fn count(self, cells: u64) -> u64 {
        cells / self.of + u64::from(cells % self.of >= self.index)
    }

    /// Whether it is not the whole.
    pub fn is_part(self) -> bool {
        self.of > 1
    }

    /// `2-of-7`.
    pub fn name(self) -> String {
        format!("{}-of-{}", self.index, self.of)
    }
}

/// A union of shards.
#[derive(Debug)]
pub enum Merged {
    /// All cells are there.
    Whole(Box<Plan>, Store, Vec<Entry>),
    /// Cells that none of the folders holds, in words: some of them, and how many there are.
    Missing(Vec<String>, u64),
}

/// Puts the cells of several folders into one; a folder of such folders counts as all of them.
///
/// # Errors
/// If a folder holds no finished shard, or one of another sweep.
pub fn merge(folders: &[PathBuf], out: &Path) -> Result<Merged, StoreError> {
    let mut all: BTreeMap<(u64, usize, u32), (Entry, PathBuf)> = BTreeMap::new();
    let mut plan: Option<Plan> = None;
    let folders = expanded(folders)?;
    for folder in &folders {
        let own = read_plan(folder)?.ok_or_else(|| StoreError::Unfinished(folder.clone()))?;
        if let Some(unlike) = plan.as_ref().and_then(|plan| plan.unlike(&own)) {
            return Err(StoreError::Other { folder: folder.clone(), unlike });
        }
        let plan = plan.get_or_insert(own);
        for entry in read_index(folder)? {
            if !has_place(plan, &entry) {
                let reason = format!("it names no cell of this sweep: {}", entry.cell);
                return Err(StoreError::Damaged { file: folder.join("index.csv"), reason });
            }
            all.insert((entry.point, entry.variant, entry.replicate), (entry, folder.clone()));
        }
    }
    let Some(plan) = plan else { return Err(StoreError::Unfinished(out.to_owned())) };
    let missing: Vec<(u64, usize, u32)> =
        places(&plan).filter(|place| !all.contains_key(place)).take(MOST_NAMED).collect();
    if !missing.is_empty() {
        let count = plan.cells() - places(&plan).filter(|place| all.contains_key(place)).count() as u64;
        return Ok(Merged::Missing(missing.iter().map(|place| words(&plan, *place)).collect(), count));
    }
    let store = Store::open(out, &plan)?;
    for (entry, folder) in all.values() {
        store.adopt(folder, &entry.cell)?;
    }
    Ok(Merged::Whole(Box::new(plan), store, all.into_values().map(|(entry, _)| entry).collect()))
}

/// Folders of shards: those that are given, and those within one that holds no shard itself, by name. There may be
/// more than a command line has room for.
fn expanded(folders: &[PathBuf]) -> Result<Vec<PathBuf>, StoreError> {
    let mut all = Vec::new();
    for folder in folders {
        if read_plan(folder)?.is_some() {
            all.push(folder.clone());
            continue;
        }
        let within = fs::read_dir(folder).map_err(|error| StoreError::refused(folder, &error))?;
        let is_shard = |path: &PathBuf| {
            path.is_dir() && path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'))
        };
        let mut own: Vec<PathBuf> = within.filter_map(Result::ok).map(|entry| entry.path()).filter(is_shard).collect();
        if own.is_empty() {
            return Err(StoreError::Unfinished(folder.clone()));
        }
        own.sort();
        all.extend(own);
    }
    Ok(all)
}

/// Whether an entry is of this sweep, and its cell named as cells are: an index may hold anything.
fn has_place(plan: &Plan, entry: &Entry) -> bool {
    let is_hash = entry.cell.len() == 32 && entry.cell.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash && entry.point < plan.points && entry.variant < plan.variants.len() && entry.replicate < plan.replicates
}

/// Missing cells that are named.
const MOST_NAMED: usize = 10;

fn places(plan: &Plan) -> impl Iterator<Item = (u64, usize, u32)> + '_ {
    let of_point = move |point| {
        (0..plan.variants.len()).flat_map(move |variant| (0..plan.replicates).map(move |r| (point, variant, r)))
    };
    (0..plan.points).flat_map(of_point)
}

/// A cell by its values.
fn words(plan: &Plan, (point, variant, replicate): (u64, usize, u32)) -> String {
    let values = Points::new(&plan.axes, plan.sample, plan.seed).get(point);
    let mut words: Vec<String> = plan
        .axes
        .iter()
        .zip(&values)
        .map(|(axis, value): (_, &Value)| format!("{}={}", axis.name(&plan.axes), value.words()))
        .collect();
    if !plan.variants[variant].is_empty() {
        words.push(format!("variant `{}`", plan.variants[variant]));
    }
    words.push(format!("replicate {}", replicate + 1));
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, environment: &[(&str, &str)]) -> Result<Shard, String> {
        let variable =
            |name: &str| environment.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        Shard::parse(text, variable).map_err(|error| error.to_string())
    }

    #[test]
    fn shards_share_all_cells() {
        for (of, cells) in [(1, 5), (2, 5), (7, 100), (7, 3)] {
            let shards: Vec<Shard> = (1..=of).map(|index| parsed(&format!("{index}/{of}"), &[]).unwrap()).collect();
            assert!((0..cells).all(|cell| shards.iter().filter(|shard| shard.has(cell)).count() == 1));
            for shard in &shards {
                assert_eq!(shard.count(cells), (0..cells).filter(|cell| shard.has(*cell)).count() as u64);
            }
        }
    }

    #[test]
    fn arrays_and_indexed_jobs_say_which_shard() {
        let slurm = [("SLURM_ARRAY_TASK_ID", "3"), ("SLURM_ARRAY_TASK_COUNT", "4"), ("SLURM_ARRAY_TASK_MIN", "1")];
        assert_eq!(parsed("auto", &slurm).unwrap(), Shard { index: 3, of: 4 });
        assert_eq!(parsed("auto/8", &[("JOB_COMPLETION_INDEX", "0")]).unwrap(), Shard { index: 1, of: 8 });
        for (text, message) in
            [("0/2", "no shard 0 of 2"), ("3/2", "no shard 3"), ("x", "no shard"), ("1/x", "no number")]
        {
            assert!(parsed(text, &[]).unwrap_err().contains(message), "{text}");
        }
        assert!(parsed("auto", &[]).unwrap_err().contains("`SLURM_ARRAY_TASK_ID` is not set"));
    }
}
