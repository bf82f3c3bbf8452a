use std::sync::Mutex;

use super::*;
use crate::cache::CompileCache;
use crate::compile::CompileLimits;
use crate::config::Compilation;
use crate::engine::pooled;

const AGENT: &str = "ringfence:agent/agent@0.1.0";

fn agent() -> Vec<u8> {
    wat::parse_str(format!(
        "(component (instance $empty) (export {AGENT:?} (instance $empty)))"
    ))
    .unwrap()
}

fn compiler() -> Arc<Compiler> {
    Arc::new(Compiler::new(
        Compilation::InProcess,
        CompileLimits::default(),
        None,
    ))
}

fn write(dir: &Path, files: &[(&str, &[u8])]) {
    for (name, bytes) in files {
        fs::write(dir.join(name), bytes).unwrap();
    }
}

#[tokio::test]
async fn good_files_are_loaded_and_each_kind_of_bad_one_is_refused() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let good = agent();
    let invalid = wat::parse_str(format!(
        "(component
            (core module (func (result i32)))
            (instance $empty) (export {AGENT:?} (instance $empty)))"
    ))
    .unwrap();
    write(
        first.path(),
        &[
            ("a.wasm", &good),
            ("b.wasm", b"\0asm\x01\0\0\0"),
            ("c.wasm", b"plain text"),
            ("d.wasm", &[0; 2000]),
            ("readme.txt", b"not looked at"),
            ("e.wasm.bak", b"not looked at"),
            ("f.wasm", &invalid),
            ("g.wasm", &good[..good.len() - 3]),
        ],
    );
    write(second.path(), &[("h.wasm", &good)]);
    fs::create_dir(second.path().join("i.wasm")).unwrap();

    let folder = Folder::new(vec![
        first.path().to_owned(),
        second.path().to_owned(),
        first.path().join("."),
    ])
    .with_component_limit(ByteSize::bytes(1999));
    let content = folder
        .load(&pooled(1).unwrap(), &compiler(), &())
        .await
        .unwrap();

    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut loaded: Vec<_> = content.loaded.iter().map(|c| name(&c.path)).collect();
    loaded.sort();
    assert_eq!(loaded, ["a.wasm", "h.wasm"]);
    assert_eq!(content.loaded[0].size, ByteSize::bytes(good.len() as u64));
    assert_eq!(content.loaded[0].hash, content.loaded[1].hash);
    let mut refused: Vec<_> = content
        .refused
        .iter()
        .map(|refusal| (name(&refusal.path), refusal.code()))
        .collect();
    refused.sort();
    let refused: Vec<_> = refused.iter().map(|(n, c)| (n.as_str(), *c)).collect();
    assert_eq!(
        refused,
        [
            ("b.wasm", "core-module"),
            ("c.wasm", "not-webassembly"),
            ("d.wasm", "component-too-large"),
            ("f.wasm", "invalid-component"),
            ("g.wasm", "not-webassembly"),
            ("i.wasm", "not-a-file"),
        ]
    );
}

#[tokio::test]
async fn the_observer_hears_of_each_file_once() {
    #[derive(Default)]
    struct Calls(Mutex<Vec<String>>);
    impl Calls {
        fn add(&self, call: &str, path: &Path) {
            let name = path.file_name().unwrap().to_str().unwrap();
            self.0.lock().unwrap().push(format!("{call} {name}"));
        }
    }
    impl FolderObserver for Calls {
        fn found(&self, files: usize) {
            self.0.lock().unwrap().push(format!("found {files}"));
        }
        fn started(&self, path: &Path) {
            self.add("started", path);
        }
        fn loaded(&self, component: &LoadedComponent) {
            self.add("loaded", &component.path);
        }
        fn refused(&self, refusal: &Refusal) {
            self.add("refused", &refusal.path);
        }
    }
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("a.wasm", &agent()), ("b.wasm", b"")]);
    let calls = Calls::default();
    let mut folder = Folder::new(vec![dir.path().to_owned()]);
    folder.parallel = 1;
    folder
        .load(&pooled(1).unwrap(), &compiler(), &calls)
        .await
        .unwrap();
    assert_eq!(
        *calls.0.lock().unwrap(),
        [
            "found 2",
            "started a.wasm",
            "loaded a.wasm",
            "started b.wasm",
            "refused b.wasm"
        ]
    );
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_an_error() {
    let folder = Folder::new(vec!["/nonexistent/plugins".into()]);
    let error = folder
        .load(&pooled(1).unwrap(), &compiler(), &())
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("the plugins folder `/nonexistent/plugins` cannot be read"),
        "{text}"
    );
    assert!(text.contains("hint: "), "{text}");
}

