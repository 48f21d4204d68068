//! Recorded metrics: a CSV with a `time` column, or the JSON of a Prometheus `query_range`.

use flashcrowd_language::{Diagnostic, list, nearest};
use flashcrowd_policies::clock::WallClock;
use serde_json::Value;
use std::collections::BTreeMap;

/// One recorded series: instants in nanoseconds since the first of the file, ascending.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// The pod it belongs to, if it names one.
    pub pod: Option<String>,
    /// Instants and values.
    pub points: Vec<(i64, f64)>,
}

/// All that was recorded, by metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// Series by metric name. The names `replicas` and `ready` hold the scale.
    pub metrics: BTreeMap<String, Vec<Series>>,
    /// The last instant, in nanoseconds since the first.
    pub end_ns: i64,
    /// When the first was, if times are dates.
    pub starts_at: Option<WallClock>,
}

/// How old a sample may be that an instant query finds: Prometheus' lookback.
const LOOKBACK_NS: i64 = 300 * 1_000_000_000;
/// Times from here on, in 1973, are dates; earlier ones count from the start of the recording.
const DATES_FROM_NS: i64 = 100_000_000 * 1_000_000_000;
/// Longest recording: 30 days of nanoseconds fit easily, and a unit mistake does not.
const LONGEST_S: f64 = 400.0 * 86_400.0;

impl Series {
    /// The newest value at `at`, not older than five minutes.
    pub fn at(&self, at_ns: i64) -> Option<f64> {
        let after = self.points.partition_point(|point| point.0 <= at_ns);
        let &(when, value) = self.points.get(after.checked_sub(1)?)?;
        (at_ns - when <= LOOKBACK_NS).then_some(value)
    }
}

impl Series {
    /// The integral of the values over seconds up to `at`: what a counter shows whose rate this is. Each
    /// value holds until the next.
    pub fn integral(&self, at_ns: i64) -> f64 {
        let ends = self.points.iter().skip(1).map(|point| point.0).chain([i64::MAX]);
        let parts = self.points.iter().zip(ends).take_while(|(point, _)| point.0 < at_ns);
        parts.map(|(point, end)| point.1 * (end.min(at_ns) - point.0) as f64 / 1e9).sum()
    }
}

impl Recording {
    /// Reads a recording; JSON is told from CSV by its first character. `only` names the metric of
    /// series that carry no name.
    ///
    /// # Errors
    /// The first thing that is wrong, with file and line.
    pub fn read(file: &str, bytes: &[u8], only: Option<&str>) -> Result<Recording, Diagnostic> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(Diagnostic::about(file, "this is not a text file: expected CSV or Prometheus JSON"));
        };
        let mut recording = match text.trim_start().chars().next() {
            None => return Err(Diagnostic::about(file, "the file is empty: expected CSV or Prometheus JSON")),
            Some('{' | '[') => prometheus(file, text, only)?,
            Some(_) => csv(file, text)?,
        };
        recording.shift_to_zero(file)?;
        Ok(recording)
    }

    /// Makes the first instant zero, and checks the order and span of all.
    fn shift_to_zero(&mut self, file: &str) -> Result<(), Diagnostic> {
        let points = || self.metrics.values().flatten().flat_map(|series| &series.points);
        let (Some(first), Some(last)) = (points().map(|p| p.0).min(), points().map(|p| p.0).max()) else {
            return Err(Diagnostic::about(file, "no sample was recorded"));
        };
        self.end_ns = last - first;
        // Seconds beyond three years are dates.
        self.starts_at = (first >= DATES_FROM_NS).then(|| WallClock::from_ns(first));
        for series in self.metrics.values_mut().flatten() {
            series.points.iter_mut().for_each(|point| point.0 -= first);
            series.points.sort_by_key(|point| point.0);
        }
        if self.end_ns as f64 / 1e9 > LONGEST_S {
            return Err(Diagnostic::about(file, "the samples span more than 400 days: is `time` in seconds?"));
        }
        Ok(())
    }

    /// The series of a metric, or an error with the nearest recorded name. Adapters rewrite `:`, `-` and `.`.
    ///
    /// # Errors
    /// If nothing of that name was recorded.
    pub fn metric(&self, file: &str, name: &str) -> Result<&[Series], Diagnostic> {
        let plain = |name: &str| name.replace([':', '-', '.'], "_").to_lowercase();
        let found = self.metrics.iter().find(|(known, _)| plain(known) == plain(name));
        if let Some((_, series)) = found {
            return Ok(series);
        }
        let names: Vec<&str> = self.metrics.keys().map(String::as_str).collect();
        let error = Diagnostic::about(file, format!("the metric `{name}` of the manifest was not recorded"));
        let error = error.with_label(format!("recorded: {}", list(names.iter().copied())));
        Err(match nearest(name, names) {
            Some(near) => error.with_help(format!("did you mean `{near}`?")),
            None => error.with_help("add a column (CSV) or a series (JSON) of that name"),
        })
    }
}

