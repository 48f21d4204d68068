//! Arguments, defined once for parsing, help and completions.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

/// Plays production autoscaling manifests against traffic on a simulated GPU fleet: latency, SLO
/// attainment and cost, before it costs money.
#[derive(Debug, Parser)]
#[command(name = "flashcrowd", version, max_term_width = 100)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Play a scenario and report latency, SLO attainment and cost.
    Run(RunArgs),
    /// Paired differences between the variants of a scenario, or between manifests on it.
    Compare(CompareArgs),
    /// Play a scenario for many values of its settings; goes on where it was stopped.
    Sweep(SweepArgs),
    /// Parse, resolve and lint a scenario; run nothing.
    Check(CheckArgs),
    /// A dry run of a policy on recorded metrics (open loop).
    Replay(ReplayArgs),
    /// Policy regression tests: scenarios with assertions and golden decisions.
    Test(TestArgs),
    /// The simulator against reference data.
    Validate(ValidateArgs),
    /// A profile from one's own measurements.
    Fit(FitArgs),
    /// List every policy with the upstream version that it reproduces.
    Policies,
    /// List every figure: its unit, what is better, what it is about, how replicates are pooled.
    Figures,
    /// What a model takes of a GPU: parameters, memory, tokens of cache, times, highest rate.
    Model(ModelArgs),
    /// List every signal that a metric's name can be bound to, and what known names stand for.
    Signals(SignalsArgs),
    /// Print a JSON schema, a skeleton of a scenario, or every field of one.
    Schema(SchemaArgs),
    /// Print completions for a shell.
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all verbs.
    Man(ManArgs),
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// In words.
    #[default]
    Text,
    /// As JSON.
    Json,
}

/// Options of everything that plays a scenario.
#[derive(Debug, ClapArgs)]
pub(super) struct Play {
    /// Seed of all randomness; the scenario's by default.
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Independent repetitions; the scenario's by default.
    #[arg(long)]
    pub(super) replicates: Option<u64>,
    /// All traffic times this; the scenario's `load`, or 1, by default.
    #[arg(long, value_name = "FACTOR", allow_hyphen_values = true)]
    pub(super) load: Option<String>,
    /// Threads; all cores by default. Results do not depend on it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
    /// Override a value of the scenario; may be given several times.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(super) set: Vec<String>,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    /// No progress bar.
    #[arg(long, short)]
    pub(super) quiet: bool,
}

/// How many replicates are enough.
#[derive(Debug, ClapArgs)]
pub(super) struct UntilArgs {
    /// Add replicates until the 95 % interval of a figure is as narrow as this: `chat.ttft.p99: 5%`, or in its unit,
    /// `chat.ttft.p99: 50ms`. May be given several times.
    #[arg(long, value_name = "FIGURE: WIDTH")]
    pub(super) until: Vec<String>,
    /// Most replicates that `--until` plays.
    #[arg(long, value_name = "REPLICATES", requires = "until", default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub(super) budget: u32,
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  flashcrowd run @horizontal\n  flashcrowd run s.ron --replicates 10 --set pools.h100.max_nodes=8\n  flashcrowd run s.ron --until 'chat.ttft.p99: 5%' --strict"
)]
pub(super) struct RunArgs {
    /// A scenario file, or @NAME for one that is part of the program (@horizontal).
    pub(super) scenario: String,
    #[command(flatten)]
    pub(super) play: Play,
    #[command(flatten)]
    pub(super) until: UntilArgs,
    /// Folder for the outputs; out/<scenario> by default.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Write no outputs.
    #[arg(long, conflicts_with = "out")]
    pub(super) no_out: bool,
    /// Exit with 3 if an SLO is missed.
    #[arg(long)]
    pub(super) strict: bool,
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  flashcrowd compare @horizontal hpa.yaml keda.yaml --replicates 20\n  flashcrowd compare @controllers --baseline fixed --replicates 20\n  flashcrowd compare s.ron --figures chat.ttft.p99,cost_usd --until 'cost_usd: 2%'"
)]
pub(super) struct CompareArgs {
    /// A scenario file, or @NAME.
    pub(super) scenario: String,
    /// Manifests, or autoscalers as scenarios write them (`QueueDepth(...)`), to compare on it instead of its
    /// variants; the first is the baseline.
    pub(super) manifests: Vec<PathBuf>,
    /// The service that the manifests scale, if the scenario has several; of variants, the one to show.
    #[arg(long)]
    pub(super) service: Option<String>,
    /// The variant, or the manifest by its name in the table, that the others differ from; the scenario's `baseline`,
    /// or the first manifest, by default.
    #[arg(long, value_name = "VARIANT")]
    pub(super) baseline: Option<String>,
    /// Every figure that is compared.
    #[arg(long)]
    pub(super) long: bool,
    /// These figures instead, as `flashcrowd figures` lists them: `chat.ttft.p99,cost_usd`.
    #[arg(long, value_name = "FIGURE,..", value_delimiter = ',')]
    pub(super) figures: Vec<String>,
    /// Also write a table with a row a trial and a column a figure.
    #[arg(long, value_name = "FILE.csv")]
    pub(super) runs: Option<PathBuf>,
    #[command(flatten)]
    pub(super) play: Play,
    #[command(flatten)]
    pub(super) until: UntilArgs,
}

