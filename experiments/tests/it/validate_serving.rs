//! `flashcrowd validate serving` on tables of every form, whole, thin and broken; and the errors on
//! the reference data, which may not grow (`FLASHCROWD_REFERENCE`, else that is skipped).

use flashcrowd::validate::{Baseline, Report, Suite, ValidateError, run, serving_with};
use flashcrowd_profiles::Library;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// Five loads of one shape that the shipped profile was fitted on, and one of another.
const SWEEP: &str = "\
point_id,idx,model,gpu,tp,arrival,rate_target_rps,max_concurrency,window_s,in_lo,in_hi,out_lo,out_hi,n_ok,achieved_rps,\
ttft_ms_mean,ttft_ms_p50,ttft_ms_p99,itl_ms_mean,e2e_ms_mean,e2e_ms_p99,flags
a-0,0,meta-llama/Llama-3.1-8B,H100,1,synchronous,,1,30,128,384,128,384,500,0.6,20,19,25,7,1800,2700,
a-1,1,meta-llama/Llama-3.1-8B,H100,1,closed,,16,30,128,384,128,384,500,7,40,30,90,8,2200,3000,
a-4,4,meta-llama/Llama-3.1-8B,H100,1,constant,4,,30,128,384,128,384,500,4,24,23,40,7.5,1950,2900,
a-8,8,meta-llama/Llama-3.1-8B,H100,1,constant,12,,30,128,384,128,384,500,12,-1e8,30,60,10,2600,3900,ttft_mean_corrupt
a-9,9,meta-llama/Llama-3.1-8B,H100,1,constant,16,,30,128,384,128,384,500,15,35,34,70,12,3100,4600,
b-3,3,Qwen/Qwen2.5-14B,H100,1,constant,4,,30,32,96,32,96,50,4,30,30,40,12,800,1300,n<100
";

const CLOSED: &str = "\
id,model_path,system,mode,isl,osl,precision,tp_size,silicon_tpot_ms,conc
c-1,meta-llama/Llama-3.1-70B,h100_sxm,agg,512,64,fp8,2,20,4
c-2,meta-llama/Llama-3.1-70B,h100_sxm,agg,512,64,fp8,2,20,
c-3,meta-llama/Llama-3.1-70B,h100_sxm,disagg,512,64,fp8,2,20,4
c-4,mystery/Model,h100_sxm,agg,512,64,fp8,2,20,4
c-5,mistralai/Mixtral-8x7B-v0.1,h200_sxm,agg,512,64,bf16,2,20,4
";

const STAGES: &str = "\
point_id,model,gpu,tp,engine,workload,rate_rps,duration_s,n_sys_prompts,users_per_sys,sys_prompt_len,prompt_mean,\
output_len_nom,ttft_ms_mean,e2e_ms_mean,tpot_ms_derived
s-1,meta-llama/Llama-2-7b-hf,H100-SXM-80GB,1,vLLM v0.15.1,general,8,20,9,5,100,575.45,64,27,600,8.2
";

const LOAD: &str = "\
gpu,num_prompts,request_rate,completed,total_input_tokens,total_output_tokens,request_throughput,mean_tpot_ms,\
max-num-batched-tokens,max-num-seqs,enable-chunked-prefill
8xH100 1FP8-meta,40,16,40,8000,2000,9.9,106,512,512,True
8xMi300x 2FP8-amd,40,inf,40,8000,2000,9.9,106,default,1024,False
";

const OFFLINE: &str = "\
gpu,input_len,output_len,batch_size,elapsed_time,requests_per_second
8xH100 1FP8-meta,2048,64,4,9,0.44
";

const SPLITWISE: &str = "\
model,hardware,tensor_parallel,prompt_size,batch_size,token_size,prompt_ms,token_ms
llama2-70b,h100-80gb,4,512,2,32,90,29
llama2-70b,h100-80gb-pcap,4,512,2,32,117,29
";

