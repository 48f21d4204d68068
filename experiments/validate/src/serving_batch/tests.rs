//! Tables whose law is known, bad ones, and the reference tables.

use super::*;
use std::fmt::Write;

const HEAD: &str = "source,file,section,scenario,model,gpu,backend,accel,precision,instances,max_batch,client_batch,\
                    concurrency,inf_s,queue_ms,cin_ms,infer_ms,cout_ms,avg_ms\n";

fn offline_row(batch: f64, latency: f64) -> String {
    let rate = batch / latency * 1e3;
    format!(
        "s,f,Offline: x,offline,m,NVIDIA T4,PyTorch,-,FP16,1,8,{batch},1,{rate},0,0,{},0,{latency}\n",
        latency - 0.5
    )
}

#[test]
fn an_affine_server_is_predicted_exactly_and_a_crooked_one_by_how_crooked_it_is() {
    let table = |crooked: f64| {
        let rows = [1.0, 2.0, 4.0, 8.0].map(|batch| (batch, 2.5 + batch));
        rows.iter().fold(HEAD.to_owned(), |mut text, &(batch, latency)| {
            let latency = if batch == 2.0 { latency * crooked } else { latency };
            let _ = write!(text, "{}", offline_row(batch, latency));
            text
        })
    };
    let affine = &curves(&table(1.0), "t.csv").unwrap()[0];
    assert_eq!((affine.points.len(), affine.scenario), (4, Scenario::Offline));
    assert!(affine.mape < 0.01 && affine.throughput_mape < 0.01, "{affine:?}");
    // The point at 2 is 10 % above the line between its neighbours, which are predicted from it.
    let crooked = &curves(&table(1.1), "t.csv").unwrap()[0];
    let at_two = crooked.points.iter().find(|point| point.batch == 2).unwrap();
    assert!((at_two.error() - 0.0909).abs() < 1e-3, "{at_two:?}");
}

#[test]
fn bad_tables_name_file_and_line() {
    let wide = format!("{HEAD}{}", offline_row(1.0, 3.0).replace(",8,1,1,", ",8,1,5000,"));
    for (text, message) in [
        (wide, "t.csv:2: `concurrency` is 5000"),
        (format!("{HEAD}{}", offline_row(1.0, 3.0).replace("offline", "off")), "t.csv:2: scenario `off`"),
        (String::new(), "t.csv:1: the table has no column `source`"),
    ] {
        let error = curves(&text, "t.csv").unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn no_numbers_are_too_strange_to_play() {
    for latency in ["1e-9", "86400000", "0.001"] {
        for rate in ["1e-9", "86400000"] {
            let mut text = HEAD.to_owned();
            for (scenario, batch, users) in
                [("offline", 1, 1), ("offline", 7, 1), ("offline", 1_000_000, 1), ("online", 1, 60)]
            {
                let _ = writeln!(
                    text,
                    "s,f,x,{scenario},m,NVIDIA T4,PyTorch,-,FP16,2,8,{batch},{users},{rate},0,0,{latency},0,{latency}"
                );
            }
            // A third online row, so that one can be predicted.
            let online = text.lines().last().unwrap().to_owned();
            let _ = write!(text, "{}\n{}\n", online.replace(",1,60,", ",1,61,"), online.replace(",1,60,", ",1,90,"));
            assert!(curves(&text, "t.csv").is_ok());
        }
    }
}

/// Prints what `docs/batching.md` quotes. With the folder of reference data in `FLASHCROWD_REFERENCE`.
#[test]
fn the_reference_curves_are_within_their_band() {
    let Some(folder) = std::env::var_os("FLASHCROWD_REFERENCE") else {
        eprintln!("skipped: FLASHCROWD_REFERENCE is not the folder of reference data");
        return;
    };
    let path = std::path::Path::new(&folder).join("serving/triton_vision_nlp.csv");
    let found = curves(&std::fs::read_to_string(&path).unwrap(), "triton_vision_nlp.csv").unwrap();
    let (mut offline, mut online, mut one_stage) = (Vec::new(), Vec::new(), Vec::new());
    for curve in &found {
        let CurveError { curve: name, scenario, mape, throughput_mape, .. } = curve;
        let [queue, plain] = [curve.queue_share_points, curve.one_stage_throughput_mape].map(|x| x.unwrap_or(f64::NAN));
        println!(
            "{scenario:?} {name}: latency {mape:.1} %, throughput {throughput_mape:.1} % (one stage {plain:.1} %), \
             queue {queue:.1} points"
        );
        match scenario {
            Scenario::Offline => offline.push(*mape),
            Scenario::Online => online.push(*throughput_mape),
        }
        one_stage.extend(curve.one_stage_throughput_mape);
    }
    // A percentage point above what was found when this was written.
    let median = |errors: &mut Vec<f64>| {
        errors.sort_by(f64::total_cmp);
        errors[errors.len() / 2]
    };
    let [offline, online, one_stage] = [&mut offline, &mut online, &mut one_stage].map(median);
    assert!(offline < 3.4 && online < 5.8 && one_stage > 20.0, "{offline} {online} {one_stage}");
}
