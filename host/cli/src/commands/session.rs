//! What most commands begin with: the operator's file and the loaded agents.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use console::Style;
use indicatif::{ProgressBar, ProgressStyle};
use ringfence::config::{Config, ConfigError, FILE_NAME};
use ringfence::engine::{Host, HostConfig};
use ringfence::flow::{
    AgentConduct, AgentName, AgentProfile, AttemptRunner, ConductBook, ContentHash, Diagnostic,
    HostFacts, MAX_ID_LEN, MountGrant, MountName, WorkflowFile, clean_text, nearest,
};
use ringfence::hot::{DEFAULT_LOOK, FolderWatch};
use ringfence::journal::ConductFolder;
use ringfence::sandbox::{
    Compilation, FolderObserver, LoadError, LoadedAgent, LoadedComponent, Loading, Refusal,
    Sandbox, missing_protections,
};

use super::guarded;
use super::kept::journal_place;
use crate::args::Global;
use crate::error::CliError;
use crate::output::{indented, say};
use crate::ui::picture;

/// The folder of plugins where nobody names one.
const DEFAULT_PLUGINS: &str = "plugins";

/// How long loading may take before it shows what it does.
const QUIET: Duration = Duration::from_millis(500);

/// The operator's file, read, and the agents, loaded.
pub(super) struct Session {
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) refused: Vec<Refusal>,
    pub(super) host: HostConfig,
    folders: Vec<PathBuf>,
    cache_dir: Option<PathBuf>,
}

impl Session {
    /// The folder of what later runs can use, which belongs to the user alone.
    pub(super) fn cache_dir(&self) -> Option<&Path> {
        self.cache_dir.as_deref()
    }

    /// Reads the operator's file and loads the plugins.
    pub(super) async fn open(
        global: &Global,
        mounts: &[(MountName, PathBuf)],
    ) -> Result<Self, CliError> {
        let config = config(global)?;
        let mut sandbox = config.sandbox();
        for (name, path) in mounts {
            let folder = folder(name, path)?;
            if sandbox.mounts.insert(name.clone(), folder).is_some() {
                return Err(CliError::usage(
                    format!("the mount `{name}` is given twice"),
                    format!("keep one `--mount {name}=...`"),
                ));
            }
        }
        guarded::check(global, &sandbox)?;
        sandbox.compilation = in_child()?;
        let folders = sandbox.plugins.clone();
        let cache_dir = sandbox.cache_dir.clone();
        let host = HostConfig {
            conduct_book: conduct(global).map(|book| Arc::new(book) as Arc<dyn ConductBook>),
            ..config.host()
        };
        let progress = LoadProgress::new();
        let Loading { sandbox, refused } = Sandbox::load(sandbox, &progress)
            .await
            .map_err(load_error)?;
        progress.done();
        Ok(Self {
            sandbox: Arc::new(sandbox),
            refused,
            host,
            folders,
            cache_dir,
        })
    }

    /// Has a host pick up what changes in the plugins folders, as long as the
    /// result lives.
    pub(super) fn watch_plugins(&self, host: &Host) -> FolderWatch {
        FolderWatch::start(self.sandbox.clone(), host.clone(), DEFAULT_LOOK, |found| {
            let style = Style::new().for_stderr().yellow();
            match found {
                Ok(refreshed) => {
                    for refusal in &refreshed.refused {
                        let what = indented(&refusal.to_string());
                        let hint = refusal.hint();
                        say(&format!(
                            "{} {what}\nhint: {hint}; the agent that was there before stays",
                            style.apply_to("refused:")
                        ));
                    }
                }
                Err(error) => say(&format!("{} {error}", style.apply_to("warning:"))),
            }
        })
    }

    /// The components of the loaded agents.
    pub(super) fn agent_hashes(&self) -> BTreeMap<AgentName, ContentHash> {
        let agents = self.sandbox.agents();
        let hash = |agent: &Arc<AgentProfile>| (agent.name.clone(), agent.hash);
        agents.iter().map(hash).collect()
    }

