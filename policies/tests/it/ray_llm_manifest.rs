//! Ray Serve: fixed counts, and the deployments that builders of Ray Serve LLM make.

use flashcrowd_policies::autoscalers::ray_serve::manifest::{Manifest, read, read_bytes};
use proptest::prelude::*;

const LLM: &str = "applications:
- name: llms
  import_path: ray.serve.llm:build_openai_app
  route_prefix: /
  args:
    llm_configs:
    - model_loading_config: {model_id: org/big.v1, model_source: s3://b/m}
      accelerator_type: H100
      deployment_config:
        autoscaling_config: {min_replicas: 1, max_replicas: 8, target_ongoing_requests: 32}
        max_ongoing_requests: 64
";

fn accepted(text: &str, name: Option<&str>) -> Manifest {
    read(text, name).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn refused(text: &str, name: Option<&str>) -> String {
    match read(text, name) {
        Err(error) => error.in_file("serve.yaml"),
        Ok(manifest) => panic!("accepted: {manifest:?}\n{text}"),
    }
}

#[test]
fn a_model_of_an_llm_application_scales() {
    let manifest = accepted(LLM, None);
    let config = &manifest.config;
    assert_eq!((manifest.name.as_str(), manifest.is_fixed), ("llms/org/big.v1", false));
    assert_eq!((config.min_replicas, config.max_replicas, config.target_ongoing_requests), (1, 8, 32.0));
    assert_eq!((manifest.max_ongoing_requests, manifest.warnings.len()), (Some(64), 0));
    let indented = format!("    {}", LLM.trim_end().replace('\n', "\n    "));
    let service = format!(
        "apiVersion: ray.io/v1\nkind: RayService\nmetadata: {{name: s}}\nspec:\n  serveConfigV2: |\n{indented}\n"
    );
    assert_eq!(accepted(&service, Some("org/big.v1")), manifest);
}

#[test]
fn models_are_chosen_by_their_id_or_by_what_ray_calls_them() {
    let second = "    - model_loading_config: {model_id: small}\n      deployment_config: {num_replicas: auto}\n";
    let both = format!("{LLM}{second}");
    let message = refused(&both, None);
    assert!(message.contains("2 deployments scale: llms/org/big.v1, llms/small"), "{message}");
    for name in ["small", "llms/small", "LLMServer:small", "llms/LLMServer:small"] {
        assert_eq!(accepted(&both, Some(name)).config.max_replicas, 100, "{name}");
    }
    assert_eq!(accepted(&both, Some("LLMServer:org--big_v1")).config.max_replicas, 8);
    let message = refused(&both, Some("llms/smal"));
    assert!(message.contains("did you mean `llms/small`?"), "{message}");
    let twice = both.replace("small", "org/big.v1");
    assert!(
        refused(&twice, None).contains("serve.yaml:12:7: applications[0].args.llm_configs[1]: the model"),
        "{twice}"
    );
}

#[test]
fn defaults_are_those_of_ray_serve_llm() {
    let with = |options: &str| {
        let text = "applications:\n- import_path: ray.serve.llm.build_openai_app\n  args:\n    llm_configs:\n    - model_loading_config: {model_id: m}\n";
        format!("{text}      deployment_config: {{{options}}}\n")
    };
    let bounds = |manifest: &Manifest| (manifest.config.min_replicas, manifest.config.max_replicas);
    let scaled = accepted(&with("autoscaling_config: {max_replicas: 4}"), None);
    assert_eq!((bounds(&scaled), scaled.config.target_ongoing_requests), ((1, 4), 1e9));
    assert_eq!(scaled.max_ongoing_requests, Some(1_000_000_000));
    assert!(scaled.warnings[0].to_string().contains("never scales up"), "{:?}", scaled.warnings);
    // Where `num_replicas` is written, Ray's own target holds.
    for options in ["num_replicas: auto", "num_replicas: null, autoscaling_config: {max_replicas: 4}"] {
        let manifest = accepted(&with(options), None);
        assert_eq!((manifest.config.target_ongoing_requests, manifest.warnings.len()), (2.0, 0), "{options}");
    }
    let fixed = accepted(&with("num_replicas: 3"), None);
    assert_eq!((bounds(&fixed), fixed.is_fixed, fixed.warnings.len()), ((3, 3), true, 0));
    let unsaid = accepted(&with(""), None);
    assert_eq!((bounds(&unsaid), unsaid.is_fixed, unsaid.warnings.len()), ((1, 1), true, 1));
}

#[test]
fn the_ingress_and_the_engine_are_warned_about() {
    let text = format!(
        "{LLM}      engine_kwargs: {{max_num_seqs: 64}}\n      experimental_configs: {{num_ingress_replicas: 2}}\n    ingress_deployment_config: \
         {{num_replicas: 2}}\n  deployments:\n  - {{name: OpenAiIngress, num_replicas: 4}}\n"
    );
    let warnings = accepted(&text, None).warnings;
    let paths: Vec<&str> = warnings.iter().map(|warning| warning.path.as_str()).collect();
    let model = "applications[0].args.llm_configs[0]";
    let wanted = [
        format!("{model}.engine_kwargs"),
        format!("{model}.experimental_configs.num_ingress_replicas"),
        "applications[0].args.ingress_deployment_config".to_owned(),
        "applications[0].deployments[0].name".to_owned(),
    ];
    assert_eq!(paths, wanted);
    let over = text.replace("OpenAiIngress", "'LLMServer:org--big_v1'");
    let message = refused(&over, None);
    assert!(message.contains("write them into its `deployment_config`"), "{message}");
    let own = LLM.replace("ray.serve.llm:build_openai_app", "my.code:app");
    assert_eq!(accepted(&own, None).warnings[0].path, "applications[0].import_path");
}

#[test]
fn prefill_and_decode_are_two_deployments() {
    let text = "applications:
- name: pd
  import_path: ray.serve.llm:build_pd_openai_app
  args:
    prefill_config:
      model_loading_config: {model_id: m}
      deployment_config: {autoscaling_config: {max_replicas: 4, target_ongoing_requests: 8}}
    decode_config:
      model_loading_config: {model_id: m}
      deployment_config: {autoscaling_config: {max_replicas: 6, target_ongoing_requests: 8}}
";
    let message = refused(text, None);
    assert!(message.contains("2 deployments scale: pd/Prefill:m, pd/Decode:m"), "{message}");
    assert_eq!(accepted(text, Some("Decode:m")).config.max_replicas, 6);
    let other = text.replacen("model_id: m", "model_id: other", 1);
    let message = refused(&other, None);
    assert!(message.contains("differs from that of prefill_config"), "{message}");
}

#[test]
fn what_ray_serve_llm_refuses_is_refused() {
    let table = [
        ("accelerator_type", "accelerator_typ", "did you mean `accelerator_type`?"),
        ("max_ongoing_requests", "max_ongoing_request", "did you mean `max_ongoing_requests`?"),
        ("model_id: org/big.v1, ", "", "model_loading_config.model_id: required"),
        ("max_replicas: 8", "max_replicas: 0", "expected 1 or more"),
        ("        max_ongoing_requests: 64", "        num_replicas: 2", "does not go with autoscaling_config"),
        ("        max_ongoing_requests: 64", "        placement_group_bundles: []", "placement_group_config"),
        ("accelerator_type: H100", "engine_kwargs: {data_parallel_size: 4}", "gangs"),
        ("  route_prefix: /", "  external_scaler_enabled: true", "another program scales"),
    ];
    for (from, to, words) in table {
        let text = LLM.replacen(from, to, 1);
        let message = refused(&text, None);
        assert!(message.contains(words) && message.starts_with("serve.yaml:"), "{to}: {message}");
    }
    let path = "applications: [{import_path: 'ray.serve.llm:build_openai_app', args: {llm_configs: [model.yaml]}}]";
    let message = refused(path, None);
    assert!(message.contains("the path of another file"), "{message}");
}

#[test]
fn a_fixed_count_is_accepted() {
    let text = "applications:\n- name: m\n  import_path: x:app\n  deployments:\n  - {name: M, num_replicas: 3}\n";
    let manifest = accepted(text, None);
    assert_eq!((manifest.config.min_replicas, manifest.config.max_replicas, manifest.is_fixed), (3, 3, true));
    let bare = accepted(&text.replace(", num_replicas: 3", ""), None);
    assert_eq!((bare.config.max_replicas, bare.warnings[0].line), (1, 5));
    let two = format!("{text}  - {{name: B, num_replicas: 2}}\n");
    let message = refused(&two, None);
    assert!(message.contains("none of 2 deployments scales: m/M, m/B"), "{message}");
    assert_eq!(accepted(&two, Some("B")).config.max_replicas, 2);
    let message = refused(&text.replace('3', "0"), None);
    assert!(message.contains("1 or more"), "{message}");
    let gangs = text.replace("num_replicas: 3", "num_replicas: 4, gang_scheduling_config: {gang_size: 2}");
    let message = refused(&gangs, None);
    assert!(message.contains("gangs"), "{message}");
}

proptest! {
    #[test]
    fn no_text_panics(cut in 0_usize..600, with in "\\PC{0,6}") {
        let mut cut = cut.min(LLM.len());
        while !LLM.is_char_boundary(cut) { cut -= 1; }
        let _ = read_bytes(format!("{}{with}{}", &LLM[..cut], &LLM[cut..]).as_bytes(), None);
    }
}
