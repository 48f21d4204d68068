//! An application of a serve config: the deployments that it lists, or that a builder of Ray Serve
//! LLM makes of its arguments.

use super::deployment::{Defaults, Deployment, Options};
use super::llm;
use super::shared::{Result, Warnings};
use crate::manifest::ManifestError;
use crate::manifest::fields::Fields;
use crate::manifest::tree::Node;

/// Reads all deployments of one application.
pub(super) fn read(node: &Node, path: String) -> Result<Vec<Deployment<'_>>> {
    let mut fields = Fields::of(node, path)?;
    let name = fields.optional_text("name")?.unwrap_or("default");
    refuse_other_scalers(&mut fields)?;
    let listed = listed(&mut fields, name)?;
    let mut warnings = Warnings::new();
    let Some(mut made) = llm::deployments(&mut fields, name, &mut warnings)? else { return Ok(listed) };
    for other in &listed {
        overrides(&made, other, &mut warnings)?;
    }
    for deployment in &mut made {
        deployment.warnings.extend(warnings.iter().cloned());
    }
    Ok(made)
}

fn listed<'a>(fields: &mut Fields<'a>, application: &str) -> Result<Vec<Deployment<'a>>> {
    let path = fields.path_of("deployments");
    let items = fields.optional_list("deployments")?.unwrap_or_default().iter().enumerate();
    let read = |(index, node): (usize, &'a Node)| {
        let path = format!("{path}[{index}]");
        let mut fields = Fields::of(node, path.clone())?;
        let own = fields.required_text("name")?.to_owned();
        let options = Options::read(&mut fields, node, Defaults::Serve)?;
        Ok(Deployment { application: application.to_owned(), own, also: None, path, node, options, warnings: vec![] })
    };
    items.map(read).collect()
}

/// Options that a `deployments` entry puts over those of a deployment that a builder makes.
fn overrides(made: &[Deployment<'_>], other: &Deployment<'_>, warnings: &mut Warnings) -> Result<()> {
    let mut fields = Fields::of(other.node, other.path.clone())?;
    if made.iter().any(|one| one.is_called(&other.own)) {
        let message = "options over those of an LLM deployment are not read here";
        return Err(fields.refused("name", message).hint("write them into its `deployment_config`"));
    }
    fields.without_effect(
        "name",
        "has no effect: only the LLM deployments are simulated, not what is before them",
        warnings,
    );
    Ok(())
}

/// What takes the count out of the hands of the deployment's own policy.
fn refuse_other_scalers(fields: &mut Fields<'_>) -> Result<()> {
    if fields.optional_bool("external_scaler_enabled")? == Some(true) {
        let message = "another program scales this application: nothing in the file says how";
        return Err(fields.refused("external_scaler_enabled", message));
    }
    match fields.optional("autoscaling_policy") {
        None => Ok(()),
        Some(node) => {
            let path = fields.path_of("autoscaling_policy");
            let message =
                format!("{path}: a policy of the application's own is code: only those of deployments are reproduced");
            Err(ManifestError::at(node.place, message))
        }
    }
}
