//! One deployment: its options, and the choice among several.

use super::autoscaling::read_autoscaling;
use super::shared::{CONFIG, Manifest, Result, Warnings};
use crate::autoscalers::ray_serve::config::AutoscalingConfig;
use crate::manifest::fields::Fields;
use crate::manifest::tree::{Node, Place, Value, shorten};
use crate::manifest::{ManifestError, ManifestWarning, nearest};

/// `RAY_SERVE_LLM_DEFAULT_MAX_ONGOING_REQUESTS` and
/// `RAY_SERVE_LLM_DEFAULT_MAX_TARGET_ONGOING_REQUESTS` (`llm/_internal/serve/constants.py`).
const LLM_REQUESTS: u32 = 1_000_000_000;

/// Whose defaults hold where an option is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defaults {
    /// Those of `@serve.deployment`.
    Serve,
    /// Those that Ray Serve LLM puts under a `deployment_config`.
    Llm,
}

/// One deployment, before its autoscaling is read.
pub(super) struct Deployment<'a> {
    pub(super) application: String,
    /// Its own name, or the model's id.
    pub(super) own: String,
    /// What Ray calls a deployment of Ray Serve LLM.
    pub(super) also: Option<String>,
    /// Path of its options.
    pub(super) path: String,
    /// The node of its options.
    pub(super) node: &'a Node,
    pub(super) options: Options<'a>,
    pub(super) warnings: Vec<ManifestWarning>,
}

/// What the options of a deployment say of its count.
pub(super) struct Options<'a> {
    count: Count<'a>,
    max_ongoing_requests: Option<u32>,
    defaults: Defaults,
    /// Where `gang_scheduling_config` stands.
    gangs: Option<Place>,
}

enum Count<'a> {
    /// `num_replicas: auto`, perhaps with bounds.
    Auto(Option<&'a Node>),
    /// `autoscaling_config`; whether `num_replicas` stands beside it without a value.
    Scaled(&'a Node, bool),
    Fixed(u32),
    Unsaid,
}

impl<'a> Options<'a> {
    pub(super) fn read(fields: &mut Fields<'a>, node: &Node, defaults: Defaults) -> Result<Self> {
        let config = fields.optional(CONFIG);
        let replicas = fields.optional("num_replicas");
        let count = match (replicas, config) {
            (Some(node), _) if node.text() == Some("auto") => Count::Auto(config),
            (Some(node), _) if node.text().is_some() => {
                let message = format!("expected a number or \"auto\", found {}", node.kind());
                return Err(fields.refused("num_replicas", &message));
            }
            (Some(_), Some(_)) => {
                let message = "a number does not go with autoscaling_config: leave it out, or write \"auto\"";
                return Err(fields.refused("num_replicas", message));
            }
            (Some(_), None) => match fields.optional_count("num_replicas")? {
                None | Some(0) => return Err(fields.refused("num_replicas", "expected 1 or more, found 0")),
                Some(count) => Count::Fixed(count),
            },
            (None, Some(config)) => Count::Scaled(config, has_key(node, "num_replicas")),
            (None, None) => Count::Unsaid,
        };
        let none = Options::none(defaults);
        let max_ongoing_requests = fields.optional_count("max_ongoing_requests")?.or(none.max_ongoing_requests);
        let gangs = fields.optional("gang_scheduling_config").map(|node| node.place);
        Ok(Options { count, max_ongoing_requests, gangs, ..none })
    }

    /// What holds where no option is given.
    pub(super) fn none(defaults: Defaults) -> Self {
        let max_ongoing_requests = (defaults == Defaults::Llm).then_some(LLM_REQUESTS);
        Options { count: Count::Unsaid, max_ongoing_requests, defaults, gangs: None }
    }
}

/// Whether a map has a key, if only with null.
fn has_key(node: &Node, name: &str) -> bool {
    matches!(&node.value, Value::Map(entries) if entries.iter().any(|(key, _)| key.text == name))
}

impl Deployment<'_> {
    /// `application/name`.
    fn name(&self) -> String {
        format!("{}/{}", self.application, self.own)
    }

    fn scales(&self) -> bool {
        matches!(self.options.count, Count::Auto(_) | Count::Scaled(..))
    }

    pub(super) fn is_called(&self, name: &str) -> bool {
        let within = name.strip_prefix(&self.application).and_then(|rest| rest.strip_prefix('/'));
        [Some(name), within].into_iter().flatten().any(|name| name == self.own || self.also.as_deref() == Some(name))
    }

    /// What its options come to.
    pub(super) fn scaling(&self) -> Result<Manifest> {
        if let Some(place) = self.options.gangs {
            let message =
                format!("{}.gang_scheduling_config: replicas that come and go in gangs are not simulated", self.path);
            return Err(ManifestError::at(place, message));
        }
        let mut warnings = self.warnings.clone();
        let fixed =
            |count| AutoscalingConfig { min_replicas: count, max_replicas: count, ..AutoscalingConfig::default() };
        let config = match &self.options.count {
            Count::Auto(None) => AutoscalingConfig::auto(),
            Count::Auto(Some(node)) => self.autoscaling(node, AutoscalingConfig::auto(), &mut warnings)?,
            Count::Scaled(node, null_beside) => {
                // Ray Serve LLM drops its target where `num_replicas` is written, if only as null.
                let is_llm = self.options.defaults == Defaults::Llm && !null_beside;
                let start = if is_llm { self.llm_start(node, &mut warnings) } else { AutoscalingConfig::default() };
                self.autoscaling(node, start, &mut warnings)?
            }
            Count::Fixed(count) => fixed(*count),
            Count::Unsaid => {
                warnings.push(self.unsaid());
                fixed(1)
            }
        };
        Ok(Manifest {
            name: self.name(),
            config,
            is_fixed: !self.scales(),
            target_capacity_percent: None,
            max_ongoing_requests: self.options.max_ongoing_requests,
            warnings,
        })
    }

    fn autoscaling(&self, node: &Node, start: AutoscalingConfig, warnings: &mut Warnings) -> Result<AutoscalingConfig> {
        read_autoscaling(node, format!("{}.{CONFIG}", self.path), start, warnings)
    }

    /// Ray Serve LLM's own target lies above every load (`llm/_internal/serve/core/server/builder.py`).
    fn llm_start(&self, node: &Node, warnings: &mut Warnings) -> AutoscalingConfig {
        const TARGET: &str = "target_ongoing_requests";
        if node.get(TARGET).is_none() {
            warnings.push(ManifestWarning {
                line: node.place.line,
                column: node.place.column,
                path: format!("{}.{CONFIG}.{TARGET}", self.path),
                message: format!(
                    "missing: Ray Serve LLM takes {LLM_REQUESTS}, which no load reaches, so it never scales up"
                ),
            });
        }
        AutoscalingConfig { target_ongoing_requests: f64::from(LLM_REQUESTS), ..AutoscalingConfig::default() }
    }

    fn unsaid(&self) -> ManifestWarning {
        let why = match self.options.defaults {
            Defaults::Serve => "the options in its code hold, which this file does not show",
            Defaults::Llm => "so Ray Serve LLM keeps one",
        };
        ManifestWarning {
            line: self.node.place.line,
            column: self.node.place.column,
            path: self.path.clone(),
            message: format!("has neither {CONFIG} nor num_replicas: {why}; taken as 1 replica that never scales"),
        }
    }
}

