//! Loads what an earlier start has compiled.
//!
//! There is nothing to wait for but a disk that has mostly been read already, so a
//! file takes less time than to hand it from one thread to another. Each thread takes
//! the next file until there is none.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::vec::IntoIter;

use super::{LoadedComponent, Loader};

/// The files that no thread has taken yet. No more are taken when it is dropped where
/// it was made.
struct Waiting(Arc<Files>);

type Files = Mutex<IntoIter<PathBuf>>;

impl Drop for Waiting {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Vec::new().into_iter();
    }
}

/// Loads those of `files` that are known, in so many threads, and says which are not.
pub(super) async fn load(
    loader: &Arc<Loader>,
    files: Vec<PathBuf>,
    threads: usize,
) -> (Vec<LoadedComponent>, Vec<PathBuf>) {
    let threads = threads.min(files.len());
    let waiting = Waiting(Arc::new(Mutex::new(files.into_iter())));
    let under_way: Vec<_> = (0..threads)
        .map(|_| {
            let (loader, files) = (Arc::clone(loader), Arc::clone(&waiting.0));
            tokio::task::spawn_blocking(move || take(&loader, &files))
        })
        .collect();
    let (mut known, mut new) = (Vec::new(), Vec::new());
    for thread in under_way {
        let (loaded, left) = thread
            .await
            .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        known.extend(loaded);
        new.extend(left);
    }
    (known, new)
}

/// What one thread makes of the files that it takes.
fn take(loader: &Loader, files: &Files) -> (Vec<LoadedComponent>, Vec<PathBuf>) {
    let (mut known, mut new) = (Vec::new(), Vec::new());
    while let Some(path) = next(files) {
        match loader.load_known(&path) {
            Some(component) => known.push(component),
            None => new.push(path),
        }
    }
    (known, new)
}

fn next(files: &Files) -> Option<PathBuf> {
    files.lock().unwrap_or_else(PoisonError::into_inner).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_files_are_taken_when_nobody_waits() {
        let paths = ["a", "b", "c"].map(PathBuf::from).to_vec();
        let files: Arc<Files> = Arc::new(Mutex::new(paths.into_iter()));
        let waiting = Waiting(Arc::clone(&files));
        assert_eq!(next(&files), Some("a".into()));
        drop(waiting);
        assert_eq!(next(&files), None);
    }
}