#[derive(Debug, ClapArgs)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  flashcrowd sweep @horizontal --over pools.h100.max_nodes=1,2,3 --replicates 5\n  \
                  flashcrowd sweep s.ron --over pools.l40s.provisioning=3m,8m --over pools.l40s.max_nodes=2,4\n  \
                  flashcrowd sweep s.ron --over services.chat.autoscaler.spec.maxReplicas=4..40 --sample lhs:50\n  \
                  flashcrowd sweep s.ron --over a,b=(1,2),(3,4) --shard 2/7 --out shard-2\n  \
                  flashcrowd sweep merge shard-* --out whole"
)]
pub(super) struct SweepArgs {
    #[command(subcommand)]
    pub(super) merge: Option<SweepCommand>,
    /// A scenario file, or @NAME.
    #[arg(required = true)]
    pub(super) scenario: Option<String>,
    /// What varies: `PATH=V1,V2,..`, a range for samples `PATH=LO..HI[:log]`, or settings that change
    /// together `A,B=(1,2),(3,4)`; paths are those of `--set`. May be given several times.
    #[arg(long, value_name = "PATH=VALUES")]
    pub(super) over: Vec<String>,
    /// Points drawn instead of all: `lhs:N` (Latin hypercube) or `sobol:N`.
    #[arg(long, value_name = "KIND:POINTS")]
    pub(super) sample: Option<String>,
    /// Manifests, or autoscalers as scenarios write them, as one more axis.
    #[arg(long, value_name = "POLICY", num_args = 1..)]
    pub(super) policies: Vec<PathBuf>,
    /// The service that the policies scale, if the scenario has several.
    #[arg(long, requires = "policies")]
    pub(super) service: Option<String>,
    /// Play a part of the cells: `2/7`; `auto` in an array of Slurm, `auto/7` in an indexed job of Kubernetes.
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<String>,
    /// Print what would be played, as JSON; play nothing.
    #[arg(long, conflicts_with = "shard")]
    pub(super) plan: bool,
    /// Folder of the sweep; out/<scenario>-sweep by default. What it holds already is not played again.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) play: Play,
}