fn at_line(file: &str, line: usize, message: String) -> Diagnostic {
    let mut diagnostic = Diagnostic::about(file, message);
    diagnostic.line = line as u32;
    diagnostic.column = 1;
    diagnostic
}

fn csv(file: &str, text: &str) -> Result<Recording, Diagnostic> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| at_line(file, 1, error.to_string()))?.clone();
    let names: Vec<&str> = header.iter().collect();
    let Some(time) = names.iter().position(|name| matches!(*name, "time" | "time_s" | "timestamp")) else {
        let error = at_line(file, 1, "there is no column `time`".to_owned());
        return Err(error.with_label(format!("columns: {}", list(names))));
    };
    let mut columns: Vec<Series> = names.iter().map(|_| Series::default()).collect();
    let mut before = i64::MIN;
    for row in reader.records() {
        let row = row.map_err(|error| {
            let line = error.position().map_or(1, csv::Position::line);
            at_line(file, line as usize, format!("malformed row: {error}"))
        })?;
        let line = row.position().map_or(1, csv::Position::line) as usize;
        let at = instant(row.get(time).unwrap_or("")).ok_or_else(|| {
            let found = row.get(time).unwrap_or("");
            at_line(file, line, format!("`{found}` is no time: expected seconds, or 2024-01-31T12:00:00Z"))
        })?;
        if at < before {
            return Err(at_line(file, line, "the time goes back: rows must be in order".to_owned()));
        }
        before = at;
        for (i, series) in columns.iter_mut().enumerate() {
            let field = row.get(i).unwrap_or("");
            if i == time || field.is_empty() {
                continue;
            }
            let value = number(field).ok_or_else(|| {
                at_line(file, line, format!("`{field}` in column `{}` is no finite number of at least 0", names[i]))
            })?;
            series.points.push((at, value));
        }
    }
    let columns = names.iter().zip(columns).enumerate().filter(|(i, _)| *i != time);
    let metrics = columns.map(|(_, (name, series))| ((*name).to_owned(), vec![series])).collect();
    Ok(Recording { metrics, ..Recording::default() })
}

fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| value.is_finite() && (0.0..=9e15).contains(value))
}

/// Seconds, or an RFC 3339 instant in UTC.
fn instant(text: &str) -> Option<i64> {
    if let Ok(s) = text.parse::<f64>() {
        return (s.is_finite() && s.abs() < 9e9).then_some((s * 1e9).round() as i64);
    }
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00")).unwrap_or(text);
    let (date, clock) = text.split_once(['T', ' '])?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut clock = clock.splitn(3, ':');
    let (hour, minute) = (clock.next()?.parse::<i64>().ok()?, clock.next()?.parse::<i64>().ok()?);
    let second = clock.next()?.parse::<f64>().ok()?;
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && (1970..2200).contains(&year);
    if !valid || !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0.0..61.0).contains(&second) {
        return None;
    }
    // Days from civil (Howard Hinnant's algorithm).
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    let whole = days * 86_400 + hour * 3_600 + minute * 60;
    Some(whole * 1_000_000_000 + (second * 1e9).round() as i64)
}