/// The one deployment that is meant.
pub(super) fn chosen<'a, 'b>(
    root: &Node,
    found: &'b [Deployment<'a>],
    name: Option<&str>,
) -> Result<&'b Deployment<'a>> {
    let names = |list: &[&Deployment]| list.iter().map(|one| one.name()).collect::<Vec<_>>().join(", ");
    let all: Vec<&Deployment> = found.iter().collect();
    let Some(name) = name else {
        let scaling: Vec<&Deployment> = found.iter().filter(|deployment| deployment.scales()).collect();
        return match (scaling.as_slice(), all.as_slice()) {
            ([one], _) | ([], [one]) => Ok(one),
            ([], []) => {
                let hint = "list its `deployments`, or the `args.llm_configs` of Ray Serve LLM";
                Err(ManifestError::at(root.place, "applications: no deployment is listed").hint(hint))
            }
            ([], several) => {
                let message = format!("none of {} deployments scales: {}", several.len(), names(&all));
                Err(ManifestError::at(several[1].node.place, message).hint("choose one by name"))
            }
            (several, _) => {
                let message = format!("{} deployments scale: {}", several.len(), names(several));
                Err(ManifestError::at(several[1].node.place, message).hint("choose one by name"))
            }
        };
    };
    let called: Vec<&Deployment> = found.iter().filter(|deployment| deployment.is_called(name)).collect();
    match called.as_slice() {
        [one] => Ok(one),
        [] => {
            let message = format!("no deployment is called \"{}\": found {}", shorten(name), names(&all));
            let full: Vec<String> = found.iter().map(Deployment::name).collect();
            let hint = nearest(name, full.iter().map(String::as_str));
            Err(ManifestError::general(message).maybe_hint(hint.map(|name| format!("did you mean `{name}`?"))))
        }
        several => {
            let message = format!("{} deployments are called \"{}\"", several.len(), shorten(name));
            Err(ManifestError::at(several[1].node.place, message).hint("choose one as application/name"))
        }
    }
}