#[derive(Debug, Subcommand)]
pub(super) enum SweepCommand {
    /// Put the cells of several shards into one sweep.
    Merge(MergeArgs),
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  flashcrowd sweep merge shard-1 shard-2 --out whole\n  flashcrowd sweep merge shards --out whole"
)]
pub(super) struct MergeArgs {
    /// Folders of finished shards.
    #[arg(required = true, value_name = "DIR")]
    pub(super) shards: Vec<PathBuf>,
    /// Folder of the whole.
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:\n  flashcrowd check s.ron\n  flashcrowd check @horizontal --print-resolved")]
pub(super) struct CheckArgs {
    /// A scenario file, or @NAME.
    pub(super) scenario: String,
    /// Override a value of the scenario; may be given several times.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(super) set: Vec<String>,
    /// All traffic times this; the scenario's `load`, or 1, by default.
    #[arg(long, value_name = "FACTOR", allow_hyphen_values = true)]
    pub(super) load: Option<String>,
    /// Print the scenario with every setting in it, defaults with their sources: it plays the same run, where
    /// programs of `Command` lie beside it and policies of a crate are registered.
    #[arg(long)]
    pub(super) print_resolved: bool,
    /// Of which variant, where there are several.
    #[arg(long, value_name = "NAME", requires = "print_resolved")]
    pub(super) variant: Option<String>,
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  flashcrowd replay hpa.yaml metrics.csv\n  flashcrowd replay scaledobject.yaml query_range.json --name chat --replicas 3"
)]
pub(super) struct ReplayArgs {
    /// A manifest of any kind, or an autoscaler as scenarios write it: `QueueDepth(...)`.
    pub(super) manifest: PathBuf,
    /// Recorded metrics: CSV with a `time` column and one column a metric, or the JSON of a
    /// Prometheus `query_range`.
    pub(super) signals: PathBuf,
    /// Replicas at the start, if the signals do not hold them.
    #[arg(long)]
    pub(super) replicas: Option<u32>,
    /// Name of the object, if the manifest holds several.
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Sync period of an HPA in seconds.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(super) sync_period_s: u32,
    /// Upstream controller: k8s-1.28 or k8s-2026-backport.
    #[arg(long, default_value = "k8s-1.28")]
    pub(super) variant: String,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  flashcrowd test scenarios/tests --junit results.xml\n  flashcrowd test policies.test.ron --bless"
)]
pub(super) struct TestArgs {
    /// Folders with tests (`*.test.ron`, found in subfolders too), or single tests.
    #[arg(required = true, value_name = "DIR")]
    pub(super) places: Vec<PathBuf>,
    /// Write the golden files instead of comparing with them.
    #[arg(long)]
    pub(super) bless: bool,
    /// All traffic times this, in place of the scenarios' `load`; golden files, which are of that, are not compared.
    #[arg(long, value_name = "FACTOR", allow_hyphen_values = true, conflicts_with = "bless")]
    pub(super) load: Option<String>,
    /// Also write the results as `JUnit` XML.
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    /// Threads; all cores by default. Results do not depend on it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
}

/// What is validated.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Suite {
    /// Decisions of the Kubernetes HPA.
    Hpa,
    /// Decisions of other autoscalers, by the names of their files.
    Controllers,
    /// Closed forms of queueing theory.
    Queueing,
    /// Measured latency of real serving engines.
    Serving,
    /// Spot policies on recorded markets.
    Spot,
    /// Measured loads of weights and starts of engines.
    Coldstart,
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  flashcrowd validate queueing analytic.json\n  flashcrowd validate serving measured.csv --profile my.ron --plots plots"
)]
pub(super) struct ValidateArgs {
    /// What is validated.
    #[arg(value_enum)]
    pub(super) suite: Suite,
    /// Reference files, plain or gzip.
    #[arg(required = true)]
    pub(super) files: Vec<PathBuf>,
    /// Profiles to judge before the shipped ones (serving only); may be given several times.
    #[arg(long = "profile", value_name = "PROFILE.ron")]
    pub(super) profiles: Vec<PathBuf>,
    /// Folder for plots of simulated against measured values, as SVG (serving only).
    #[arg(long, value_name = "DIR")]
    pub(super) plots: Option<PathBuf>,
    /// Folder of the recorded markets (spot only).
    #[arg(long, value_name = "DIR")]
    pub(super) traces: Option<PathBuf>,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    /// Threads; all cores by default.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct FitArgs {
    #[command(subcommand)]
    pub(super) what: FitWhat,
}

