//! What an agent says of itself, and what no agent can say.

use std::sync::Arc;

use ringfence_flow::{AgentName, ByteSize, InvalidId, Json, Role};
use serde::{Deserialize, Serialize};

/// The most roles that an agent may play.
pub const MAX_ROLES: usize = 16;

/// The longest version, in bytes.
pub const MAX_VERSION_LEN: usize = 64;

/// The longest summary, in bytes: it stands on one line of a list.
pub const MAX_SUMMARY_LEN: usize = 500;

/// The largest schema.
pub const MAX_SCHEMA_SIZE: ByteSize = ByteSize::kib(256);

/// A description as a component gives it: nothing is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDescription {
    /// The agent's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it does.
    pub summary: String,
    /// The roles it plays.
    pub roles: Vec<String>,
    /// The JSON Schema of its inputs.
    pub input_schema: Option<String>,
    /// The JSON Schema of its outputs.
    pub output_schema: Option<String>,
}

/// A description that has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentDescription {
    /// The agent's name.
    pub name: AgentName,
    /// Its version, in its own words: one to 64 printable bytes.
    pub version: Arc<str>,
    /// What it does: one line of up to 500 bytes.
    pub summary: Arc<str>,
    /// The roles it plays: 1 to 16, each once.
    pub roles: Arc<[Role]>,
    /// The JSON Schema of its inputs.
    pub input_schema: Option<Json>,
    /// The JSON Schema of its outputs.
    pub output_schema: Option<Json>,
}

