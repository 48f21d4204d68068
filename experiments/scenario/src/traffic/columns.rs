//! A trace with columns of one's own: which they are, which rows are meant, how times are written; and the file
//! read by it, whatever its kind.

use super::trace::OnBadRow;
use crate::errors::source_error;
use crate::settings::Notes;
use flashcrowd_core::ports::SourceError;
use flashcrowd_language::{Diagnostic, nearest};
use flashcrowd_tables::{ParquetRows, is_parquet};
use flashcrowd_workloads::traffic::trace as traces;
use flashcrowd_workloads::traffic::trace::own::{self, Plan, Records, Table, open_records, proposal};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, Weak};

/// Columns of a trace by their names in its header; of JSON lines, keys with dots between steps:
/// `usage.prompt_tokens`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// When a request came.
    #[schemars(extend("x-example" = r#""timestamp""#))]
    pub time: String,
    /// Tokens of its prompt; none by default.
    #[schemars(extend("x-example" = r#""prompt_tokens""#))]
    pub prompt: Option<String>,
    /// Tokens of its output; none by default.
    #[schemars(extend("x-example" = r#""completion_tokens""#))]
    pub output: Option<String>,
    /// Its model. Without effect yet.
    #[schemars(extend("x-example" = r#""model""#))]
    pub model: Option<String>,
    /// Its session. Without effect yet.
    #[schemars(extend("x-example" = r#""session_id""#))]
    pub session: Option<String>,
    /// Its class. Without effect yet.
    #[schemars(extend("x-example" = r#""priority""#))]
    pub class: Option<String>,
    /// Its tenant. Without effect yet.
    #[schemars(extend("x-example" = r#""tenant""#))]
    pub tenant: Option<String>,
}

/// How the times of a trace are written.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum TimeForm {
    /// ISO 8601: `2025-11-03T00:00:00.5Z`, also with a space or an offset; UTC where none is given.
    Iso,
    /// Seconds since 1970.
    UnixSeconds,
    /// Milliseconds since 1970.
    UnixMillis,
    /// Microseconds since 1970.
    UnixMicros,
    /// Nanoseconds since 1970.
    UnixNanos,
    /// Seconds from any start.
    Seconds,
    /// Milliseconds from any start.
    Millis,
    /// Microseconds from any start.
    Micros,
    /// Nanoseconds from any start.
    Nanos,
}

impl From<TimeForm> for own::TimeForm {
    fn from(form: TimeForm) -> own::TimeForm {
        match form {
            TimeForm::Iso => own::TimeForm::Iso,
            TimeForm::UnixSeconds => own::TimeForm::UnixSeconds,
            TimeForm::UnixMillis => own::TimeForm::UnixMillis,
            TimeForm::UnixMicros => own::TimeForm::UnixMicros,
            TimeForm::UnixNanos => own::TimeForm::UnixNanos,
            TimeForm::Seconds => own::TimeForm::Seconds,
            TimeForm::Millis => own::TimeForm::Millis,
            TimeForm::Micros => own::TimeForm::Micros,
            TimeForm::Nanos => own::TimeForm::Nanos,
        }
    }
}

/// What a scenario says of a file with columns of its own.
pub(super) struct Own<'a> {
    pub(super) columns: &'a Columns,
    pub(super) only: Option<&'a BTreeMap<String, String>>,
    pub(super) time: Option<TimeForm>,
    pub(super) on_bad_row: Option<OnBadRow>,
}