#[derive(Debug, Subcommand)]
pub(super) enum FitWhat {
    /// How long an iteration of an LLM engine takes, from a load sweep.
    Serving(ServingArgs),
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:\n  flashcrowd fit serving guidellm.json --gpu H100 --out my.ron")]
pub(super) struct ServingArgs {
    /// Load sweeps: reports of guidellm (JSON, CSV), results of `vllm bench serve` (JSON, CSV), or a
    /// table with `itl_ms_mean`.
    #[arg(required = true)]
    pub(super) sweeps: Vec<PathBuf>,
    /// Profile file to write.
    #[arg(long, value_name = "PROFILE.ron")]
    pub(super) out: Option<PathBuf>,
    /// The model, if the sweep holds several or names none.
    #[arg(long)]
    pub(super) model: Option<String>,
    /// The GPU, if the sweep does not name it.
    #[arg(long)]
    pub(super) gpu: Option<String>,
    /// GPUs that share each layer, if the sweep does not say it.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) tp: Option<u32>,
    /// Format of the weights: bf16, fp8 or fp4; by default that of the model card.
    #[arg(long)]
    pub(super) precision: Option<String>,
    /// Fit only these shapes, `INxOUT` mean tokens; keep the others to judge the fit.
    #[arg(long, value_delimiter = ',', value_name = "INxOUT,...")]
    pub(super) shapes: Vec<String>,
    /// Token budget of an iteration of the engine that was measured.
    #[arg(long, default_value_t = 8192, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_num_batched_tokens: u32,
    /// 0: an arrival may join the next iteration; 1: the one after. By default what fits better.
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=1))]
    pub(super) lookahead: Option<u32>,
    /// The data, in words, for the profile; by default the file's name.
    #[arg(long)]
    pub(super) data: Option<String>,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  flashcrowd model\n  flashcrowd model qwen3-32b --gpu H100 --tp 2\n  flashcrowd model my-model/config.json --gpu H200 --tp 4 --weights fp8"
)]
pub(super) struct ModelArgs {
    /// A `config.json` of Hugging Face (or its folder), or the name of a model that is part of the program; all
    /// names without.
    pub(super) model: Option<String>,
    /// GPU type.
    #[arg(long, default_value = "H100")]
    pub(super) gpu: String,
    /// Ranks that split each matrix.
    #[arg(long, default_value_t = 1)]
    pub(super) tp: u32,
    /// Replicas of the attention, among which sequences are dealt.
    #[arg(long, default_value_t = 1)]
    pub(super) dp: u32,
    /// Ranks among which whole experts are dealt.
    #[arg(long, default_value_t = 1)]
    pub(super) ep: u32,
    /// vllm, sglang or trtllm.
    #[arg(long, default_value = "vllm")]
    pub(super) engine: String,
    /// Number format of the weights (bf16, fp8, fp8-block, mxfp4, nvfp4, int4, int8 ...); the file's by default.
    #[arg(long, value_name = "FORMAT")]
    pub(super) weights: Option<String>,
    /// Number format of the cache, bf16 or fp8; the file's by default.
    #[arg(long, value_name = "FORMAT")]
    pub(super) kv: Option<String>,
    /// Share of the GPU's memory that the engine may take.
    #[arg(long, default_value_t = 0.9)]
    pub(super) utilization: f64,
    /// Tokens of an iteration (`max_num_batched_tokens`).
    #[arg(long, value_name = "TOKENS", default_value_t = 8192)]
    pub(super) batched_tokens: u32,
    /// Sequences running at once (`max_num_seqs`).
    #[arg(long, default_value_t = 256)]
    pub(super) sequences: u32,
    /// Tokens of a prompt, which decodes see, too.
    #[arg(long, value_name = "TOKENS", default_value_t = 1024)]
    pub(super) prompt: u32,
    /// Tokens of an output, for the highest rate.
    #[arg(long, value_name = "TOKENS", default_value_t = 256)]
    pub(super) output: u32,
    /// Load the tower that reads images, where the file has one.
    #[arg(long)]
    pub(super) images: bool,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:\n  flashcrowd signals\n  flashcrowd signals --format json")]
pub(super) struct SignalsArgs {
    /// How the list is printed.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

/// Which schema.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum SchemaKind {
    /// Scenario files.
    #[default]
    Scenario,
    /// `summary.json` of one run.
    Summary,
    /// Policy regression tests.
    Test,
    /// What a policy in another language reads, a line.
    Observation,
    /// What it answers, a line.
    Decision,
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  flashcrowd schema > scenario.schema.json\n  flashcrowd schema --example services\n  flashcrowd schema summary"
)]
pub(super) struct SchemaArgs {
    /// Which schema.
    #[arg(value_enum, default_value_t)]
    pub(super) kind: SchemaKind,
    /// Print a commented skeleton in place of the schema: of the whole scenario, or of one part, such as
    /// `services`.
    #[arg(long, value_name = "PART", num_args = 0..=1, default_missing_value = "", conflicts_with = "reference")]
    pub(super) example: Option<String>,
    /// Print a page with every field of a scenario in place of the schema.
    #[arg(long)]
    pub(super) reference: bool,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:\n  flashcrowd completions bash > /etc/bash_completion.d/flashcrowd")]
pub(super) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub(super) shell: Shell,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:\n  flashcrowd man | man -l -\n  flashcrowd man --out ~/.local/share/man/man1")]
pub(super) struct ManArgs {
    /// Folder for the pages of all verbs (`flashcrowd-run.1`, ..); without, the page of the program is printed.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}
