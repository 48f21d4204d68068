//! temp
use std::path::PathBuf;
/// s
pub enum Suite {
    /// a
    Hpa,
    /// b
    Queueing,
}
/// e
#[derive(Debug)]
pub struct ValidateError;
impl std::fmt::Display for ValidateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("x")
    }
}
/// r
#[derive(serde::Serialize)]
pub struct Report;
impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("x")
    }
}
impl Report {
    /// c
    pub fn exit_code(&self) -> u8 {
        0
    }
}
/// run
pub fn run(_: Suite, _: &[PathBuf], _: &mut dyn FnMut(&str)) -> Result<Report, ValidateError> {
    Ok(Report)
}
