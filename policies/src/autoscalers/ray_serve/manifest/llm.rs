//! Ray Serve LLM: the deployments that its builders make of an application's `args`.
//!
//! Follows ray 2.60.0: `llm/_internal/serve/core/ingress/builder.py` (`build_openai_app`),
//! `serving_patterns/prefill_decode/builder.py` (`build_pd_openai_app`),
//! `serving_patterns/data_parallel/builder.py` (`build_dp_openai_app`), `core/server/builder.py`
//! (names and default options) and `core/configs/llm_config.py` (the schema of an `LLMConfig`, which
//! refuses what it does not know). The ingress before the models has a count of its own, which is
//! not simulated.

use super::deployment::{Defaults, Deployment, Options};
use super::shared::{Result, Warnings};
use crate::manifest::ManifestError;
use crate::manifest::fields::Fields;
use crate::manifest::tree::{Node, shorten};

const INGRESS: &str = "has no effect: the ingress is not simulated, only the LLM deployment behind it";
const ENGINE: &str = "has no effect on the number of replicas: the scenario's `serving` says how its engine runs";
/// Options of `@serve.deployment` that do not bear on the count.
const OTHER_OPTIONS: [&str; 14] = [
    "version",
    "ray_actor_options",
    "max_replicas_per_node",
    "user_config",
    "max_queued_requests",
    "backpressure_config",
    "graceful_shutdown_wait_loop_s",
    "graceful_shutdown_timeout_s",
    "health_check_period_s",
    "health_check_timeout_s",
    "logging_config",
    "request_router_config",
    "max_constructor_retry_count",
    "max_surge_percent",
];

/// What a builder makes of `args`.
#[derive(Clone, Copy)]
enum Builder {
    /// One deployment for each model.
    OpenAi,
    /// A deployment that prefills and one that decodes.
    PrefillDecode,
    /// One model.
    DataParallel,
}

/// The deployments of an application of Ray Serve LLM; `None` if it is none.
pub(super) fn deployments<'a>(
    application: &mut Fields<'a>,
    name: &str,
    warnings: &mut Warnings,
) -> Result<Option<Vec<Deployment<'a>>>> {
    let import = application.optional("import_path").and_then(Node::text).unwrap_or_default();
    let args = application.optional("args");
    let builder = match import.rsplit([':', '.']).next() {
        Some("build_openai_app") => Builder::OpenAi,
        Some("build_pd_openai_app") => Builder::PrefillDecode,
        Some("build_dp_openai_app") => Builder::DataParallel,
        _ if args.is_some_and(|args| args.get("llm_configs").is_some()) => {
            let why = "is no builder of Ray Serve LLM: taken to make what build_openai_app makes of `args.llm_configs`";
            application.without_effect("import_path", why, warnings);
            Builder::OpenAi
        }
        _ => return Ok(None),
    };
    let mut args = application.required_map("args")?;
    let found = match builder {
        Builder::OpenAi => models(&mut args, name, warnings)?,
        Builder::PrefillDecode => {
            let prefill = one(&mut args, "prefill_config", name, "Prefill:", warnings)?;
            let decode = one(&mut args, "decode_config", name, "Decode:", warnings)?;
            if prefill.own.strip_prefix("Prefill:") != decode.own.strip_prefix("Decode:") {
                return Err(args.refused("decode_config", "its model_id differs from that of prefill_config"));
            }
            vec![prefill, decode]
        }
        Builder::DataParallel => vec![one(&mut args, "llm_config", name, "", warnings)?],
    };
    for ingress in ["ingress_cls_config", "ingress_deployment_config"] {
        args.without_effect(ingress, INGRESS, warnings);
    }
    args.optional("api_key");
    args.refuse_unknown()?;
    Ok(Some(found))
}