#[test]
fn a_command_is_called_as_its_file() {
    let name = |file: &str| {
        let engine = Engine::default();
        LoadedComponent {
            path: PathBuf::from("plugins").join(file),
            hash: ContentHash::from_bytes([0; 32]),
            size: ByteSize::bytes(8),
            interface: ComponentInterface::read(&agent()).unwrap(),
            component: Component::new(&engine, b"\0asm\x0d\0\x01\0").unwrap(),
            compatible: Compatibility::of(&engine),
            lines: SourceLines::default(),
        }
        .file_name()
    };
    assert_eq!(name("my-tool.wasm").unwrap().as_str(), "my-tool");
    assert_eq!(
        name("My Tool.wasm").unwrap_err().code(),
        "invalid-file-name"
    );
}

fn caching(cache: CompileCache) -> Arc<Compiler> {
    let limits = CompileLimits::default();
    Arc::new(Compiler::new(Compilation::InProcess, limits, Some(cache)))
}

#[tokio::test]
async fn a_file_that_is_known_is_not_read() {
    let (dir, cache_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = pooled(1).unwrap();
    let cache = || CompileCache::open(&cache_dir.path().join("cache")).unwrap();
    write(dir.path(), &[("a.wasm", &agent())]);
    let path = dir.path().join("a.wasm");
    let folder = Folder::new(vec![dir.path().to_owned()]);
    let load = async |compiler| folder.load_one(path.clone(), &engine, &compiler).await;
    let first = load(caching(cache())).await.unwrap();

    // Known by its stamp, whatever it holds: the content is found in the cache.
    write(dir.path(), &[("a.wasm", b"no component")]);
    let stamp = folder.stamps().unwrap()[&path];
    let known = cache();
    known.files().learn(stamp, first.hash);
    assert_eq!(load(caching(known)).await.unwrap().hash, first.hash);

    // Not known, or its content gone from the cache: it is read.
    assert!(load(caching(cache())).await.is_err());
    let known = cache();
    known.files().learn(stamp, ContentHash::from_bytes([7; 32]));
    assert!(load(caching(known)).await.is_err());
}

#[tokio::test]
async fn known_files_and_new_ones_are_loaded_together_within_the_limit() {
    let (dir, cache_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = pooled(1).unwrap();
    let cache = CompileCache::open(&cache_dir.path().join("cache")).unwrap();
    let good = agent();
    let long = [good.as_slice(), &[0; 500]].concat();
    let files: &[(&str, &[u8])] = &[
        ("known.wasm", &good),
        ("long.wasm", &long),
        ("new.wasm", &good),
    ];
    write(dir.path(), files);
    let folder = Folder::new(vec![dir.path().to_owned()])
        .with_component_limit(ByteSize::bytes(good.len() as u64));
    let hash = caching(CompileCache::open(cache.folder()).unwrap())
        .load(&engine, good.clone().into())
        .await
        .unwrap()
        .hash;
    for (path, stamp) in folder.stamps().unwrap() {
        if !path.ends_with("new.wasm") {
            cache.files().learn(stamp, hash);
        }
    }
    let content = folder.load(&engine, &caching(cache), &()).await.unwrap();
    let loaded: Vec<_> = content.loaded.iter().map(|c| (&c.path, c.hash)).collect();
    let at = |name| dir.path().join(name);
    assert_eq!(loaded, [(&at("known.wasm"), hash), (&at("new.wasm"), hash)]);
    assert_eq!(content.refused.len(), 1);
    assert_eq!(content.refused[0].path, at("long.wasm"));
    assert_eq!(content.refused[0].code(), "component-too-large");
}