fn prometheus(file: &str, text: &str, only: Option<&str>) -> Result<Recording, Diagnostic> {
    let document: Value = serde_json::from_str(text).map_err(|error| {
        let mut diagnostic = Diagnostic::about(file, format!("malformed JSON: {error}"));
        (diagnostic.line, diagnostic.column) = (error.line() as u32, error.column() as u32);
        diagnostic
    })?;
    let wrong = |message: &str| Diagnostic::about(file, message.to_owned());
    if document["status"] == "error" {
        return Err(wrong(&format!("Prometheus answered with an error: {}", document["error"])));
    }
    let result = document["data"]["result"].as_array().or_else(|| document["result"].as_array());
    let result = result.ok_or_else(|| {
        wrong("expected the answer of `query_range`: {\"data\": {\"resultType\": \"matrix\", \"result\": [...]}}")
    })?;
    let mut recording = Recording::default();
    for (entry, index) in result.iter().zip(0_usize..) {
        let labels = &entry["metric"];
        let name = labels["__name__"].as_str().or(only).ok_or_else(|| {
            wrong(&format!("series {index} has no `__name__`, and the manifest has several metrics")).with_help(
                "give each metric its own name, such as by `label_replace(..., \"__name__\", \"...\", \"\", \"\")`",
            )
        })?;
        let values = entry["values"].as_array();
        let values = values.ok_or_else(|| wrong(&format!("series {index} has no `values`: expected a range query")))?;
        let mut series = Series { pod: labels["pod"].as_str().map(str::to_owned), points: Vec::new() };
        for pair in values {
            let (at, text) = (pair[0].as_f64().filter(|at| at.abs() < 9e9), pair[1].as_str());
            let (Some(at), Some(text)) = (at, text) else {
                return Err(wrong(&format!("series {index}: expected [seconds, \"value\"], found {pair}")));
            };
            // Prometheus writes NaN where a quotient has no value: there is no sample then.
            if let Some(value) = number(text) {
                series.points.push(((at * 1e9).round() as i64, value));
            } else if text != "NaN" {
                return Err(wrong(&format!("series {index}: `{text}` is no finite number of at least 0")));
            }
        }
        recording.metrics.entry(name.to_owned()).or_default().push(series);
    }
    Ok(recording)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn csv_with_seconds_or_dates() {
        let text = "time,gpu_utilization,replicas\n100,50,2\n115,,2\n130,90,3\n";
        let recording = Recording::read("s.csv", text.as_bytes(), None).unwrap();
        let series = &recording.metric("s.csv", "gpu-utilization").unwrap()[0];
        assert_eq!(series.points, [(0, 50.0), (30_000_000_000, 90.0)]);
        assert_eq!((series.at(29_999_999_999), series.at(400_000_000_000)), (Some(50.0), None));
        assert_eq!(instant("1970-01-02T00:00:01.5Z"), Some(86_401_500_000_000));
        assert_eq!(instant("2000-03-01 00:00:00"), Some(951_868_800_000_000_000));
    }

    #[test]
    fn prometheus_json_by_pod() {
        let text = r#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"__name__":"m","pod":"a"},"values":[[1000,"5"],[1015,"NaN"]]},
            {"metric":{"__name__":"m","pod":"b"},"values":[[1000.5,"7"]]}]}}"#;
        let recording = Recording::read("s.json", text.as_bytes(), None).unwrap();
        let series = recording.metric("s.json", "m").unwrap();
        assert_eq!(series.len(), 2);
        assert_eq!((series[0].at(15_000_000_000), series[1].points[0].0), (Some(5.0), 500_000_000));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let message = |text: &str| Recording::read("s.csv", text.as_bytes(), None).unwrap_err().to_string();
        assert!(message("when,m\n1,2\n").contains("no column `time`"));
        assert!(message("time,m\n1,2\n0,2\n").contains("s.csv:3:1"));
        assert!(message("time,m\n1,x\n").contains("`x` in column `m`"));
        assert!(message("time,m\n1,-5\n").contains("at least 0"));
        assert!(message("").contains("empty"));
        assert!(message("{\"data\": 1}").contains("query_range"));
        assert!(message("time,m\n").contains("no sample"));
        let recording = Recording::read("s.csv", b"time,gpu_utilisation\n1,2\n", None).unwrap();
        let error = recording.metric("s.csv", "gpu_utilization").unwrap_err().to_string();
        assert!(error.contains("did you mean `gpu_utilisation`?"), "{error}");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}", csv in "time,[a-z]{1,3}\n([0-9.eE+-]{0,12},[0-9.eE+-]{0,12}\n){0,6}") {
            let _ = Recording::read("s", text.as_bytes(), Some("m"));
            let _ = Recording::read("s", csv.as_bytes(), None);
        }
    }
}
