//! The shipped file, and fits of tables whose law is known.

use super::*;
use std::fmt::Write;
use std::path::Path;

/// A table of a server with 0.5 ms overhead and batches of 2 ms and 1 ms an item.
fn table() -> String {
    let mut text = String::from(
        "source,file,section,scenario,model,gpu,backend,accel,precision,instances,max_batch,client_batch,\
         concurrency,inf_s,queue_ms,cin_ms,infer_ms,cout_ms,avg_ms\n",
    );
    for batch in [1.0, 2.0, 4.0, 8.0] {
        let (compute, latency) = (2.0 + batch, 2.5 + batch);
        let rate = batch / latency * 1e3;
        let _ = writeln!(
            text,
            "s,f,Offline: x,offline,m,NVIDIA T4,PyTorch,-,FP16,1,8,{batch},1,{rate},0,0.25,{compute},-0.0,{latency}"
        );
    }
    text.replace("0.25,", "0,")
}

#[test]
fn the_offline_law_is_found() {
    let rows = parse(&table()).unwrap();
    let profiles = fit(&rows);
    assert_eq!(profiles.len(), 1);
    let BatchProfile { name, overhead_ms, time_ms, online, .. } = &profiles[0];
    assert_eq!((name.as_str(), *overhead_ms, online), ("m-t4-pytorch-fp16", 0.5, &None));
    assert_eq!(time_ms, &[(1, 3.0), (2, 4.0), (4, 6.0), (8, 10.0)]);
}

#[test]
fn what_is_written_reads_as_the_same() {
    let mut profiles = fit(&parse(&table()).unwrap());
    profiles[0].online = Some(Online { instances: 2, formed_ahead: 2, sharing: 1.25, host_per_item_us: 80.5 });
    assert_eq!(profile::read("x.ron", &write(&profiles)).unwrap(), profiles);
}

#[test]
fn bad_rows_are_named_by_line() {
    let cases = [
        (table().replace("offline,m", "neither,m"), 2, "scenario `neither`"),
        (table().replace(",8,2,1,", ",8,2.5,1,"), 3, "`client_batch` is 2.5"),
        (table().replace(",8,4,1,", ",8,-4,1,"), 4, "`client_batch` is `-4`"),
        (table().replace("avg_ms", "mean_ms"), 1, "no column `avg_ms`"),
        (table().lines().next().unwrap().to_owned(), 1, "no rows"),
        (format!("{}s,f\n", table()), 6, "found record with 2 fields"),
    ];
    for (text, line, message) in cases {
        let error = parse(&text).unwrap_err();
        assert!(error.line == line && error.message.contains(message), "{error}");
    }
}

#[test]
fn halves_keep_the_ends_and_see_each_other_row_once() {
    for count in 3..12 {
        for index in 1..count - 1 {
            assert_ne!(Half::Even.sees(index, count), Half::Odd.sees(index, count));
        }
        assert!([Half::Even, Half::Odd].iter().all(|half| half.sees(0, count) && half.sees(count - 1, count)));
    }
}

#[test]
fn the_shipped_file_is_whole() {
    let shipped = shipped().unwrap();
    assert!(shipped.len() >= 50, "{}", shipped.len());
    assert!(shipped.iter().any(|profile| profile.name == "resnet50-a100-80gb-onnx-trt-fp16"));
}

/// Made again from the reference tables, the file is the same.
#[test]
fn the_shipped_file_is_the_fit_of_the_reference_tables() {
    let Some(folder) = std::env::var_os("FLASHCROWD_REFERENCE") else {
        eprintln!("skipped: FLASHCROWD_REFERENCE is not the folder of reference data");
        return;
    };
    let path = Path::new(&folder).join("serving/triton_vision_nlp.csv");
    let made = write(&fit(&parse(&std::fs::read_to_string(path).unwrap()).unwrap()));
    if std::env::var_os("FLASHCROWD_WRITE_PROFILES").is_some() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../profiles/batch.ron");
        std::fs::write(shipped, made).unwrap();
    } else {
        assert!(made == SHIPPED, "profiles/batch.ron differs; make it again with FLASHCROWD_WRITE_PROFILES=1");
    }
}