const PEERS: &str = "\
point_id,model,gpu,tp,workload,stage,subset,ttft_mean_ms_actual,e2e_mean_ms_actual,e2e_mean_ms_pred_vidur
p-1,meta-llama/Llama-3.1-8B-Instruct,H100,1,general,-1,first 300 requests,36,2078,2100
p-2-lite,meta-llama/Llama-3.1-8B-Instruct,H100,1,general,-1,all,36,2078,3000
";

const INFERENCEX: &str = "\
point_id,model,gpu,parallel,spec_decode,concurrency,isl,osl,num_prompts,duration_s,rps,tpot_ms_p50
i-1,Qwen/Qwen3-32B,H200x4,tp4,,4,1024,64,12,9,1.3,9
";

const TRITON: &str = "\
source,file,section,scenario,model,gpu,backend,accel,precision,instances,max_batch,client_batch,concurrency,inf_s,\
queue_ms,cin_ms,infer_ms,cout_ms,avg_ms
s,f,Offline: x,offline,m,NVIDIA T4,PyTorch,-,FP16,1,8,1,1,285,0,0,3,0,3.5
s,f,Offline: x,offline,m,NVIDIA T4,PyTorch,-,FP16,1,8,2,1,444,0,0,4,0,4.5
s,f,Offline: x,offline,m,NVIDIA T4,PyTorch,-,FP16,1,8,3,1,,0,0,,0,
s,f,Offline: x,offline,m,NVIDIA T4,PyTorch,-,FP16,1,8,4,1,615,0,0,6,0,6.5
";