    /// What keeps a workflow from running here. Without `mounts` it is not
    /// known yet which will be given.
    pub(super) fn check(
        &self,
        file: &WorkflowFile,
        mounts: Option<&BTreeSet<MountName>>,
    ) -> Vec<Diagnostic> {
        file.check_against(&HostFacts {
            agents: &self.sandbox.agents(),
            ceiling: &self.sandbox.ceiling(),
            defaults: &self.sandbox.default_budgets(),
            mounts_given: mounts,
        })
    }

    /// The loaded agent called `name`.
    pub(super) fn agent(&self, name: &AgentName) -> Result<Arc<LoadedAgent>, CliError> {
        self.sandbox.agent(name).ok_or_else(|| {
            let is_it = |refusal: &&Refusal| {
                refusal
                    .path
                    .file_stem()
                    .is_some_and(|stem| stem == name.as_str())
            };
            if let Some(refusal) = self.refused.iter().find(is_it) {
                let hint = refusal.hint();
                let what = indented(&refusal.to_string());
                return CliError::Invalid(format!("{what}\nhint: {hint}"));
            }
            CliError::usage(
                format!("no agent `{name}` is loaded"),
                self.nearest_agent(name),
            )
        })
    }

    /// How an agent behaved in earlier runs.
    pub(super) fn conduct(&self, agent: &AgentName) -> AgentConduct {
        let book = self.host.conduct_book.as_ref();
        book.map(|book| book.conduct(agent)).unwrap_or_default()
    }

    fn nearest_agent(&self, name: &AgentName) -> String {
        let agents = self.sandbox.agents();
        let names = agents.iter().map(|profile| profile.name.as_str());
        match nearest(name.as_str(), names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "`ringfence agents list` shows the loaded agents and the refused files".to_owned()
            }
        }
    }

    /// A line for each thing that may not be as it was meant, for commands
    /// that go on all the same.
    pub(super) fn warn(&self) {
        let style = Style::new().for_stderr().yellow();
        for refusal in &self.refused {
            let what = indented(&refusal.to_string());
            say(&format!("{} {what}", style.apply_to("refused:")));
        }
        for profile in self.sandbox.agents() {
            if self.conduct(&profile.name).set_aside {
                say(&format!(
                    "{} `{name}` is set aside and takes no task\nhint: when it can be trusted again, `ringfence agents release {name}`",
                    style.apply_to("warning:"),
                    name = profile.name
                ));
            }
        }
        for missing in missing_protections() {
            say(&format!("{} {missing}", style.apply_to("warning:")));
        }
        self.warn_of_strangers();
        self.warn_of_mounts();
        if self.sandbox.loaded().is_empty() {
            say(&format!(
                "{} {}",
                style.apply_to("warning:"),
                self.nothing_loaded()
            ));
        }
    }

    /// A line for each agent that the operator's file names and that is not
    /// there: a typing error there is a grant that nobody gets.
    pub(super) fn warn_of_strangers(&self) {
        let style = Style::new().for_stderr().yellow();
        for name in self.sandbox.config().agents.keys() {
            if self.sandbox.agent(name).is_none() {
                say(&format!(
                    "{} `{FILE_NAME}` decides about `{name}`, and no agent of that name is loaded\nhint: {}",
                    style.apply_to("warning:"),
                    self.nearest_agent(name)
                ));
            }
        }
    }

    /// A line for each grant of a mount that nobody gave while another was given
    /// that is spelled nearly so.
    fn warn_of_mounts(&self) {
        let style = Style::new().for_stderr().yellow();
        let config = self.sandbox.config();
        let given = || config.mounts.keys().map(MountName::as_str);
        for (agent, decided) in &config.agents {
            let missing = |grant: &&MountGrant| !config.mounts.contains_key(&grant.name);
            for grant in decided.mounts.iter().filter(missing) {
                if let Some(near) = nearest(grant.name.as_str(), given()) {
                    say(&format!(
                        "{} `{FILE_NAME}` grants `{agent}` the mount `{}`, which is not given\nhint: did you mean `{near}`?",
                        style.apply_to("warning:"),
                        grant.name
                    ));
                }
            }
        }
    }

    /// What to say where no agent is loaded.
    pub(super) fn nothing_loaded(&self) -> String {
        let folders: Vec<_> = self
            .folders
            .iter()
            .map(|f| f.display().to_string())
            .collect();
        format!(
            "no agent is loaded from {}\nhint: drop agents (`*.wasm`) there, or name another folder with `--plugins DIR`",
            folders.join(", ")
        )
    }
}

