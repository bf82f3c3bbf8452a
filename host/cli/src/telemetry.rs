//! What the host says of itself: its log on stderr, and traces for a
//! collector of OpenTelemetry.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::trace::{SpanId, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, Span, SpanData, SpanProcessor,
};
use tracing::Metadata;
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::{Global, LogFormat};
use crate::error::CliError;
use crate::output::{Stderr, say};

/// What is added to a collector's address, as the protocol says.
const TRACES: &str = "/v1/traces";

/// How long a collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many spans wait for the collector at most. Beyond that they are lost.
const MOST_WAITING: usize = 65_536;

/// How many host calls of an attempt are traced: the guest picks how many it
/// makes, and they must not crowd out the rest.
const MOST_HOST_CALLS: u32 = 128;

/// What the bindings call the span of a host call.
const HOST_CALL: &str = "wit-bindgen import";

/// What is said, as long as it is.
pub(crate) struct Telemetry {
    traces: Option<Traces>,
}

struct Traces {
    provider: SdkTracerProvider,
    collector: String,
    trouble: Trouble,
}

/// Why the collector did not take something, if it did not.
type Trouble = Arc<Mutex<Option<String>>>;

impl Telemetry {
    /// Starts the log, and traces if they are asked for.
    pub(crate) fn start(global: &Global) -> Result<Self, CliError> {
        let filter = EnvFilter::try_new(&global.log).map_err(|error| {
            CliError::usage(
                format!("`--log {}`: {error}", global.log),
                "write a level (error, warn, info, debug, trace) or a filter such as `ringfence_engine=debug`",
            )
        })?;
        let log = tracing_subscriber::fmt::layer().with_writer(|| Stderr);
        let log = match global.log_format {
            LogFormat::Text => log.with_ansi(console::colors_enabled_stderr()).boxed(),
            LogFormat::Json => log.json().flatten_event(true).boxed(),
        };
        let traces = global.otlp.as_deref().map(Traces::start).transpose()?;
        let exported = traces.as_ref().map(|traces| {
            tracing_opentelemetry::layer()
                .with_tracer(traces.provider.tracer("ringfence"))
                .with_location(false)
                .with_threads(false)
                .with_filter(filter_fn(is_traced))
        });
        tracing_subscriber::registry()
            .with(log.with_filter(filter))
            .with(exported)
            .init();
        Ok(Self { traces })
    }

    /// Sends what is left. A collector that does not take it is no failure of
    /// the command.
    pub(crate) fn finish(self) {
        let Some(traces) = self.traces else {
            return;
        };
        let sent = traces.provider.shutdown_with_timeout(PATIENCE);
        let trouble = lock(&traces.trouble).take();
        let why = trouble.or_else(|| Some(sent.err()?.to_string()));
        if let Some(why) = why {
            say(&format!(
                "traces were lost: {} does not take them: {why}",
                traces.collector
            ));
        }
    }
}

impl Traces {
    fn start(collector: &str) -> Result<Self, CliError> {
        let plain = collector.strip_prefix("http://");
        if plain.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) {
            return Err(CliError::usage(
                format!("`--otlp {collector}` is no address of a collector"),
                HINT,
            ));
        }
        let trouble = Trouble::default();
        let client = Client {
            agent: ureq::Agent::config_builder()
                .timeout_global(Some(PATIENCE))
                .http_status_as_error(false)
                .build()
                .into(),
            trouble: Arc::clone(&trouble),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}{TRACES}", collector.trim_end_matches('/')))
            .build()
            .map_err(|error| CliError::usage(format!("`--otlp {collector}`: {error}"), HINT))?;
        let waiting = BatchConfigBuilder::default()
            .with_max_queue_size(MOST_WAITING)
            .build();
        let batches = BatchSpanProcessor::builder(exporter)
            .with_batch_config(waiting)
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(Bounded::new(batches))
            .with_resource(resource())
            .build();
        Ok(Self {
            provider,
            collector: collector.to_owned(),
            trouble,
        })
    }
}

const HINT: &str = "write it as `http://localhost:4318`; what is reached by https or gRPC only is reached through a collector nearby";

/// Who says it: `ringfence`, or what `OTEL_SERVICE_NAME` names.
fn resource() -> Resource {
    let named = std::env::var_os("OTEL_SERVICE_NAME").is_some();
    let resource = Resource::builder();
    let resource = match named {
        true => resource,
        false => resource.with_service_name("ringfence"),
    };
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    resource.with_attribute(version).build()
}

/// Spans of the host and of what guests call of it.
fn is_traced(metadata: &Metadata<'_>) -> bool {
    let ours = ["ringfence", "wasmtime_wasi"];
    metadata.is_span() && ours.iter().any(|name| metadata.target().starts_with(name))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends requests from the thread of the exporter, which may wait.
#[derive(Debug)]
struct Client {
    agent: ureq::Agent,
    trouble: Trouble,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.send(request);
        let trouble = match &sent {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answers {}", answer.status())),
            Err(error) => Some(error.to_string()),
        };
        if trouble.is_some() {
            *lock(&self.trouble) = trouble;
        }
        Ok(sent?)
    }
}

impl Client {
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, body.to_vec());
        let (parts, mut body) = self.agent.run(request)?.into_parts();
        let body = body.read_to_vec()?;
        Ok(Response::from_parts(parts, body.into()))
    }
}

/// Names host calls, and passes on only so many of each attempt.
#[derive(Debug)]
struct Bounded {
    batches: BatchSpanProcessor,
    /// The host calls so far, by the spans that they are in.
    host_calls: Mutex<HashMap<SpanId, u32>>,
}

impl Bounded {
    fn new(batches: BatchSpanProcessor) -> Self {
        Self {
            batches,
            host_calls: Mutex::default(),
        }
    }

    /// Counts a host call. False if there were too many.
    fn has_room(&self, around: SpanId) -> bool {
        let mut host_calls = lock(&self.host_calls);
        let count = host_calls.entry(around).or_default();
        *count = count.saturating_add(1);
        *count <= MOST_HOST_CALLS
    }
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.batches.on_start(span, context);
    }

    fn on_end(&self, mut span: SpanData) {
        if span.name == HOST_CALL {
            if !self.has_room(span.parent_span_id) {
                return;
            }
            span.name = host_call_name(&span.attributes).into();
        } else if let Some(count) = lock(&self.host_calls).remove(&span.span_context.span_id())
            && let left_out @ 1.. = count.saturating_sub(MOST_HOST_CALLS)
        {
            let key = "host_calls_left_out";
            span.attributes
                .push(KeyValue::new(key, i64::from(left_out)));
        }
        self.batches.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batches.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}

/// `artifacts.put` for the function `put` of `artifacts`, `types.descriptor.open-at`
/// for the method `[method]descriptor.open-at` of `types`.
fn host_call_name(attributes: &[KeyValue]) -> String {
    let of = |name: &str| {
        let found = attributes.iter().find(|known| known.key.as_str() == name);
        found.map_or_else(String::new, |known| known.value.to_string())
    };
    let function = of("function");
    let plain = function
        .split_once(']')
        .map_or(&*function, |(_, name)| name);
    format!("{}.{plain}", of("module"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_calls_are_called_what_they_are() {
        let name = |module, function| {
            host_call_name(&[
                KeyValue::new("module", module),
                KeyValue::new("function", function),
            ])
        };
        assert_eq!(name("artifacts", "put"), "artifacts.put");
        let method = "[method]descriptor.open-at";
        assert_eq!(name("types", method), "types.descriptor.open-at");
    }
}
