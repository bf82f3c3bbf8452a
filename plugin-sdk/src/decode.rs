//! JSON that came from somebody else, with errors that name the place.

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use crate::Failure;
use crate::expected::{fields_of, plainly};

/// `text` as a `T`; `root` is what error messages call the document.
pub(crate) fn from_text<T: DeserializeOwned>(root: &str, text: &str) -> Result<T, Failure> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| misfit::<T>(root, error.path(), error.inner()))
}

fn misfit<T: DeserializeOwned>(root: &str, path: &Path, error: &serde_json::Error) -> Failure {
    let text = error.to_string();
    // Nobody sees the document as it came; a position in it helps nobody.
    let position = format!(" at line {} column {}", error.line(), error.column());
    let problem = text.strip_suffix(&position).unwrap_or(&text);
    // Only of the whole document it is known here what it should be.
    let is_root = path.iter().next().is_none();
    let fields = is_root.then(fields_of::<T>).flatten();
    let place = place(root, path);
    Failure::invalid_input(format!(
        "`{place}` does not fit: {}",
        plainly(problem, fields)
    ))
}

fn place(root: &str, path: &Path) -> String {
    let mut place = root.to_owned();
    for segment in path {
        match segment {
            Segment::Seq { index } => place.push_str(&format!("[{index}]")),
            Segment::Map { key } => {
                place.push('.');
                place.push_str(key);
            }
            Segment::Enum { variant } => {
                place.push('.');
                place.push_str(variant);
            }
            Segment::Unknown => place.push_str(".?"),
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only whether it decodes matters")]
    struct Input {
        files: Vec<File>,
        #[serde(default)]
        depth: u8,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only whether it decodes matters")]
    struct File {
        path: String,
    }

    fn error(text: &str) -> String {
        from_text::<Input>("input", text).unwrap_err().to_string()
    }

    #[test]
    fn an_error_names_the_field_and_what_was_expected() {
        assert_eq!(
            error(r#"{"files": [{"path": "a"}, {"path": 3}]}"#),
            "`input.files[1].path` does not fit: it is the number 3, and should be a string"
        );
        assert_eq!(
            error(r#"{"files": [], "depth": 300}"#),
            "`input.depth` does not fit: it is the number 300, and should be a whole number from 0 to 255"
        );
        assert_eq!(error(r"{}"), "`input` does not fit: missing field `files`");
        assert_eq!(
            error(r#"{"file": []}"#),
            "`input.file` does not fit: unknown field `file`, expected `files` or `depth`"
        );
        assert_eq!(
            error("null"),
            "`input` does not fit: it is null, and should be an object with `files` and `depth`"
        );
        assert_eq!(
            error(r#"{"files": [[]]}"#),
            "`input.files[0]` does not fit: it is a list of 0 items, and should be an object"
        );
    }

    #[test]
    fn what_a_task_gave_gives_the_same_error_as_an_input() {
        let given = serde_json::json!({ "files": [{ "path": 3 }] });
        let need = crate::Dependency::new("survey", crate::Output::of(given));
        assert_eq!(
            need.decode::<Input>().unwrap_err().to_string(),
            "`needs.survey.files[0].path` does not fit: it is the number 3, and should be a string"
        );
    }

    #[test]
    fn a_mistyped_variant_is_told_with_those_that_there_are() {
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        enum Level {
            Low,
            High,
        }
        let error = from_text::<Vec<Level>>("input", r#"["low", "hihg"]"#).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`input[1]` does not fit: unknown variant `hihg`, expected `low` or `high`"
        );
        let [low, high] = [r#""low""#, r#""high""#].map(|text| from_text::<Level>("input", text));
        assert!(matches!((low, high), (Ok(Level::Low), Ok(Level::High))));
    }

    #[test]
    fn what_fits_decodes() {
        let input: Input = from_text("input", r#"{"files": [{"path": "a"}]}"#).unwrap();
        assert_eq!(input.files[0].path, "a");
    }
}
