//! Which paths edits and patches may name.

use crate::limits::MAX_PATH_LEN;

/// Why a path is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnsafePath {
    /// It is empty.
    #[error("the path is empty")]
    Empty,
    /// It is longer than [`MAX_PATH_LEN`] bytes.
    #[error("the path is longer than {MAX_PATH_LEN} bytes")]
    TooLong,
    /// It starts at the root of the file system.
    #[error("the path is absolute")]
    Absolute,
    /// A part of it is `.` or `..`.
    #[error("the path has a part `.` or `..`")]
    Dots,
    /// A part of it is empty, as in `a//b` or `a/`.
    #[error("the path has an empty part")]
    EmptyPart,
    /// It leads into a `.git` folder, which `git apply` refuses.
    #[error("the path leads into a `.git` folder")]
    Git,
    /// It holds a character that a patch would have to quote, or that is
    /// a separator on another system.
    #[error("the path holds {0:?}")]
    Character(char),
}

/// Checks that `path` stays below the folder it is relative to, on every
/// system, and that a patch can name it as it is.
///
/// # Errors
/// [`UnsafePath`] says what is wrong with it.
///
/// ```
/// assert!(patch::check_path("src/lib.rs").is_ok());
/// assert!(patch::check_path("../lib.rs").is_err());
/// ```
pub fn check_path(path: &str) -> Result<(), UnsafePath> {
    if path.is_empty() {
        return Err(UnsafePath::Empty);
    }
    if path.len() > MAX_PATH_LEN {
        return Err(UnsafePath::TooLong);
    }
    if path.starts_with('/') {
        return Err(UnsafePath::Absolute);
    }
    if let Some(c) = path
        .chars()
        .find(|c| c.is_control() || matches!(c, '\\' | '"' | ':'))
    {
        return Err(UnsafePath::Character(c));
    }
    for part in path.split('/') {
        match part {
            "" => return Err(UnsafePath::EmptyPart),
            "." | ".." => return Err(UnsafePath::Dots),
            _ if part.eq_ignore_ascii_case(".git") => return Err(UnsafePath::Git),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_below_the_root_are_taken() {
        for good in [
            "a",
            "src/lib.rs",
            "with space/ä.rs",
            "...",
            ".gitignore",
            "a/..b",
            &"x".repeat(MAX_PATH_LEN),
        ] {
            assert_eq!(check_path(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn paths_that_escape_or_need_quotes_are_not() {
        let long = "x".repeat(MAX_PATH_LEN + 1);
        for (bad, why) in [
            ("", UnsafePath::Empty),
            (long.as_str(), UnsafePath::TooLong),
            ("/etc/passwd", UnsafePath::Absolute),
            ("..", UnsafePath::Dots),
            ("a/../../b", UnsafePath::Dots),
            ("./a", UnsafePath::Dots),
            ("a//b", UnsafePath::EmptyPart),
            ("a/", UnsafePath::EmptyPart),
            (".git/hooks/pre-commit", UnsafePath::Git),
            ("a/.GIT/config", UnsafePath::Git),
            ("a\nb", UnsafePath::Character('\n')),
            ("a\0", UnsafePath::Character('\0')),
            ("..\\a", UnsafePath::Character('\\')),
            ("C:/a", UnsafePath::Character(':')),
            ("a\"b", UnsafePath::Character('"')),
        ] {
            assert_eq!(check_path(bad), Err(why), "{bad:?}");
        }
    }
}