impl Own<'_> {
    /// Reads the file; `path` is that of the traffic, `shown` the file as the scenario writes it, `hash` that of
    /// its bytes.
    pub(super) fn read(
        &self,
        notes: &mut Notes<'_>,
        path: &str,
        (file, shown, hash): (&Path, &str, &str),
    ) -> Result<Arc<Table>, Diagnostic> {
        let mut records = open(file).map_err(|error| source_error(&error))?;
        self.expect_names(notes, path, &*records, shown)?;
        let plan = self.plan();
        let key = format!("{} {hash} {plan:?}", file.display());
        let table = match held(&key) {
            Some(table) => table,
            None => hold(key, Table::read(&mut *records, &plan).map_err(|error| source_error(&error))?),
        };
        let time = format!("{path}.time");
        match (self.time, table.form()) {
            (Some(_), _) => notes.given(&time, ""),
            (None, own::TimeForm::Typed) => notes.default(&time, "None", "timestamps by the column's type", false),
            (None, form) => notes.default(&time, form.name(), "recognised from the first row", false),
        }
        if self.only.is_none() {
            notes.default(&format!("{path}.where"), "None", "every row is meant", false);
        }
        Ok(table)
    }

    fn plan(&self) -> Plan {
        let Columns { time, prompt, output, .. } = self.columns.clone();
        Plan {
            time,
            prompt,
            output,
            only: self.only.map_or_else(Vec::new, |only| only.clone().into_iter().collect()),
            form: self.time.map(own::TimeForm::from),
            on_bad_row: match self.on_bad_row {
                Some(OnBadRow::Drop) => traces::OnBadRow::Drop,
                Some(OnBadRow::Refuse) | None => traces::OnBadRow::Refuse,
            },
        }
    }

    /// Every column that is named must be there; of those that nothing comes of yet, a warning says so.
    fn expect_names(
        &self,
        notes: &mut Notes<'_>,
        path: &str,
        records: &dyn Records,
        shown: &str,
    ) -> Result<(), Diagnostic> {
        let Columns { time, prompt, output, model, session, class, tenant } = self.columns;
        let used = [("time", Some(time)), ("prompt", prompt.as_ref()), ("output", output.as_ref())];
        let unused = [("model", model), ("session", session), ("class", class), ("tenant", tenant)]
            .map(|(role, name)| (role, name.as_ref()));
        for (role, name) in used.iter().chain(&unused) {
            let Some(name) = name else { continue };
            expect(notes, &format!("{path}.columns.{role}"), name, records, shown)?;
        }
        for name in self.only.into_iter().flat_map(BTreeMap::keys) {
            expect(notes, &format!("{path}.where"), name, records, shown)?;
        }
        for (role, _) in unused.iter().filter(|(_, name)| name.is_some()) {
            let setting = format!("{path}.columns.{role}");
            let line = notes.document.line_at(&setting).map_or_else(String::new, |line| format!(" (line {line})"));
            notes.warn(format!("`{setting}`{line} has no effect yet: requests are played without a {role}"));
        }
        Ok(())
    }
}

/// Opens a file of any kind that is read.
pub(super) fn open(file: &Path) -> Result<Box<dyn Records>, SourceError> {
    // One that cannot be read is refused in words by the next who tries.
    if is_parquet(file).unwrap_or(false) { Ok(Box::new(ParquetRows::open(file)?)) } else { open_records(file) }
}

/// What must be named before a Parquet file can be read.
pub(super) fn unnamed(file: &Path) -> Result<Option<SourceError>, SourceError> {
    if !is_parquet(file).unwrap_or(false) {
        return Ok(None);
    }
    let (message, hint) = proposal(ParquetRows::open(file)?.names());
    Ok(Some(SourceError { place: file.display().to_string().into(), message, hint }))
}

fn expect(notes: &Notes<'_>, setting: &str, name: &str, records: &dyn Records, shown: &str) -> Result<(), Diagnostic> {
    if records.names().iter().any(|known| known == name) {
        return Ok(());
    }
    let (has, proposed) = proposal(records.names());
    let error = notes.error(setting, format!("`{shown}` has no {} `{name}`", records.field_word())).with_label(has);
    match (nearest(name, records.names().iter().map(String::as_str)), proposed) {
        (Some(near), _) => Err(error.with_help(format!("did you mean `{near}`?"))),
        (None, Some(proposed)) => Err(error.with_help(proposed)),
        (None, None) => Err(error),
    }
}

/// Tables that others hold: the variants of a scenario play the same rows.
static HELD: Mutex<Vec<(String, Weak<Table>)>> = Mutex::new(Vec::new());

fn held(key: &str) -> Option<Arc<Table>> {
    let held = HELD.lock().ok()?;
    held.iter().find(|(known, _)| known == key).and_then(|(_, table)| table.upgrade())
}

fn hold(key: String, table: Table) -> Arc<Table> {
    let table = Arc::new(table);
    if let Ok(mut held) = HELD.lock() {
        held.retain(|(_, table)| table.strong_count() > 0);
        held.push((key, Arc::downgrade(&table)));
    }
    table
}
