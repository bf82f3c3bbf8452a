//! `ringfence.toml`: what the operator decides.
//!
//! The file is checked as a whole: [`Config::parse`] finds all that is wrong
//! with it, and a key that means nothing is an error and never ignored.
//! [`EXAMPLE`] has every key.

mod agents;
mod budgets;
mod document;
mod limits;
mod problem;

pub use problem::{ConfigError, ConfigProblem, InvalidConfig};

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use ringfence_engine::HostConfig;
use ringfence_flow::{AgentName, BreakerPolicy, Budgets, ConductPolicy, Limits};
use ringfence_sandbox::{AgentConfig, SandboxConfig};
use toml::de::{DeTable, DeValue};

use budgets::BudgetsConfig;
use document::{Problems, Table, kind};

/// The name of the file that is looked for.
pub const FILE_NAME: &str = "ringfence.toml";

/// A configuration file with every key, its default and what it means.
pub const EXAMPLE: &str = include_str!("example.toml");

/// The version of the file's format.
pub const SCHEMA: u32 = 1;

/// The most attempts at once that can be asked for. Each takes 8 GiB of
/// address space, of which a process has 128 TiB.
const MAX_ATTEMPTS: u32 = 4_096;

/// The largest file that is read, in bytes.
const MAX_FILE_LEN: u64 = 1 << 20;

const KEYS: [&str; 8] = [
    "schema",
    "plugins",
    "host",
    "breaker",
    "set-aside",
    "budgets",
    "roles",
    "agents",
];

/// What the operator decides.
///
/// ```
/// use ringfence::config::Config;
///
/// let config = Config::parse("schema = 1\nplugins = [\"plugins\"]\n", "ringfence.toml".as_ref())?;
/// assert_eq!(config.plugins, [std::path::Path::new("plugins")]);
///
/// let error = Config::parse("schema = 1\nplugin = []\n", "ringfence.toml".as_ref()).unwrap_err();
/// assert_eq!(error.problems()[0].hint(), Some("did you mean `plugins`?"));
/// # Ok::<(), ringfence::config::InvalidConfig>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The folders that hold plugins. A relative path in the file counts from
    /// the file's own folder. Default none.
    pub plugins: Vec<PathBuf>,
    /// How many attempts may be under way at once, over all agents. Default
    /// 64.
    pub max_attempts: u32,
    /// How many more are kept free for emergencies; if there are any, each
    /// agent may have one emergency beside its instances, too. Default 4.
    pub emergency_reserve: u32,
    /// When agents that fail are given a rest.
    pub breaker: BreakerPolicy,
    /// When agents are set aside.
    pub conduct: ConductPolicy,
    /// How many attempts of each role may be under way over all runs, and how
    /// often one of a role or an agent may start. Default no limits.
    pub limits: Limits,
    /// Where compiled agents are kept. Default `None`: the user's cache
    /// folder.
    pub cache_dir: Option<PathBuf>,
    /// What an attempt gets when nobody says anything.
    pub default_budgets: Budgets,
    /// The most that one attempt may be given.
    pub ceiling: Budgets,
    /// What is decided about single agents. Default nothing: an agent that is
    /// not named is granted nothing.
    pub agents: BTreeMap<AgentName, AgentConfig>,
}

impl Default for Config {
    fn default() -> Self {
        let sandbox = SandboxConfig::default();
        Self {
            plugins: sandbox.plugins,
            max_attempts: HostConfig::default().capacity,
            emergency_reserve: HostConfig::default().emergency_reserve,
            breaker: BreakerPolicy::default(),
            conduct: ConductPolicy::default(),
            limits: Limits::default(),
            cache_dir: None,
            default_budgets: sandbox.defaults,
            ceiling: sandbox.ceiling,
            agents: sandbox.agents,
        }
    }
}

