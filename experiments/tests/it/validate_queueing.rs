//! The queueing suite: closed forms, the engine, corrupted expectations and malformed files.

use flashcrowd::validate::{Report, Suite, ValidateError, run};
use serde_json::{Value, json};
use std::path::Path;

/// A part of the reference file.
fn reference() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/queueing/analytic.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn run_text(text: &str) -> Result<Report, ValidateError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("analytic.json");
    std::fs::write(&path, text).unwrap();
    run(Suite::Queueing, &[path], &mut |_| {})
}

fn run_tests(tests: &[Value]) -> Report {
    run_text(&json!({ "tests": tests }).to_string()).unwrap()
}

fn test(family: &str, params: &Value, key: &str, expected: f64, tolerance: &Value, method: &str) -> Value {
    json!({
        "id": format!("{family}_x"), "family": family, "params": params, "expected": { key: expected },
        "judge": { "method": method, "keys": { key: tolerance } },
    })
}

#[test]
fn closed_forms_print_every_value_of_the_reference_file() {
    let mut tests = reference()["tests"].as_array().unwrap().clone();
    for test in &mut tests {
        let keys: serde_json::Map<String, Value> =
            test["expected"].as_object().unwrap().keys().map(|key| (key.clone(), json!({ "exact": true }))).collect();
        test["judge"] = json!({ "method": "formula", "keys": keys });
    }
    let report = run_tests(&tests);
    assert_eq!((report.total.failed, report.total.skipped), (0, 0), "{report}");
    assert!(report.total.passed > 60, "{report}");
    assert_eq!(report.exit_code(), 0);
}

#[test]
fn corrupted_expectations_fail() {
    let staff = json!({ "offered_load": 100.0, "target_pwait": 0.2 });
    let exact = json!({ "exact": true });
    let good = test("sqrt_staff", &staff, "c_exact", 111.0, &exact, "formula");
    let bad = test("sqrt_staff", &staff, "c_exact", 112.0, &exact, "formula");
    let report = run_tests(&[good, bad]);
    assert_eq!((report.total.passed, report.total.failed, report.exit_code()), (1, 1, 3));
    let worst = report.worst.unwrap();
    assert_eq!((worst.key.as_str(), worst.expected, worst.found), ("c_exact", json!(112.0), json!(111.0)));
}

#[test]
fn simulated_values_are_judged_by_their_intervals() {
    // Erlang B of 2 erlangs on 3 servers is 4/19; tolerances are wide to keep this test quick.
    let params = json!({ "offered_load": 2.0, "servers": 3 });
    let blocking =
        |expected: f64, rel: f64| test("erlang_b", &params, "blocking", expected, &json!({ "rel": rel }), "simulate");
    let report = run_tests(&[blocking(4.0 / 19.0, 0.1)]);
    assert_eq!((report.total.checks, report.total.passed), (3, 3), "{report}");
    let report = run_tests(&[blocking(0.3, 0.1)]);
    assert_eq!((report.total.failed, report.exit_code()), (3, 3), "{report}");
}

#[test]
fn a_simulated_cold_start_is_exact() {
    let phases = json!({ "image_pull": 61.5, "a": 0.125, "weights": 33, "warm up": 0 });
    let total =
        |expected: f64| test("coldstart_tensorfuse", &phases, "total", expected, &json!({ "exact": true }), "simulate");
    assert_eq!(run_tests(&[total(94.625)]).total.passed, 1);
    assert_eq!(run_tests(&[total(94.626)]).total.failed, 1);
    let none = test("coldstart_tensorfuse", &json!({}), "total", 0.0, &json!({ "abs": 0.0 }), "simulate");
    assert_eq!(run_tests(&[none]).total.passed, 1);
}

