use std::fs;
use std::sync::Arc;

use ringfence_flow::ContentHash;
use sha2::{Digest, Sha256};

use super::*;
use crate::compile::Compatibility;
use crate::component_check::{AgentKind, ComponentInterface};
use crate::engine::{compile_config, pooled};
use crate::source_lines::SourceLines;

const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

struct Fixture {
    _dir: tempfile::TempDir,
    cache: CompileCache,
    engine: Engine,
    compiled: Compiled,
    key: CacheKey,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let cache = CompileCache::open(&dir.path().join("cache")).unwrap();
    let engine = Engine::new(&compile_config()).unwrap();
    let compiled = Compiled {
        facts: ComponentFacts {
            interface: ComponentInterface {
                kind: AgentKind::Plugin,
                contract: "ringfence:agent@0.1.0".into(),
                imports: Arc::new([]),
                exports: Arc::new(["ringfence:agent/agent@0.1.0".into()]),
            },
            lines: SourceLines::from_bytes(b"some lines").unwrap(),
        },
        code: engine.precompile_component(EMPTY).unwrap(),
    };
    let key = CacheKey {
        compatible: Compatibility::of(&engine),
        content: ContentHash::from_bytes(Sha256::digest(EMPTY).into()),
    };
    Fixture {
        _dir: dir,
        cache,
        engine,
        compiled,
        key,
    }
}

#[test]
fn what_is_stored_is_loaded_into_a_pooling_engine() {
    let f = fixture();
    assert!(f.cache.load(&f.engine, &f.key).is_none());
    f.cache.store(&f.key, &f.compiled).unwrap();
    let (_, facts) = f.cache.load(&pooled(1).unwrap(), &f.key).unwrap();
    assert_eq!(facts, f.compiled.facts);
}

#[test]
fn a_damaged_entry_is_removed_and_can_be_stored_again() {
    let f = fixture();
    let path = f.key.path(f.cache.folder());
    f.cache.store(&f.key, &f.compiled).unwrap();
    let whole = fs::read(&path).unwrap();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let len = whole.len();
    for damaged in [
        Vec::new(),
        whole[..10].to_vec(),
        whole[..len - 1].to_vec(),
        flipped(0),
        flipped(len / 2),
        flipped(len - 1),
        flipped(len - entry::SEAL_LEN + 20),
        [&whole[..], b"more"].concat(),
    ] {
        fs::write(&path, &damaged).unwrap();
        assert!(f.cache.load(&f.engine, &f.key).is_none());
        assert!(!path.exists(), "the damaged entry is gone");
        f.cache.store(&f.key, &f.compiled).unwrap();
        assert!(f.cache.load(&f.engine, &f.key).is_some());
    }
}

#[test]
fn an_entry_does_not_pass_for_another() {
    let f = fixture();
    f.cache.store(&f.key, &f.compiled).unwrap();
    let mut config = compile_config();
    config.consume_fuel(false);
    let other_engine = Engine::new(&config).unwrap();
    for other in [
        CacheKey {
            content: ContentHash::from_bytes([7; 32]),
            ..f.key
        },
        CacheKey {
            compatible: Compatibility::of(&other_engine),
            ..f.key
        },
    ] {
        assert_ne!(other.path(f.cache.folder()), f.key.path(f.cache.folder()));
        assert!(f.cache.load(&f.engine, &other).is_none());
        fs::create_dir_all(other.folder(f.cache.folder())).unwrap();
        fs::copy(f.key.path(f.cache.folder()), other.path(f.cache.folder())).unwrap();
        assert!(
            f.cache.load(&f.engine, &other).is_none(),
            "renamed by somebody"
        );
    }
    assert!(f.cache.load(&f.engine, &f.key).is_some());
}

#[test]
fn many_can_store_and_load_at_once() {
    let f = fixture();
    let second = CompileCache::open(f.cache.folder()).unwrap();
    let caches = [Arc::new(f.cache), Arc::new(second)];
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (cache, engine) = (Arc::clone(&caches[thread % 2]), f.engine.clone());
            let (key, compiled) = (&f.key, &f.compiled);
            scope.spawn(move || {
                for _ in 0..4 {
                    cache.store(key, compiled).unwrap();
                    assert!(cache.load(&engine, key).is_some());
                }
            });
        }
    });
    let left = fs::read_dir(f.key.folder(caches[0].folder()))
        .unwrap()
        .count();
    assert_eq!(left, 1, "no temporary file is left");
}