impl Config {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// The file cannot be read, or is not valid.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let mut text = String::new();
        let file = fs::File::open(path).map_err(unreadable)?;
        file.take(MAX_FILE_LEN + 1)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
        if text.len() as u64 > MAX_FILE_LEN {
            return Err(ConfigError::TooLarge {
                path: path.to_owned(),
            });
        }
        Ok(Self::parse(&text, path)?)
    }

    /// Checks `text`, the content of the file at `path`. The file itself is
    /// not touched: the path is for messages, and relative paths in the text
    /// count from its folder.
    ///
    /// # Errors
    /// All problems that can be found at once.
    pub fn parse(text: &str, path: &Path) -> Result<Self, InvalidConfig> {
        let mut problems = Problems::new(&path.to_string_lossy(), text);
        let (document, mut errors) = DeTable::parse_recoverable(text);
        errors.sort_by_key(|error| error.span().map_or(0, |span| span.start));
        let mut last_line = None;
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            // One slip makes the parser stumble over the rest of its line.
            let line = text
                .get(..span.start)
                .map(|before| before.matches('\n').count());
            if last_line.replace(line) != Some(line) {
                problems.add(
                    span,
                    format!("not TOML: {}", error.message()),
                    "here",
                    "mend the first place first: what follows may come from it".to_owned(),
                );
            }
        }
        let root = Table::root(&document);
        // What a broken document says may not be what its author meant, and
        // of another schema nothing is known.
        let config = if problems.is_empty() && check_schema(&root, &mut problems) {
            read(&root, path.parent().unwrap_or(Path::new("")), &mut problems)
        } else {
            Self::default()
        };
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(InvalidConfig::new(path.to_owned(), problems.into_found()))
        }
    }

    /// What the engine has to know of this.
    #[must_use]
    pub fn host(&self) -> HostConfig {
        HostConfig {
            capacity: self.max_attempts,
            emergency_reserve: self.emergency_reserve,
            breaker: self.breaker,
            conduct: self.conduct,
            limits: self.limits.clone(),
            ..HostConfig::default()
        }
    }

    /// What the sandbox has to know of this. Who compiles and what is mounted
    /// is not in the file: set it on the result.
    #[must_use]
    pub fn sandbox(&self) -> SandboxConfig {
        SandboxConfig {
            plugins: self.plugins.clone(),
            ceiling: self.ceiling,
            defaults: self.default_budgets,
            max_sandboxes: self.max_attempts.saturating_add(self.emergency_reserve),
            agents: self.agents.clone(),
            cache_dir: self
                .cache_dir
                .clone()
                .or_else(ringfence_sandbox::default_cache_folder),
            ..SandboxConfig::default()
        }
    }
}

/// Whether the file is of the schema that is known.
fn check_schema(root: &Table<'_, '_>, problems: &mut Problems) -> bool {
    let Some(value) = root.get("schema") else {
        problems.add(
            0..0,
            "the configuration does not say its schema",
            "",
            format!("write `schema = {SCHEMA}` as the first line"),
        );
        // Whoever forgot it means the one there is.
        return true;
    };
    match value.get_ref() {
        DeValue::Integer(number) if number.as_str().parse() == Ok(SCHEMA) => true,
        DeValue::Integer(number) => {
            problems.add(
                value.span(),
                format!(
                    "the configuration is of schema {number}, and this host reads schema {SCHEMA}"
                ),
                "another schema",
                "use the version of ringfence that the file was written for, or rewrite it; \
                 `ringfence config example` shows all keys"
                    .to_owned(),
            );
            false
        }
        other => {
            problems.add(
                value.span(),
                format!("`schema` is a whole number, and this is {}", kind(other)),
                "not a whole number",
                format!("write `schema = {SCHEMA}`"),
            );
            true
        }
    }
}

fn read(root: &Table<'_, '_>, folder: &Path, problems: &mut Problems) -> Config {
    let base = Config::default();
    root.check_keys(&KEYS, problems);
    let plugins = root.list(
        "plugins",
        "\"plugins\"",
        |text, span, problems| resolve(text, folder, span, problems),
        problems,
    );
    let host = root.table("host", problems);
    let (mut max_attempts, mut reserve, mut cache_dir) = (None, None, None);
    if let Some(host) = host {
        host.check_keys(
            &["max-attempts", "emergency-reserve", "cache-dir"],
            problems,
        );
        max_attempts = host.number("max-attempts", 1..=MAX_ATTEMPTS, problems);
        reserve = host.number("emergency-reserve", 0..=MAX_ATTEMPTS, problems);
        if let Some(value) = host.get("cache-dir") {
            let text: Option<String> = host.parsed("cache-dir", "\"cache\"", problems);
            cache_dir = text.and_then(|text| resolve(&text, folder, value.span(), problems));
        }
    }
    let BudgetsConfig { defaults, ceiling } = budgets::read(
        root,
        BudgetsConfig {
            defaults: base.default_budgets,
            ceiling: base.ceiling,
        },
        problems,
    );
    let agents = agents::read(root, problems);
    let breaker = limits::breaker(root, problems);
    let conduct = limits::conduct(root, problems);
    let limits = limits::read(root, problems);
    Config {
        plugins: plugins.unwrap_or_default(),
        max_attempts: max_attempts.unwrap_or(base.max_attempts),
        emergency_reserve: reserve.unwrap_or(base.emergency_reserve),
        breaker,
        conduct,
        limits,
        cache_dir,
        default_budgets: defaults,
        ceiling,
        agents,
    }
}

/// The path that `text` means in a file in `folder`.
fn resolve(
    text: &str,
    folder: &Path,
    span: std::ops::Range<usize>,
    problems: &mut Problems,
) -> Option<PathBuf> {
    if text.is_empty() {
        problems.add(
            span,
            "a path cannot be empty",
            "",
            "for example `\".\"`".to_owned(),
        );
        return None;
    }
    if text == "~" || text.starts_with("~/") {
        problems.add(
            span,
            "`~` is a name that shells know, and here it is not replaced",
            "not replaced",
            "write the whole path".to_owned(),
        );
        return None;
    }
    Some(folder.join(text))
}

#[cfg(test)]
mod tests;