const REQUESTS: &str = "\
{\"in_tok\": 100, \"out_tok\": 20, \"ttft_ms\": 300.0, \"itl_ms\": [30.0], \"e2e_ms\": 900.0, \"err\": false}
{\"in_tok\": 200, \"out_tok\": 0, \"ttft_ms\": 0.0, \"itl_ms\": [], \"e2e_ms\": 0.0, \"err\": false}
";

const TABLES: [(&str, &str); 9] = [
    ("sweep.csv", SWEEP),
    ("closed.csv", CLOSED),
    ("stages.csv", STAGES),
    ("load.csv", LOAD),
    ("offline.csv", OFFLINE),
    ("splitwise.csv", SPLITWISE),
    ("peers.csv", PEERS),
    ("inferencex.csv", INFERENCEX),
    ("triton.csv", TRITON),
];

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

fn validate(name: &str, text: &str) -> Result<Report, ValidateError> {
    let folder = TempDir::new().unwrap();
    run(Suite::Serving, &[write(&folder, name, text)], &mut |_| {})
}

fn flashcrowd(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flashcrowd")).current_dir(folder).args(args).output().unwrap()
}

#[test]
fn a_sweep_is_judged_by_band_and_split() {
    let report = validate("sweep.csv", SWEEP).unwrap();
    let metric = |name: &str| report.metrics.get(name).copied();
    let in_band = "fitted/Llama-3.1-8B/le76/e2e_mean";
    assert_eq!(metric(&format!("{in_band}/points")), Some(1.0));
    assert_eq!(metric(&format!("{in_band}/mape/fitted_on")), metric(&format!("{in_band}/mape")));
    assert_eq!(metric(&format!("{in_band}/mape/held_out")), None);
    // 64x64 is not among the shapes that the profile names.
    assert!(metric("fitted/Qwen2.5-14B/le76/e2e_mean/mape/held_out").is_some());
    assert!(metric("datasheet/Llama-3.1-8B/le76/e2e_mean/mape").is_some());
    assert!(metric("datasheet/Llama-3.1-8B/le76/e2e_mean/mape/held_out").is_none());
    assert_eq!(metric("fitted/Llama-3.1-8B/capacity/points"), Some(2.0));
    // A broken mean gives way to the median.
    assert!(metric("fitted/Llama-3.1-8B/88/ttft_mean/mape").is_none());
    assert!(metric("fitted/Llama-3.1-8B/88/ttft_p50/mape").is_some());
    // Fitted: e2e, itl, e2e p99, ttft up to 76 %, e2e at 88 %; datasheet: five. Few requests are not judged.
    assert_eq!((report.total.checks, report.parts["fitted/Qwen2.5-14B/le76/e2e_mean"].checks), (10, 0));
    let text = report.to_string();
    for word in ["verdict", "held out", "at saturation, by point", "capacity of fitted/Llama-3.1-8B"] {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn points_say_everything_that_is_needed_to_compute_the_errors_again() {
    let report = validate("sweep.csv", SWEEP).unwrap();
    let json = serde_json::to_value(&report).unwrap();
    let points = json["points"].as_array().unwrap();
    for point in points {
        for (field, is) in [
            ("id", Value::is_string as fn(&Value) -> bool),
            ("profile", Value::is_string),
            ("model", Value::is_string),
            ("band", Value::is_string),
            ("metric", Value::is_string),
            ("measured", Value::is_number),
            ("simulated", Value::is_number),
        ] {
            assert!(is(&point[field]), "{point}");
        }
    }
    let bands: Vec<&str> = points.iter().map(|point| point["band"].as_str().unwrap()).collect();
    for band in ["sync", "closed", "le76", "88", "100"] {
        assert!(bands.contains(&band), "{band}");
    }
    let chosen = points.iter().filter(|point| {
        (&point["profile"], &point["model"], &point["band"], &point["metric"])
            == (&"fitted".into(), &"Llama-3.1-8B".into(), &"le76".into(), &"itl_mean".into())
    });
    let errors: Vec<f64> = chosen
        .map(|point| 100.0 * (point["simulated"].as_f64().unwrap() / point["measured"].as_f64().unwrap() - 1.0).abs())
        .collect();
    let told = report.metrics["fitted/Llama-3.1-8B/le76/itl_mean/mape"];
    assert!((errors.iter().sum::<f64>() / errors.len() as f64 - told).abs() < 1e-9);
}

#[test]
fn every_form_is_read_and_what_cannot_be_replayed_is_counted() {
    for (name, text, points, left_out) in [
        // By shape and by datasheet, and by fit where there is one.
        ("closed.csv", CLOSED, 3, 3),
        ("stages.csv", STAGES, 6, 0),
        ("load.csv", LOAD, 8, 0),
        ("offline.csv", OFFLINE, 2, 0),
        ("splitwise.csv", SPLITWISE, 4, 1),
        ("peers.csv", PEERS, 6, 1),
        ("inferencex.csv", INFERENCEX, 4, 0),
        ("triton.csv", TRITON, 2, 1),
        ("perreq_dstack_h100_4qps.jsonl", REQUESTS, 14, 0),
    ] {
        let report = validate(name, text).unwrap();
        assert_eq!(report.points.len(), points, "{name}: {report}");
        let counted = report.parts.get("left out").map_or(0, |counts| counts.cases);
        assert_eq!(counted, left_out, "{name}: {report}");
        assert!(report.points.iter().all(|point| point["simulated"].as_f64().unwrap() > 0.0), "{name}: {report}");
    }
    let peers = validate("peers.csv", PEERS).unwrap();
    assert_eq!(peers.metrics["peers/vidur/e2e_mean/points"], 2.0);
    assert_eq!(peers.metrics["peers/vidur/e2e_mean/common_points"], 1.0);
    assert!(validate("closed.csv", CLOSED).unwrap().to_string().contains("mystery/Model"));
}

#[test]
fn recordings_are_read_with_their_descriptions() {
    let folder = TempDir::new().unwrap();
    let lines = REQUESTS.replace("{\"in_tok\"", "{\"arr_ms\": 5, \"in_tok\"");
    let path = write(&folder, "mine_rtx4090.jsonl", &lines);
    let error = run(Suite::Serving, std::slice::from_ref(&path), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("mine_rtx4090.meta.json"), "{error}");
    let meta = r#"{"model": "meta-llama/Llama-3.1-8B", "vllm_version": "0.19.0",
        "engine_kwargs": {"tensor_parallel_size": 1, "max_num_seqs": 256}, "kv_cache": {"num_gpu_blocks": 2588}}"#;
    write(&folder, "mine_rtx4090.meta.json", meta);
    let report = run(Suite::Serving, std::slice::from_ref(&path), &mut |_| {}).unwrap();
    assert_eq!(report.points[0]["id"], "mine_rtx4090");
    write(&folder, "mine_rtx4090.meta.json", &meta.replace("3.1-8B", "3.1-9B"));
    let error = run(Suite::Serving, &[path], &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("meta.json") && error.contains("did you mean `Llama-3.1-8B`?"), "{error}");
}

#[test]
fn thin_tables_work() {
    // Neither idx nor achieved rates nor flags nor tp: all optional.
    let thin = "model,gpu,arrival,rate_target_rps,window_s,in_lo,in_hi,out_lo,out_hi,e2e_ms_mean\n\
                Qwen/Qwen3-32B,H200,poisson,2,20,64,64,32,32,600\n";
    let report = validate("thin.csv", thin).unwrap();
    assert_eq!(report.points.len(), 2);
    assert_eq!((report.points[0]["band"].as_str(), report.points[0]["id"].as_str()), (Some("unrated"), Some("line 2")));
}

/// Plays the text and expects a refusal with exit code 2 that says all of `words`.
fn refused(name: &str, text: &str, words: &[&str]) {
    let folder = TempDir::new().unwrap();
    write(&folder, name, text);
    let output = flashcrowd(folder.path(), &["validate", "serving", name]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    for word in words {
        assert!(message.contains(word), "expected `{word}` in\n{message}");
    }
    assert!(output.stdout.is_empty());
}

#[test]
fn bad_input_is_refused_with_its_place() {
    let sweep = |from: &str, to: &str| SWEEP.replacen(from, to, 1);
    refused("s.csv", "", &["s.csv", "empty"]);
    refused("s.csv", "a,b\n", &["s.csv", "no row"]);
    refused("s.csv", "a,b\n1,2\n", &["s.csv:1:", "unknown columns", "load sweeps of guidellm"]);
    refused("s.csv", &sweep("window_s", "windows"), &["s.csv:1:", "no column `window_s`", "`windows`"]);
    refused("s.csv", &sweep(",4,,30,", ",4,,soon,"), &["s.csv:4:", "`window_s` is `soon`", "expected a number"]);
    refused("s.csv", &sweep(",4,,30,", ",4,,-1,"), &["s.csv:4:", "above 0"]);
    refused("s.csv", &sweep(",4,,30,", ",1e300,,30,"), &["s.csv:4:", "at most"]);
    refused("s.csv", &sweep(",128,384,128", ",384,128,128"), &["s.csv:2:", "`in_lo` is 384", "range"]);
    refused("s.csv", &sweep("constant", "konstant"), &["s.csv:4:", "did you mean `constant`?"]);
    refused("s.csv", &sweep(",500,0.6", ",500"), &["s.csv", "line: 2"]);
    let unknown = SWEEP.replace("Llama-3.1-8B", "Llama-3.1-9B").replace("Qwen/Qwen2.5-14B", "mine");
    refused("s.csv", &unknown, &["s.csv:2:", "none of 6 rows", "did you mean `Llama-3.1-8B`?"]);
    refused("s.csv", &SWEEP.replace("H100", "H1000"), &["s.csv:2:", "no GPU `H1000`", "did you mean"]);
    refused("r.jsonl", "{\"in_tok\": 3}\n", &["r.jsonl:1:", "out_tok"]);
    refused("r.jsonl", REQUESTS, &["r.meta.json"]);
    refused("r.meta.json", "{\"model\": \"m\", \"engine_kwargs\": {}}", &["description", ".jsonl.gz"]);
    refused("p.csv", "prefill,decode,mean_ttft_ms\n1,1,3\n", &["disaggregated", "What is read"]);
    refused("t.csv", "t,prompt_throughput,gen_throughput,kv_cache_pct\n1,1,3,4\n", &["gauges", "perreq"]);
    refused("l.csv", "model,loader,loading_time_s\nm,l,3\n", &["cold starts"]);
    refused("t.csv", &TRITON.replace("offline", "of-line"), &["t.csv:2:", "of-line"]);
    let folder = TempDir::new().unwrap();
    write(&folder, "q.json", "{}");
    let output = flashcrowd(folder.path(), &["validate", "queueing", "q.json", "--plots", "x"]);
    assert_eq!(output.status.code(), Some(2), "--plots is for serving only");
    let output = flashcrowd(folder.path(), &["validate", "serving", "q.json", "--profile", "none.ron"]);
    assert!(output.status.code() == Some(2) && String::from_utf8_lossy(&output.stderr).contains("none.ron"));
}

#[test]
fn no_cell_is_too_strange() {
    for (name, text) in TABLES {
        let lines: Vec<&str> = text.lines().collect();
        let columns = lines[0].split(',').count();
        for column in 0..columns {
            for strange in ["", "nan", "-1", "0", "1.5", "1e300", "inf", "x", "\u{fffd}"] {
                let mut cells: Vec<&str> = lines[1].split(',').collect();
                cells[column] = strange;
                let text = format!("{}\n{}\n", lines[0], cells.join(","));
                if let Err(error) = validate(name, &text) {
                    assert!(error.to_string().contains(name), "{error}");
                }
            }
        }
    }
}

#[test]
fn a_file_without_known_models_does_not_hide_the_others() {
    let folder = TempDir::new().unwrap();
    let unknown = write(&folder, "u.csv", &INFERENCEX.replace("Qwen3-32B", "Qwen9-1T"));
    let known = write(&folder, "k.csv", INFERENCEX);
    let error = run(Suite::Serving, std::slice::from_ref(&unknown), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("u.csv:2: none of 1 rows can be replayed") && error.contains("Qwen9-1T"), "{error}");
    let report = run(Suite::Serving, &[unknown, known], &mut |_| {}).unwrap();
    assert_eq!((report.points.len(), report.parts["left out"].cases), (4, 1));
}

#[test]
fn results_do_not_depend_on_threads() {
    let folder = TempDir::new().unwrap();
    write(&folder, "s.csv", SWEEP);
    let play = |threads| {
        let args = ["validate", "serving", "s.csv", "--format", "json", "--threads", threads];
        flashcrowd(folder.path(), &args).stdout
    };
    assert!(!play("1").is_empty());
    assert_eq!(play("1"), play("3"));
}

#[test]
fn plots_are_written() {
    let folder = TempDir::new().unwrap();
    write(&folder, "s.csv", SWEEP);
    let output = flashcrowd(folder.path(), &["validate", "serving", "s.csv", "--plots", "img"]);
    assert!(matches!(output.status.code(), Some(0 | 3)));
    for file in ["sweep-fitted.svg", "sweep-datasheet.svg"] {
        let text = fs::read_to_string(folder.path().join("img").join(file)).unwrap();
        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n") && text.contains("e2e_mean"));
    }
}

/// The shipped profiles with slower weights.
fn slower() -> Library {
    let mut profiles = Library::shipped().profiles().to_vec();
    for profile in &mut profiles {
        profile.coefficients.weights_ms *= 1.1;
    }
    Library::new(profiles)
}

#[test]
fn a_worse_profile_is_noticed() {
    let folder = TempDir::new().unwrap();
    // What the shipped profile itself says is the truth here.
    let honest = validate("sweep.csv", SWEEP).unwrap();
    let said = honest
        .points
        .iter()
        .find(|point| point["id"] == "a-4" && point["profile"] == "fitted" && point["metric"] == "itl_mean");
    let itl = said.unwrap()["simulated"].as_f64().unwrap();
    let path = write(&folder, "s.csv", &SWEEP.replacen(",40,7.5,", &format!(",40,{itl},"), 1));
    let files = [path];
    let play = |library: &Library| {
        let report = serving_with(&files, library, &mut |_| {}).unwrap();
        Baseline::of(&report, [])
    };
    let baseline = play(Library::shipped());
    assert_eq!(baseline.errors["fitted/Llama-3.1-8B/le76/itl_mean"], 0.0);
    assert_eq!(baseline.worse(&play(Library::shipped())), Vec::<String>::new());
    let worse = baseline.worse(&play(&slower()));
    assert!(worse.iter().any(|line| line.starts_with("fitted/Llama-3.1-8B/le76/itl_mean: was 0.00 %")), "{worse:?}");
    // Nothing was done to the datasheet law.
    assert!(worse.iter().all(|line| line.starts_with("fitted/")), "{worse:?}");
}

/// What the ratchet plays.
const REFERENCE: [&str; 20] = [
    "llm_aiconfigurator_silicon.csv",
    "llm_blis_actual_and_peer_predictions.csv",
    "llm_dstack_405b_offline.csv",
    "llm_dstack_405b_qps.csv",
    "llm_guidellm_sweeps.csv",
    "llm_inferenceperf_stages.csv",
    "llm_splitwise_profile.csv",
    "perreq_dstack_h100_1000qps.jsonl.gz",
    "perreq_dstack_h100_16qps.jsonl.gz",
    "perreq_dstack_mi300x_1000qps.jsonl.gz",
    "perreq_dstack_mi300x_16qps.jsonl.gz",
    "perreq_vllm_rtx4090_llama-3.1-8b.jsonl.gz",
    "perreq_vllm_rtxpro6000_qwen3-32b.jsonl.gz",
    "triton_vision_nlp.csv",
    "llm_argonne_static_batch.csv",
    "llm_inferenceperf_kubecon25.csv",
    "llm_inferencex_closedloop.csv",
    "perreq_resvllm_qwen3-14b_h100_rate_agg_4rps_vanilla.jsonl.gz",
    "perreq_resvllm_qwen3-14b_h100_rate_agg_8rps_vanilla.jsonl.gz",
    "perreq_resvllm_qwen3-14b_h100_tenants_3T_agg_6rps_vanilla.jsonl.gz",
];

/// No group of the reference data may get worse by more than a point, and all limits hold. With
/// `FLASHCROWD_RENEW_BASELINE=1` the errors of today become the baseline.
#[test]
#[cfg_attr(debug_assertions, ignore = "simulates thousands of points")]
fn errors_on_the_reference_data_do_not_grow() {
    let Some(folder) = std::env::var_os("FLASHCROWD_REFERENCE").map(|folder| PathBuf::from(folder).join("serving"))
    else {
        eprintln!("skipped: FLASHCROWD_REFERENCE is not the folder of reference data");
        return;
    };
    let files: Vec<PathBuf> = REFERENCE.iter().map(|name| folder.join(name)).collect();
    let contents: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    let report = run(Suite::Serving, &files, &mut |_| {}).unwrap();
    let now = Baseline::of(&report, REFERENCE.iter().copied().zip(contents.iter().map(Vec::as_slice)));
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serving_baseline.json");
    if std::env::var_os("FLASHCROWD_RENEW_BASELINE").is_some() {
        fs::write(&stored, serde_json::to_string_pretty(&now).unwrap() + "\n").unwrap();
    }
    let baseline: Baseline = serde_json::from_str(&fs::read_to_string(&stored).unwrap()).unwrap();
    if baseline.files != now.files {
        eprintln!("skipped: the reference data are not those of tests/serving_baseline.json");
        return;
    }
    let worse = baseline.worse(&now);
    assert!(worse.is_empty(), "worse than tests/serving_baseline.json by more than a point:\n{}", worse.join("\n"));
    assert_eq!(report.total.failed, 0, "{report}");
    let slower = serving_with(&files[4..5], &slower(), &mut |_| {}).unwrap();
    let noticed = baseline.worse(&Baseline::of(&slower, []));
    let grown =
        |line: &String| line.starts_with("fitted/Llama-3.1-8B/le76/itl_mean: was") && !line.contains("any more");
    assert!(noticed.iter().any(grown), "the ratchet cannot fail: {noticed:?}");
}