#[test]
fn what_was_not_used_for_longest_goes_first() {
    let f = fixture();
    f.cache.store(&f.key, &f.compiled).unwrap();
    let first = f.key.path(f.cache.folder());
    let size = fs::metadata(&first).unwrap().len();
    fs::remove_file(first).unwrap();
    let cache = CompileCache::open(f.cache.folder())
        .unwrap()
        .with_size(ByteSize::bytes(size * 2));
    let key = |n: u8| CacheKey {
        content: ContentHash::from_bytes([n; 32]),
        ..f.key
    };
    let is_there = |n: u8| key(n).path(cache.folder()).exists();
    let used_at = |n: u8, seconds: u64| {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let file = fs::File::options()
            .write(true)
            .open(key(n).path(cache.folder()))
            .unwrap();
        file.set_modified(time).unwrap();
    };
    cache.store(&key(1), &f.compiled).unwrap();
    cache.store(&key(2), &f.compiled).unwrap();
    assert!(is_there(1) && is_there(2), "both fit");
    used_at(1, 2_000);
    used_at(2, 1_000);
    cache.store(&key(3), &f.compiled).unwrap();
    assert!(is_there(1) && !is_there(2) && is_there(3));

    // A use counts, not only the making.
    used_at(3, 3_000);
    assert!(cache.load(&f.engine, &key(1)).is_some());
    cache.store(&key(4), &f.compiled).unwrap();
    assert!(is_there(1) && !is_there(3) && is_there(4));

    let small = CompileCache::open(f.cache.folder())
        .unwrap()
        .with_size(ByteSize::bytes(size - 1));
    small.store(&key(5), &f.compiled).unwrap();
    assert!(!is_there(5), "more than the whole cache may hold");
}

#[test]
#[cfg(unix)]
fn a_use_is_written_down_once_a_minute() {
    let f = fixture();
    f.cache.store(&f.key, &f.compiled).unwrap();
    let path = f.key.path(f.cache.folder());
    let used = || fs::metadata(&path).unwrap().modified().unwrap();
    let now = crate::clock::of_files();
    let is_marked = |ago: u64| {
        let time = now - std::time::Duration::from_secs(ago);
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(time).unwrap();
        let before = used();
        f.cache.load(&f.engine, &f.key).unwrap();
        used() != before
    };
    assert!(is_marked(70));
    assert!(!is_marked(1));
}

#[cfg(unix)]
mod permissions {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn folders_are_made_for_the_owner_alone() {
        let f = fixture();
        f.cache.store(&f.key, &f.compiled).unwrap();
        assert_eq!(mode(f.cache.folder()), 0o700);
        assert_eq!(mode(&f.key.folder(f.cache.folder())), 0o700);
        assert_eq!(mode(&f.key.path(f.cache.folder())), 0o600);
    }

    #[test]
    fn a_folder_that_others_may_enter_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("cache");
        fs::create_dir(&folder).unwrap();
        for open in [0o777, 0o770, 0o755, 0o702, 0o1777] {
            set_mode(&folder, open);
            let error = CompileCache::open(&folder).unwrap_err();
            assert!(
                matches!(error, CacheError::OpenToOthers { mode, .. } if mode == open),
                "{error}"
            );
            let text = error.to_string();
            assert!(text.contains("chmod 700 "), "{text}");
        }
        set_mode(&folder, 0o700);
        CompileCache::open(&folder).unwrap();
    }

    #[test]
    fn a_folder_below_one_that_everybody_may_write_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let parent = dir.path().join("open");
        fs::create_dir(&parent).unwrap();
        set_mode(&parent, 0o777);
        let error = CompileCache::open(&parent.join("cache")).unwrap_err();
        assert!(matches!(error, CacheError::OpenParent { .. }), "{error}");
        set_mode(&parent, 0o1777);
        CompileCache::open(&parent.join("cache")).unwrap();
    }

    #[test]
    fn a_link_or_a_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        CompileCache::open(&real).unwrap();
        symlink(&real, &link).unwrap();
        let error = CompileCache::open(&link).unwrap_err();
        assert!(matches!(error, CacheError::SymbolicLink { .. }), "{error}");

        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = CompileCache::open(&file).unwrap_err();
        assert!(matches!(error, CacheError::NotAFolder { .. }), "{error}");
    }
}