fn models<'a>(args: &mut Fields<'a>, application: &str, warnings: &mut Warnings) -> Result<Vec<Deployment<'a>>> {
    args.required("llm_configs")?;
    let path = args.path_of("llm_configs");
    let mut found: Vec<Deployment<'a>> = Vec::new();
    for (index, node) in args.optional_list("llm_configs")?.unwrap_or_default().iter().enumerate() {
        let deployment = model(node, format!("{path}[{index}]"), application, "", warnings)?;
        if found.iter().any(|other| other.own == deployment.own) {
            let message = format!("{path}[{index}]: the model \"{}\" is given twice", shorten(&deployment.own));
            return Err(ManifestError::at(node.place, message));
        }
        found.push(deployment);
    }
    if found.is_empty() {
        return Err(args.refused("llm_configs", "expected at least one model"));
    }
    Ok(found)
}

fn one<'a>(
    args: &mut Fields<'a>,
    field: &'static str,
    application: &str,
    role: &str,
    warnings: &mut Warnings,
) -> Result<Deployment<'a>> {
    let node = args.required(field)?;
    model(node, args.path_of(field), application, role, warnings)
}

/// One `LLMConfig`. `role` is put before its name where the builder does so.
fn model<'a>(
    node: &'a Node,
    path: String,
    application: &str,
    role: &str,
    warnings: &mut Warnings,
) -> Result<Deployment<'a>> {
    if node.text().is_some() {
        let message = format!("{path}: the path of another file, which is not read");
        return Err(ManifestError::at(node.place, message).hint("write the model's config here"));
    }
    let mut fields = Fields::of(node, path)?;
    let id = fields.required_map("model_loading_config")?.required_text("model_id")?;
    refuse_gangs(&mut fields)?;
    for engine in ["engine_kwargs", "lora_config"] {
        fields.without_effect(engine, ENGINE, warnings);
    }
    if let Some(mut experimental) = fields.optional_map("experimental_configs")? {
        experimental.without_effect("num_ingress_replicas", INGRESS, warnings);
    }
    for known in [
        "runtime_env",
        "llm_engine",
        "accelerator_type",
        "accelerator_config",
        "placement_group_config",
        "server_cls",
        "log_engine_metrics",
        "callback_config",
    ] {
        fields.optional(known);
    }
    let deployment = deployment(&mut fields, node, application, role, id)?;
    fields.refuse_unknown()?;
    Ok(deployment)
}

/// Ranks of a data-parallel engine are replicas that come and go together.
fn refuse_gangs(fields: &mut Fields<'_>) -> Result<()> {
    let Some(mut engine) = fields.optional_map("engine_kwargs")? else { return Ok(()) };
    match engine.optional_number("data_parallel_size")? {
        Some(size) if size > 1.0 => {
            let message = "data parallel replicas come and go in gangs, which are not simulated";
            Err(engine.refused("data_parallel_size", message))
        }
        _ => Ok(()),
    }
}

fn deployment<'a>(
    config: &mut Fields<'a>,
    node: &'a Node,
    application: &str,
    role: &str,
    id: &str,
) -> Result<Deployment<'a>> {
    let path = config.path_of("deployment_config");
    let given = config.optional("deployment_config");
    let mut name = id.replace('/', "--").replace('.', "_");
    let options = match given {
        None => Options::none(Defaults::Llm),
        Some(node) => {
            let mut fields = Fields::of(node, path.clone())?;
            name = fields.optional_text("name")?.unwrap_or(&name).to_owned();
            for placement in ["placement_group_bundles", "placement_group_strategy"] {
                if fields.optional(placement).is_some() {
                    return Err(fields.refused(placement, "belongs into `placement_group_config`"));
                }
            }
            let options = Options::read(&mut fields, node, Defaults::Llm)?;
            for other in OTHER_OPTIONS {
                fields.optional(other);
            }
            fields.refuse_unknown()?;
            options
        }
    };
    let prefix = if role.is_empty() { "LLMServer:" } else { role };
    Ok(Deployment {
        application: application.to_owned(),
        own: format!("{role}{id}"),
        also: Some(format!("{prefix}{name}")),
        path,
        node: given.unwrap_or(node),
        options,
        warnings: Vec::new(),
    })
}
