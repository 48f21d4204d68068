//! The reference document of the queueing suite, and the parameters of one test.

use super::error::CaseError;
use super::judge::Tolerance;
use crate::error::ValidateError;
use crate::input::Lines;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// The document: `{"tests": [...]}`.
#[derive(Deserialize)]
struct Document {
    tests: Vec<Value>,
}

/// The tests of a file, and errors about those that are of another form.
pub(super) struct Content {
    pub(super) tests: Vec<Test>,
    pub(super) unread: Vec<(String, ValidateError)>,
}

/// One set-up with the values that theory gives for it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Test {
    /// Its name.
    pub(super) id: String,
    /// Which model.
    pub(super) family: String,
    /// The model's parameters.
    pub(super) params: Map<String, Value>,
    /// Values by key; those that `judge` does not name are for information.
    expected: BTreeMap<String, Value>,
    judge: Judge,
    /// Where it stands in its file.
    #[serde(skip)]
    pub(super) place: (String, Option<u64>),
}

#[derive(Clone, Debug, Deserialize)]
struct Judge {
    method: String,
    keys: BTreeMap<String, Tolerance>,
}

/// How a test's values are to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// By running the engine.
    Simulate,
    /// By the closed forms.
    Formula,
}

/// A value that is judged.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Goal {
    /// Its key.
    pub(super) key: String,
    /// What theory gives.
    pub(super) expected: f64,
    /// How far a result may be from it.
    pub(super) tolerance: Tolerance,
}

/// Reads a file's tests.
///
/// # Errors
/// A file that is no document of tests.
pub(super) fn read(path: &Path) -> Result<Content, ValidateError> {
    let lines = Lines::open(path)?;
    let file = lines.file().to_owned();
    let text = lines.document()?;
    let document: Document = serde_json::from_str(&text).map_err(|error| {
        let line = u64::try_from(error.line()).ok().filter(|line| *line > 0);
        ValidateError::new(&file, line, format!("not a document of reference tests: {error}"))
    })?;
    if document.tests.is_empty() {
        return Err(ValidateError::new(&file, None, "the document holds no test"));
    }
    let mut content = Content { tests: Vec::new(), unread: Vec::new() };
    for value in document.tests {
        let id = value.get("id").and_then(Value::as_str).unwrap_or("a test without `id`").to_owned();
        let line = line_of(&text, &id);
        match serde_json::from_value::<Test>(value) {
            Ok(mut test) => {
                test.place = (file.clone(), line);
                test.goals()?;
                content.tests.push(test);
            }
            Err(error) => {
                content.unread.push((id, ValidateError::new(&file, line, format!("not a reference test: {error}"))));
            }
        }
    }
    Ok(content)
}

/// The line that names a test.
fn line_of(text: &str, id: &str) -> Option<u64> {
    let quoted = Value::from(id).to_string();
    text.lines().zip(1..).find(|(line, _)| line.contains("\"id\"") && line.contains(&quoted)).map(|(_, number)| number)
}

impl Test {
    /// An error about this test.
    pub(super) fn error(&self, message: impl std::fmt::Display) -> ValidateError {
        let (file, line) = &self.place;
        ValidateError::new(file, *line, format!("{}: {message}", self.id))
    }

    /// How its values are found; `None` for a way that is not known here.
    pub(super) fn method(&self) -> Option<Method> {
        match self.judge.method.as_str() {
            "simulate" => Some(Method::Simulate),
            "formula" => Some(Method::Formula),
            _ => None,
        }
    }

    /// The method as it is written.
    pub(super) fn method_name(&self) -> &str {
        &self.judge.method
    }

    /// The values that are judged.
    pub(super) fn goals(&self) -> Result<Vec<Goal>, ValidateError> {
        let goal = |(key, tolerance): (&String, &Tolerance)| {
            let expected = self.expected.get(key).and_then(Value::as_f64);
            let expected = expected.ok_or_else(|| self.error(format!("`expected` has no number `{key}`")))?;
            Ok(Goal { key: key.clone(), expected, tolerance: *tolerance })
        };
        self.judge.keys.iter().map(goal).collect()
    }
}

/// Most of anything that is counted: servers, room, users.
const MOST: f64 = 1e6;

/// Reads parameters.
#[derive(Clone, Copy)]
pub(super) struct Params<'a>(pub(super) &'a Map<String, Value>);

impl Params<'_> {
    /// Whether there is a parameter of this name.
    pub(super) fn has(self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Refuses parameters of another form than the one that has these.
    pub(super) fn only(self, known: &[&str]) -> Result<(), CaseError> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                let known = known.iter().map(|&name| name.to_owned()).collect();
                Err(CaseError::UnknownParameter { name: name.clone(), known })
            }
            None => Ok(()),
        }
    }

    /// A finite number.
    pub(super) fn number(self, name: &str) -> Result<f64, CaseError> {
        let value = self.0.get(name).ok_or_else(|| self.missing(name))?;
        value.as_f64().filter(|x| x.is_finite()).ok_or_else(|| wrong_type(name, value, "a number"))
    }

    fn missing(self, name: &str) -> CaseError {
        CaseError::MissingParameter { name: name.to_owned(), given: self.0.keys().cloned().collect() }
    }

    /// A number from 0.
    pub(super) fn not_negative(self, name: &str) -> Result<f64, CaseError> {
        let value = self.number(name)?;
        if value >= 0.0 { Ok(value) } else { Err(CaseError::out_of_range(name, value, "0 or more")) }
    }

    /// A number above 0.
    pub(super) fn positive(self, name: &str) -> Result<f64, CaseError> {
        let value = self.number(name)?;
        if value > 0.0 { Ok(value) } else { Err(CaseError::out_of_range(name, value, "more than 0")) }
    }

    /// A whole number from 1 to a million.
    pub(super) fn count(self, name: &str) -> Result<u32, CaseError> {
        let value = self.number(name)?;
        if (1.0..=MOST).contains(&value) && value.fract() == 0.0 {
            Ok(value as u32)
        } else {
            Err(CaseError::out_of_range(name, value, format!("a whole number from 1 to {MOST}")))
        }
    }

    /// A list of finite numbers, at least one and at most a million.
    pub(super) fn numbers(self, name: &str) -> Result<Vec<f64>, CaseError> {
        let value = self.0.get(name).ok_or_else(|| self.missing(name))?;
        let wrong = || wrong_type(name, value, "a list of numbers");
        let list = value.as_array().filter(|list| !list.is_empty() && list.len() as f64 <= MOST).ok_or_else(wrong)?;
        list.iter().map(|item| item.as_f64().filter(|x| x.is_finite()).ok_or_else(wrong)).collect()
    }

    /// The mean service time, which is given as such or as a rate.
    pub(super) fn mean_service(self) -> Result<f64, CaseError> {
        if self.has("ES") {
            self.positive("ES")
        } else if self.has("D") {
            self.positive("D")
        } else {
            self.positive("mu").map(f64::recip)
        }
    }

    /// A load that is below the capacity, so that a stationary state exists.
    pub(super) fn stable(utilisation: f64) -> Result<f64, CaseError> {
        if utilisation < 1.0 { Ok(utilisation) } else { Err(CaseError::Unstable { utilisation }) }
    }
}

fn wrong_type(name: &str, value: &Value, expected: &'static str) -> CaseError {
    CaseError::WrongType { name: name.to_owned(), value: value.clone(), expected }
}
