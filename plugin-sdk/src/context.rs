//! What an agent can do besides computing.

use std::path::PathBuf;

use crate::bindings::ringfence::agent::artifacts::ArtifactError;
use crate::{
    Activity, Artifact, Dependency, Failure, Log, ModelError, ModelRequest, ModelResponse, Task,
    conv,
};

#[cfg(target_family = "wasm")]
pub(crate) use crate::imports::Imports as Host;
#[cfg(not(target_family = "wasm"))]
pub(crate) use crate::testing::Recorder as Host;

/// The task at hand, and what the host offers an agent: a log, progress,
/// artifacts, mounts, models. Only what an agent calls ends up among its
/// component's imports, so the operator sees what it asks for.
///
/// ```
/// use ringfence_sdk::prelude::*;
///
/// fn greet(cx: &Context) -> Result<Artifact, Failure> {
///     cx.log().with("attempt", cx.task().attempt).info("greeting");
///     cx.put_artifact("greeting.txt", "text/plain", b"Hello!")
/// }
/// # let host = ringfence_sdk::testing::TestHost::new();
/// # assert_eq!(greet(&host.context())?.size, 6);
/// # assert_eq!(host.logs().len(), 1);
/// # Ok::<(), Failure>(())
/// ```
#[derive(Debug)]
pub struct Context {
    task: Task,
    host: Host,
}

impl Context {
    pub(crate) const fn new(task: Task, host: Host) -> Self {
        Self { task, host }
    }

    pub(crate) const fn host(&self) -> &Host {
        &self.host
    }

    /// The task at hand.
    ///
    /// ```
    /// # let cx = ringfence_sdk::testing::TestHost::new().context();
    /// assert_eq!(cx.task().round, 1);
    /// ```
    #[must_use]
    pub const fn task(&self) -> &Task {
        &self.task
    }

    /// What the task `name` gave, if this one needs it.
    ///
    /// ```
    /// # use ringfence_sdk::testing::TestHost;
    /// let cx = TestHost::new().need("survey", serde_json::json!([1, 2]), []).context();
    /// let shards: Vec<u32> = cx.need("survey").unwrap().decode()?;
    /// assert_eq!(shards, [1, 2]);
    /// # Ok::<(), ringfence_sdk::Failure>(())
    /// ```
    #[must_use]
    pub fn need(&self, name: &str) -> Option<&Dependency> {
        self.task.need(name)
    }

    /// Begins a log line; a level writes it.
    ///
    /// ```
    /// # let host = ringfence_sdk::testing::TestHost::new();
    /// # let cx = host.context();
    /// cx.log().info("began");
    /// cx.log().with("file", "src/lib.rs").warn("does not parse");
    /// assert_eq!(host.logs().len(), 2);
    /// ```
    pub const fn log(&self) -> Log<'_> {
        Log::new(self)
    }

    /// Tells whoever watches how far this attempt has come. `fraction` goes
    /// from 0 to 1.
    ///
    /// ```
    /// # use ringfence_sdk::Activity;
    /// # let host = ringfence_sdk::testing::TestHost::new();
    /// # let cx = host.context();
    /// cx.progress(Activity::Working, Some(0.5), "6 of 12 files");
    /// assert_eq!(host.progress()[0].fraction, Some(0.5));
    /// ```
    pub fn progress(&self, activity: Activity, fraction: Option<f32>, note: impl AsRef<str>) {
        self.host.progress(activity, fraction, note.as_ref());
    }

    /// Keeps `content` in the run's artifact store. Add the artifact to the
    /// outcome with [`Outcome::with_artifact`](crate::Outcome::with_artifact)
    /// to show it.
    ///
    /// # Errors
    /// A permanent failure if the store refuses, for example because the
    /// attempt's budget of artifact bytes is spent.
    ///
    /// ```
    /// # use ringfence_sdk::{Failure, Outcome};
    /// # let cx = ringfence_sdk::testing::TestHost::new().context();
    /// let patch = cx.put_artifact("fixes.patch", "text/x-diff", b"--- a\n+++ b\n")?;
    /// let outcome = Outcome::completed(()).with_artifact(patch);
    /// # Ok::<(), Failure>(())
    /// ```
    pub fn put_artifact(
        &self,
        name: &str,
        media_type: &str,
        content: &[u8],
    ) -> Result<Artifact, Failure> {
        self.host
            .put_artifact(name, media_type, content)
            .map(conv::artifact)
            .map_err(|error| refused(name, &error))
    }

    /// The content of an artifact of this run.
    ///
    /// # Errors
    /// A permanent failure if the store does not hold it or does not give it.
    ///
    /// ```
    /// # use ringfence_sdk::Failure;
    /// # let cx = ringfence_sdk::testing::TestHost::new().context();
    /// let artifact = cx.put_artifact("notes.txt", "text/plain", b"none")?;
    /// assert_eq!(cx.get_artifact(&artifact)?, b"none");
    /// # Ok::<(), Failure>(())
    /// ```
    pub fn get_artifact(&self, artifact: &Artifact) -> Result<Vec<u8>, Failure> {
        self.host
            .get_artifact(&artifact.sha256)
            .map_err(|error| refused(&artifact.name, &error))
    }

    /// Asks a model that the operator grants.
    ///
    /// # Errors
    /// [`ModelError`], which `?` turns into a [`Failure`] that is transient
    /// where trying again can help.
    ///
    /// ```
    /// use ringfence_sdk::{Failure, ModelRequest, ModelResponse, testing::TestHost};
    ///
    /// let host = TestHost::new().model_says(ModelResponse::of("It is fine."));
    /// let answer = host.context().chat(&ModelRequest::new().user("Is it fine?"))?;
    /// assert_eq!(answer.content, "It is fine.");
    /// # Ok::<(), Failure>(())
    /// ```
    pub fn chat(&self, request: &ModelRequest) -> Result<ModelResponse, ModelError> {
        self.host.chat(request)
    }

    /// The folder that is mounted as `name`: `/NAME` in the sandbox, where
    /// `std::fs` works. If the task or the operator does not grant it, opening
    /// it fails as not found.
    ///
    /// ```
    /// # use ringfence_sdk::testing::TestHost;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # std::fs::write(folder.path().join("lib.rs"), "").unwrap();
    /// let cx = TestHost::new().mount("src", folder.path()).context();
    /// let text = std::fs::read_to_string(cx.mount("src").join("lib.rs"))?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn mount(&self, name: &str) -> PathBuf {
        self.host.mount(name)
    }
}

fn refused(name: &str, error: &ArtifactError) -> Failure {
    Failure::permanent(match error {
        ArtifactError::NotFound => format!("the run has no artifact `{name}` with this content"),
        ArtifactError::Denied(reason) => format!("the artifact `{name}` is denied: {reason}"),
        ArtifactError::TooLarge(limit) => {
            format!("the artifact `{name}` is larger than the limit of {limit} bytes")
        }
    })
}
