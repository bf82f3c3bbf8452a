//! The hash of what the result of an attempt depends on beside its request.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use ringfence_flow::{ContentHash, MountName};
use sha2::{Digest, Sha256};

/// How much of a file is held at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// The hash of an agent's component and of what is in its mounts: the names
/// and contents of files, and where links point. Who owns a file, its times
/// and its mode don't count.
///
/// # Errors
/// If a file or folder cannot be read.
pub(crate) fn fingerprint<'a>(
    component: ContentHash,
    mounts: impl IntoIterator<Item = (&'a MountName, &'a Path)>,
) -> io::Result<ContentHash> {
    let mut hasher = Sha256::new();
    hasher.update(component.as_bytes());
    for (name, folder) in mounts {
        add(&mut hasher, b'm', name.as_str().as_bytes());
        add_folder(&mut hasher, folder)?;
    }
    Ok(ContentHash::from_bytes(hasher.finalize().into()))
}

fn add_folder(hasher: &mut Sha256, folder: &Path) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if kind.is_dir() {
            add(hasher, b'd', name);
            add_folder(hasher, &path)?;
        } else if kind.is_file() {
            add(hasher, b'f', name);
            hasher.update(content(&path)?.as_bytes());
        } else if kind.is_symlink() {
            add(hasher, b'l', name);
            add(
                hasher,
                b't',
                fs::read_link(&path)?.as_os_str().as_encoded_bytes(),
            );
        } else {
            // A pipe, a socket or a device: there, and without a content.
            add(hasher, b'o', name);
        }
    }
    add(hasher, b'e', &[]);
    Ok(())
}

fn content(path: &Path) -> io::Result<ContentHash> {
    let mut file = fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(ContentHash::from_bytes(hasher.finalize().into())),
            read => hasher.update(&chunk[..read]),
        }
    }
}

/// Adds a text with its kind and length, so that no two trees look alike.
fn add(hasher: &mut Sha256, kind: u8, text: &[u8]) {
    hasher.update([kind]);
    hasher.update((text.len() as u64).to_le_bytes());
    hasher.update(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(folder: &Path) -> ContentHash {
        let name = MountName::new("src").unwrap();
        fingerprint(ContentHash::from_bytes([1; 32]), [(&name, folder)]).unwrap()
    }

    #[test]
    fn the_same_content_has_the_same_hash_wherever_it_lies() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for folder in [one.path(), two.path()] {
            fs::create_dir(folder.join("sub")).unwrap();
            fs::write(folder.join("sub/a.rs"), "fn a() {}").unwrap();
        }
        assert_eq!(hash(one.path()), hash(two.path()));
    }

    #[test]
    fn each_change_of_a_tree_changes_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let mut seen = vec![hash(folder.path())];
        let mut changed = |what: &str| {
            let now = hash(folder.path());
            assert!(!seen.contains(&now), "{what}");
            seen.push(now);
        };
        fs::write(at("a"), "1").unwrap();
        changed("a file");
        fs::write(at("a"), "2").unwrap();
        changed("its content");
        fs::rename(at("a"), at("b")).unwrap();
        changed("its name");
        fs::create_dir(at("c")).unwrap();
        changed("an empty folder");
        fs::rename(at("b"), at("c/b")).unwrap();
        changed("its folder");
    }

    #[test]
    fn agent_and_mount_count_and_a_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let of = |component, name: &str, path: &Path| {
            let name = MountName::new(name).unwrap();
            fingerprint(ContentHash::from_bytes([component; 32]), [(&name, path)]).ok()
        };
        let base = of(1, "src", folder.path());
        assert!(base.is_some());
        assert_ne!(base, of(2, "src", folder.path()));
        assert_ne!(base, of(1, "docs", folder.path()));
        assert_eq!(of(1, "src", &folder.path().join("missing")), None);
    }
}