#[test]
fn loads_over_one_link_are_exact() {
    let exact = json!({ "exact": true });
    let load = |k: u32, size: f64, link: f64, cap: f64, key: &str, expected: f64| {
        let params = json!({ "k": k, "size_gb": size, "link_gbps": link, "per_stream_cap": cap });
        test("linkshare", &params, key, expected, &exact, "simulate")
    };
    let right = [
        load(4, 16.0, 25.0, 12.0, "t_all", 2.56),
        load(4, 16.0, 25.0, 12.0, "t_alone", 4.0 / 3.0),
        load(4, 16.0, 25.0, 12.0, "slowdown", 1.92),
        // Neither cap nor link divides evenly; then the link does not bind; then it binds one alone.
        load(7, 140.3, 25.0, 100.0, "t_all", 140.3 * 7.0 / 25.0),
        load(2, 16.0, 25.0, 12.0, "slowdown", 1.0),
        load(100, 0.5, 12.5, 22.0, "t_alone", 0.04),
    ];
    assert_eq!(run_tests(&right).total.passed, 6);
    let wrong = run_tests(&[load(4, 16.0, 25.0, 12.0, "t_all", 2.560_001)]);
    assert_eq!((wrong.total.failed, wrong.exit_code()), (1, 3));
    let endless = json!({ "tests": [load(1_000_000, 16.0, 1.0, 12.0, "t_all", 1.0)] });
    assert!(run_text(&endless.to_string()).unwrap_err().message.contains("GB/s"));
}

/// Two loads of which the second begins later; what is of another form is named, and stops nothing.
#[test]
fn a_second_load_takes_half_of_the_link_and_other_forms_are_named() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/queueing/linkshare.json");
    let report = run(Suite::Queueing, std::slice::from_ref(&file), &mut |_| {}).unwrap();
    assert_eq!((report.total.passed, report.total.failed, report.total.skipped), (6, 0, 3), "{report}");
    assert_eq!(report.exit_code(), 0);
    let text = report.to_string();
    for words in [
        "skipped another_form [linkshare, simulate]: `params` has no `k`, but sizes, link",
        "skipped third_transfer [linkshare, simulate]: `params` has an unknown `t2`",
        "skipped another_judge: not a reference test: unknown field `about`",
    ] {
        assert!(text.contains(words), "expected `{words}` in\n{text}");
    }
    let pair = json!({ "size": 16.0, "link": 8.0, "t1": 0.5 });
    let off = |method: &str| run_tests(&[test("linkshare", &pair, "finish1", 3.6, &json!({ "exact": true }), method)]);
    assert_eq!((off("simulate").total.failed, off("formula").total.failed), (1, 1));
    let alone = run_text(
        &json!({ "tests": [test("linkshare", &json!({}), "x", 1.0, &json!({ "exact": true }), "simulate")] })
            .to_string(),
    );
    assert!(alone.unwrap_err().message.contains("`params` has no `k`, but nothing"));
}

#[test]
fn a_surge_leaves_the_backlog_of_a_fluid() {
    let params = json!({ "l0": 7, "l1": 14, "mu": 1, "n": 10, "coldstart_s": 155, "m_after": 20 });
    let surge = |key: &str, expected: f64, rel: f64| {
        run_tests(&[test("surge", &params, key, expected, &json!({ "rel": rel }), "simulate")]).total.passed
    };
    assert_eq!(surge("peak_backlog", 620.0, 0.005), 1);
    assert_eq!(surge("wait_at_peak_with_new_cap", 31.0, 0.005), 1);
    assert_eq!(surge("drain_s", 620.0 / 6.0, 0.005), 1);
    assert_eq!((surge("drain_s", 100.0, 0.02), surge("peak_backlog", 600.0, 0.02)), (0, 0));
    // What the ready replicas can take leaves no backlog.
    let calm = json!({ "l0": 7, "l1": 9, "mu": 1, "n": 10, "coldstart_s": 30, "m_after": 20 });
    assert_eq!(
        run_tests(&[test("surge", &calm, "peak_backlog", 0.0, &json!({ "rel": 0.03 }), "simulate")]).total.passed,
        1
    );
}