/// Where it is kept how agents behave; nowhere, where no place is known.
pub(super) fn conduct(global: &Global) -> Option<ConductFolder> {
    let journal = journal_place(global).ok()?;
    Some(ConductFolder::of_journal(&journal))
}

/// The operator's file, or the defaults.
pub(super) fn config(global: &Global) -> Result<Config, CliError> {
    let mut config = match &global.config {
        Some(path) => load(path)?,
        None if Path::new(FILE_NAME).exists() => load(FILE_NAME.as_ref())?,
        None => Config::default(),
    };
    if !global.plugins.is_empty() {
        config.plugins.clone_from(&global.plugins);
    } else if config.plugins.is_empty() {
        config.plugins.push(DEFAULT_PLUGINS.into());
    }
    Ok(config)
}

fn load(path: &Path) -> Result<Config, CliError> {
    Config::load(path).map_err(|error| match error {
        ConfigError::Unreadable { path, source } => CliError::Disk {
            path,
            action: "read the configuration",
            source,
        },
        ConfigError::Invalid(invalid) => {
            say(picture(&invalid).trim_end());
            CliError::Invalid(format!("{} is not valid", invalid.path().display()))
        }
        _ => CliError::Invalid(error.to_string()),
    })
}

/// This program, started once more for each plugin.
pub(super) fn in_child() -> Result<Compilation, CliError> {
    Compilation::this_program().map_err(CliError::disk("ringfence".as_ref(), "find"))
}

/// The folder behind a mount, which has to be there.
fn folder(name: &MountName, path: &Path) -> Result<PathBuf, CliError> {
    let folder = path
        .canonicalize()
        .map_err(CliError::disk(path, "mount the folder"))?;
    if folder.is_dir() {
        Ok(folder)
    } else {
        Err(CliError::usage(
            format!(
                "`{}` is no folder, and only folders are mounted",
                path.display()
            ),
            format!(
                "name its folder: `--mount {name}={}`",
                parent(path).display()
            ),
        ))
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

/// Why there are no sandboxes at all.
pub(super) fn load_error(error: LoadError) -> CliError {
    match &error {
        LoadError::AboveCeiling { .. } => CliError::Invalid(error.to_string()),
        LoadError::Cache(_) | LoadError::Folder(_) => CliError::Files(error.to_string()),
        _ => CliError::Start(Box::new(error)),
    }
}

/// Shows how far loading has come, if it takes long enough to wonder. What is still
/// being loaded then is being compiled: from the cache it would be there.
pub(super) struct LoadProgress {
    bar: ProgressBar,
    under_way: Mutex<Vec<String>>,
}

impl LoadProgress {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::no_length();
        if let Ok(style) =
            ProgressStyle::with_template("loading agents {pos}/{len}  {msg}, {elapsed}")
        {
            bar.set_style(style);
        }
        bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
        let shown = bar.clone();
        tokio::spawn(async move {
            tokio::time::sleep(QUIET).await;
            if !shown.is_finished() {
                shown.set_draw_target(indicatif::ProgressDrawTarget::stderr());
                shown.enable_steady_tick(QUIET);
            }
        });
        Self {
            bar,
            under_way: Mutex::default(),
        }
    }

    /// Takes away what it has drawn.
    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }
}

impl FolderObserver for LoadProgress {
    fn found(&self, files: usize) {
        self.bar.set_length(files as u64);
    }

    fn started(&self, path: &Path) {
        self.change(|under_way| under_way.push(file_name(path)));
    }

    fn loaded(&self, component: &LoadedComponent) {
        self.ended(&component.path);
    }

    fn refused(&self, refusal: &Refusal) {
        self.ended(&refusal.path);
    }
}

impl LoadProgress {
    fn ended(&self, path: &Path) {
        let name = file_name(path);
        self.change(|under_way| under_way.retain(|other| *other != name));
        self.bar.inc(1);
    }

    fn change(&self, change: impl FnOnce(&mut Vec<String>)) {
        let mut under_way = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        change(&mut under_way);
        self.bar
            .set_message(format!("compiling {}", under_way.join(" and ")));
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    clean_text(&name.to_string_lossy(), MAX_ID_LEN)
}
