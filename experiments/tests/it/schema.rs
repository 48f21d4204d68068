//! `summary.json` against the schema that the program prints.

use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn flashcrowd(args: &[&str]) -> Value {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(env!("CARGO_BIN_EXE_flashcrowd")).current_dir(repository).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The part of JSON Schema that types of Rust are written in: what does not fit, by its path.
fn misfits(schema: &Value, root: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
        return misfits(&root["$defs"][name], root, value, path, found);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let fits = |schema: &Value| {
            let mut inner = Vec::new();
            misfits(schema, root, value, path, &mut inner);
            inner.is_empty()
        };
        if !any.iter().any(fits) {
            found.push(format!("{path}: none of its forms"));
        }
        return;
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_u64() || n.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = types.is_empty() || types.iter().any(|of| *of == is || (*of == "number" && is == "integer"));
    if !fits {
        found.push(format!("{path}: {is}, not {types:?}"));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.is_object() && value.get(name).is_none() {
            found.push(format!("{path}.{name}: missing"));
        }
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        let own = &schema["properties"][name];
        let own = if own.is_null() { &schema["additionalProperties"] } else { own };
        if own.is_null() {
            found.push(format!("{path}.{name}: not in the schema"));
        } else {
            misfits(own, root, inner, &format!("{path}.{name}"), found);
        }
    }
    for (at, inner) in value.as_array().into_iter().flatten().enumerate() {
        misfits(&schema["items"], root, inner, &format!("{path}.{at}"), found);
    }
}

#[test]
fn summaries_fit_their_schema_and_others_do_not() {
    let schema = flashcrowd(&["schema", "summary"]);
    let check = |value: &Value| {
        let mut found = Vec::new();
        misfits(&schema, &schema, value, "", &mut found);
        found
    };
    let quick = ["--replicates", "1", "--no-out", "--format", "json"];
    for (scenario, horizon) in
        [("@horizontal", "horizon=5m"), ("@multi-region", "horizon=5m"), ("@retry-storm", "horizon=2m")]
    {
        let whole = flashcrowd(&[&["run", scenario, "--set", horizon], &quick[..]].concat());
        let runs = whole["runs"].as_array().cloned().unwrap_or_else(|| vec![whole]);
        for run in runs {
            assert_eq!(check(&run), Vec::<String>::new(), "{scenario}");
        }
    }
    let mut wrong = flashcrowd(&[&["run", "@horizontal", "--set", "horizon=1m"], &quick[..]].concat());
    wrong["cost"]["total_usd"] = "dear".into();
    wrong["surprise"] = 1.into();
    wrong.as_object_mut().unwrap().remove("digest");
    assert_eq!(check(&wrong).len(), 3, "{:?}", check(&wrong));
}