/// Two nodes of equal mean life and repair: with one repairer none, one and two are down for 1/5, 2/5 and
/// 2/5 of the time.
#[test]
#[cfg_attr(debug_assertions, ignore = "long")]
fn repairs_wait_for_a_repairer() {
    let repairman = |repairers: u32, key: &str, expected: f64| {
        let params = json!({ "N": 2, "mtbp_h": 3, "mttp_h": 3, "R": repairers, "need": 1 });
        run_tests(&[test("repairman", &params, key, expected, &json!({ "rel": 0.1 }), "simulate")]).total
    };
    assert_eq!((repairman(1, "mean_up", 0.8).passed, repairman(2, "mean_up", 1.0).passed), (1, 1));
    assert_eq!((repairman(1, "P_up_ge_need", 0.6).passed, repairman(1, "P_all_up", 0.2).passed), (1, 1));
    assert_eq!((repairman(1, "preemptions_per_h", 0.8 / 3.0).passed, repairman(2, "mean_up", 0.8).failed), (1, 1));
}

#[test]
#[cfg_attr(debug_assertions, ignore = "long")]
fn a_stand_in_costs_its_cold_start_twice() {
    let params = json!({ "U_h": 4, "D_h": 1, "cold_h": 0.5, "p_spot": 1, "p_od": 3 });
    let renewal = |key: &str, expected: f64| {
        run_tests(&[test("renewal", &params, key, expected, &json!({ "rel": 0.03 }), "simulate")]).total
    };
    assert_eq!((renewal("cost_per_h", 8.5 / 5.0).passed, renewal("unserved", 0.1).passed), (1, 1));
    assert_eq!((renewal("cost_per_h", 7.0 / 5.0).failed, renewal("unserved", 0.2).failed), (1, 1));
    // Up times that are all within the cold start are another world.
    let brief = json!({ "U_h": 0.4, "D_h": 1, "cold_h": 0.5, "p_spot": 1, "p_od": 3 });
    let report = run_tests(&[test("renewal", &brief, "unserved", 0.5 / 1.4, &json!({ "rel": 0.03 }), "simulate")]);
    assert_eq!((report.total.skipped, report.exit_code()), (1, 0), "{report}");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "long")]
fn clients_leave_a_dark_region_when_they_are_told() {
    let params = json!({ "interval_s": 5, "threshold": 2, "timeout_s": 10, "ttl_s": 0 });
    let health = |key: &str, expected: f64| {
        run_tests(&[test("health", &params, key, expected, &json!({ "rel": 0.05 }), "simulate")]).total
    };
    assert_eq!((health("detect_mean", 17.5).passed, health("blackout_mean", 17.5).passed), (1, 1));
    assert_eq!((health("blackout_max", 20.0).passed, health("blackout_max", 22.5).failed), (1, 1));
}

#[test]
fn edges_of_the_parameters_are_played() {
    let rel = json!({ "rel": 0.3 });
    let tests = [
        // Without think time the server never rests; without room to wait nobody waits.
        test("mva", &json!({ "Z": 0, "D": 2, "N": 3 }), "X", 0.5, &json!({ "rel": 0.02 }), "simulate"),
        test("mmck", &json!({ "lam": 1, "mu": 1, "c": 2, "K": 2 }), "Wq", 0.0, &json!({ "exact": true }), "simulate"),
        test("mginf", &json!({ "lam": 0.4, "ES": 0.5 }), "L", 0.2, &rel, "simulate"),
        test("mginf", &json!({ "lam": 5, "mu": 0.25, "t": 3 }), "EN", 10.552_668_945, &rel, "simulate"),
        test("mg1_pk", &json!({ "lam": 0.001, "ES": 100, "cs2": 0 }), "W", 105.555_555, &rel, "simulate"),
    ];
    assert_eq!(run_tests(&tests).total.passed, 7);
}