/// What is wrong with a description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptionProblem {
    /// The name is none.
    #[error("{0}")]
    Name(InvalidId),
    /// The version is empty, too long or not printable.
    #[error("a version has 1 to {MAX_VERSION_LEN} printable bytes without spaces")]
    Version,
    /// The summary is longer than it may be.
    #[error("a summary has at most {MAX_SUMMARY_LEN} bytes, this one has {len}")]
    SummaryTooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// The summary has line breaks or characters that steer a terminal.
    #[error("a summary is one line of printable text")]
    SummaryNotPrintable,
    /// There are no roles.
    #[error("an agent plays at least one role")]
    NoRoles,
    /// There are more roles than [`MAX_ROLES`].
    #[error("an agent plays at most {MAX_ROLES} roles, this one {count}")]
    TooManyRoles {
        /// How many.
        count: usize,
    },
    /// A role is none.
    #[error("{0}")]
    Role(InvalidId),
    /// A role is there twice.
    #[error("the role `{0}` is there twice")]
    RoleTwice(Role),
    /// A schema is too large, not JSON, or no schema.
    #[error("the {which} schema {problem}")]
    Schema {
        /// `input` or `output`.
        which: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl RawDescription {
    /// Checks everything and makes it a description.
    ///
    /// # Errors
    /// All problems, in the order of the fields.
    pub fn check(self) -> Result<AgentDescription, Vec<DescriptionProblem>> {
        let mut problems = Vec::new();
        let name = AgentName::new(&self.name)
            .map_err(|error| problems.push(DescriptionProblem::Name(error)));
        let version = &self.version;
        if version.is_empty()
            || version.len() > MAX_VERSION_LEN
            || !is_printable(version)
            || version.contains(char::is_whitespace)
        {
            problems.push(DescriptionProblem::Version);
        }
        let len = self.summary.len();
        if len > MAX_SUMMARY_LEN {
            problems.push(DescriptionProblem::SummaryTooLong { len });
        } else if !is_printable(&self.summary) {
            problems.push(DescriptionProblem::SummaryNotPrintable);
        }
        let roles = check_roles(&self.roles, &mut problems);
        let input_schema = check_schema("input", self.input_schema.as_deref(), &mut problems);
        let output_schema = check_schema("output", self.output_schema.as_deref(), &mut problems);
        match name {
            Ok(name) if problems.is_empty() => Ok(AgentDescription {
                name,
                version: self.version.into(),
                summary: self.summary.into(),
                roles: roles.into(),
                input_schema,
                output_schema,
            }),
            _ => Err(problems),
        }
    }
}

fn check_roles(roles: &[String], problems: &mut Vec<DescriptionProblem>) -> Vec<Role> {
    match roles.len() {
        0 => problems.push(DescriptionProblem::NoRoles),
        1..=MAX_ROLES => {}
        count => {
            problems.push(DescriptionProblem::TooManyRoles { count });
            return Vec::new();
        }
    }
    let mut good = Vec::with_capacity(roles.len());
    for role in roles {
        match Role::new(role) {
            Err(error) => problems.push(DescriptionProblem::Role(error)),
            Ok(role) if good.contains(&role) => problems.push(DescriptionProblem::RoleTwice(role)),
            Ok(role) => good.push(role),
        }
    }
    good
}

fn check_schema(
    which: &'static str,
    schema: Option<&str>,
    problems: &mut Vec<DescriptionProblem>,
) -> Option<Json> {
    let schema = schema?;
    let size = ByteSize::bytes(schema.len() as u64);
    let problem = if size > MAX_SCHEMA_SIZE {
        format!("has {size}, and at most {MAX_SCHEMA_SIZE} are accepted")
    } else {
        match Json::parse(schema) {
            Ok(json) if is_schema(&json) => return Some(json),
            Ok(_) => "is no JSON Schema, which is an object, `true` or `false`".to_owned(),
            Err(error) => format!("is not JSON: {error}"),
        }
    };
    problems.push(DescriptionProblem::Schema { which, problem });
    None
}

fn is_schema(json: &Json) -> bool {
    let text = json.as_str().trim();
    text.starts_with('{') || text == "true" || text == "false"
}

/// Whether a text can stand on a line of the screen as it is.
fn is_printable(text: &str) -> bool {
    !text.contains(['\n', '\t']) && ringfence_flow::clean_text(text, usize::MAX) == text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> RawDescription {
        RawDescription {
            name: "linter".to_owned(),
            version: "1.2.3-rc.1+build".to_owned(),
            summary: "Looks for lint, größer als zuvor".to_owned(),
            roles: vec!["reviewer".to_owned(), "lint".to_owned()],
            input_schema: Some("{\"type\":\"object\"}".to_owned()),
            output_schema: None,
        }
    }

    fn problems(change: impl FnOnce(&mut RawDescription)) -> Vec<String> {
        let mut raw = good();
        change(&mut raw);
        let problems = raw.check().unwrap_err();
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_good_description_passes() {
        let description = good().check().unwrap();
        assert_eq!(description.name.as_str(), "linter");
        assert_eq!(description.roles.len(), 2);
        assert!(description.input_schema.is_some());
    }

    #[test]
    fn an_empty_description_has_each_problem_named() {
        assert_eq!(
            problems(|raw| *raw = RawDescription::default()),
            [
                "an agent name cannot be empty",
                "a version has 1 to 64 printable bytes without spaces",
                "an agent plays at least one role",
            ]
        );
    }

    #[test]
    fn each_limit_is_kept_and_broken() {
        let mut most = good();
        most.version = "v".repeat(MAX_VERSION_LEN);
        most.summary = "s".repeat(MAX_SUMMARY_LEN);
        most.roles = (0..MAX_ROLES).map(|i| format!("r{i}")).collect();
        most.input_schema = Some(format!("{{}}{}", " ".repeat((256 << 10) - 2)));
        most.clone().check().unwrap();

        assert_eq!(
            problems(|raw| raw.version = most.version.clone() + "v").len(),
            1
        );
        assert_eq!(
            problems(|raw| raw.summary = most.summary.clone() + "s"),
            ["a summary has at most 500 bytes, this one has 501"]
        );
        assert_eq!(
            problems(|raw| {
                raw.roles = most.roles.clone();
                raw.roles.push("more".to_owned());
            }),
            ["an agent plays at most 16 roles, this one 17"]
        );
        assert_eq!(
            problems(|raw| raw.input_schema = Some(" ".repeat((256 << 10) + 1))).len(),
            1
        );
    }

    #[test]
    fn absurd_texts_are_refused() {
        assert_eq!(problems(|raw| raw.name = "A b".to_owned()).len(), 1);
        for version in ["", "1 2", "1\n", "1\u{202e}", "\u{1b}[31m"] {
            assert_eq!(
                problems(|raw| raw.version = version.to_owned()).len(),
                1,
                "{version:?}"
            );
        }
        for summary in ["two\nlines", "\u{1b}[31mred", "\u{202e}turned"] {
            assert_eq!(
                problems(|raw| raw.summary = summary.to_owned()),
                ["a summary is one line of printable text"]
            );
        }
        assert_eq!(
            problems(|raw| raw.roles = vec!["lint".to_owned(), "lint".to_owned()]),
            ["the role `lint` is there twice"]
        );
        assert_eq!(
            problems(|raw| raw.roles = vec!["No".to_owned(), String::new()]).len(),
            2
        );
        assert_eq!(
            problems(|raw| raw.output_schema = Some("{".to_owned())).len(),
            1
        );
    }
}