#[test]
fn what_would_take_too_long_is_not_converged() {
    let near = json!({ "lam": 0.99999, "mu": 1, "c": 1 });
    let crowd = json!({ "offered_load": 1e9, "servers": 1_000_000 });
    let rel = json!({ "rel": 0.3 });
    let tests = [
        test("erlang_c", &near, "Wq", 99_999.0, &rel, "simulate"),
        test("erlang_b", &crowd, "blocking", 0.999, &rel, "simulate"),
    ];
    let report = run_tests(&tests);
    assert_eq!((report.total.not_converged, report.total.passed, report.exit_code()), (4, 0, 3), "{report}");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let rate = json!({ "lam": 0.5, "mu": 1.0, "c": 1 });
    let queue = test("erlang_c", &rate, "Wq", 1.0, &json!({ "rel": 0.3 }), "simulate");
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run_tests(std::slice::from_ref(&queue)))
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one.total.passed, 1, "{one}");
}

#[test]
fn what_is_not_modelled_is_skipped_by_name() {
    let unknown = test("quantum", &json!({}), "x", 1.0, &json!({ "rel": 0.1 }), "simulate");
    let mut left_out = vec![unknown];
    let laws = json!({ "lam": 0.5, "ES": 1.0, "laws": ["pareto a=2"] });
    left_out.push(test("mg1_ps", &laws, "ET", 2.0, &json!({ "rel": 0.1 }), "simulate"));
    left_out.push(test(
        "retry",
        &json!({ "p": 0.5, "max_retries": 3 }),
        "other",
        1.0,
        &json!({ "rel": 0.1 }),
        "formula",
    ));
    let report = run_tests(&left_out);
    assert_eq!((report.total.passed, report.total.skipped, report.exit_code()), (0, report.total.checks, 0));
    assert_eq!(report.parts.keys().collect::<Vec<_>>(), ["mg1_ps", "quantum", "retry"]);
    assert!(report.to_string().contains("skipped quantum_x"), "{report}");
}

#[test]
fn malformed_documents_are_errors_with_a_place() {
    for text in
        ["", " \n", "[]", "{}", "{\"tests\": []}", "{\"tests\": 3}", "{\"tests\": [{}]}", "\u{1f}", "{\"tests\"", "7"]
    {
        let error = run_text(text).unwrap_err();
        assert!(error.file.ends_with("analytic.json") && !error.message.is_empty(), "{text:?}: {error}");
    }
    let bad = |params: Value, family: &str| {
        let case = test(family, &params, "Wq", 1.0, &json!({ "rel": 0.1 }), "simulate");
        run_text(&serde_json::to_string_pretty(&json!({ "tests": [case] })).unwrap()).unwrap_err()
    };
    let error = bad(json!({ "lam": 1.0, "mu": 1.0, "c": 1 }), "erlang_c");
    assert_eq!(error.line, Some(4), "{error}");
    assert!(error.message.contains("utilisation"), "{error}");
    for params in [json!({}), json!({ "lam": -1, "mu": 1, "c": 1 }), json!({ "lam": "x", "mu": 1, "c": 1 })] {
        assert!(!bad(params, "erlang_c").message.is_empty());
    }
    assert!(bad(json!({ "lam": 0.1, "mu": 1, "c": 1.5 }), "erlang_c").message.contains('c'));
    assert!(bad(json!({ "lam": 1, "mu": 1, "c": 5, "K": 2 }), "mmck").message.contains('K'));
    let mut missing = test("retry", &json!({}), "x", 1.0, &json!({ "rel": 0.1 }), "formula");
    missing["expected"] = json!({});
    assert!(run_text(&json!({ "tests": [missing] }).to_string()).unwrap_err().message.contains("`x`"));
    assert!(run(Suite::Queueing, &[], &mut |_| {}).is_err());
}
