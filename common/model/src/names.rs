//! Every metric, label, log-event and span name: an operator finds here what a dashboard, an alert or a log line means.
//!
//! Place: named by the telemetry of the one shell, which adds nothing to the texts. Holds no counting and no logging;
//! labels are bounded words, never a learner, class or content id (experience.md §3.3).

use crate::outcome::codes;

codes! {
    /// A metric, as Prometheus shows it.
    Metric {
        /// Requests at the public listener, by status.
        IngestRequests = "da_ingest_requests_total",
        /// Events that were given a verdict, by partner and verdict.
        IngestEvents = "da_ingest_events_total",
        /// Reasons of rejected events, by partner and code; an event may have several.
        IngestRejections = "da_ingest_rejections_total",
        /// What was corrected in accepted events, by partner and flag.
        IngestFlags = "da_ingest_flags_total",
        /// Fields that no adapter knows, by partner and name; they are dropped.
        IngestUnknownFields = "da_ingest_unknown_fields_total",
        /// Time from queueing the events of a request to the acknowledgement of the log.
        IngestAck = "da_ingest_ack_seconds",
        /// Bytes of bodies held by requests in flight.
        IngestInflight = "da_ingest_inflight_bytes",
        /// Requests refused for the rate of their key, by partner and limit.
        IngestThrottled = "da_ingest_throttled_total",
        /// Records that a handler ended with an outcome, by service, topic and outcome.
        Records = "da_records_total",
        /// Records written by a handler, by service and topic.
        Emitted = "da_emitted_total",
        /// Dead letters, by service, handler and reason.
        DeadLetters = "da_dead_letters_total",
        /// Repeats that the processor dropped, by service.
        DedupeHits = "da_dedupe_hits_total",
        /// Rounds that failed and were rolled back, by protocol; their requests were told to repeat.
        CommitErrors = "da_commit_errors_total",
        /// Log transactions whose outcome had to be doubted and was read from the group, by service.
        TxnSuspect = "da_txn_suspect_total",
        /// Changes of what the members of a group own, by service; each member counts.
        Rebalances = "da_rebalances_total",
        /// Blobs of outputs that are in the database and may not be in Kafka yet, by service.
        OutboxBlobs = "da_outbox_blobs",
        /// Since when there have been such, in seconds, by service; 0 where there are none.
        OutboxOldest = "da_outbox_oldest_seconds",
        /// Time that a committed batch took, by service and step: `batch` is all of it, `read` and `commit` are parts.
        BatchTime = "da_batch_seconds",
        /// Batches committed, by service.
        Batches = "da_batches_total",
        /// Rows written, each once per batch, by service.
        Rows = "da_rows_total",
        /// Statements of the store, by protocol.
        Statements = "da_statements_total",
        /// Bytes of the row cache.
        CacheBytes = "da_cache_bytes",
        /// Facts worth a look that are no failure, by service and note.
        Notes = "da_notes_total",
        /// Records not read yet, by group, topic and partition.
        LagRecords = "da_lag_records",
        /// Age of the first record not read yet, by group, topic and partition; where it was not fetched yet, since the
        /// partition last moved.
        LagSeconds = "da_lag_seconds",
        /// When a partition last moved, by group, topic and partition.
        LastProgress = "da_last_progress_timestamp_seconds",
        /// Records missing on an edge, by service and topic; the target is 0 for ever.
        EdgeGap = "da_edge_gap_total",
        /// Records repeated on an edge and dropped, by service and topic; the target is 0 for ever.
        EdgeDup = "da_edge_dup_total",
        /// Requests to the schema registry, by operation and status; each attempt counts.
        RegistryRequests = "da_registry_requests_total",
        /// Records of another writer's schema that were brought into ours, by subject and schema id.
        SchemaRecords = "da_schema_records_total",
        /// Spans that a collector took or did not take, by `sent` and `lost`; counted where one is named.
        TraceSpans = "da_trace_spans_total",
        /// 1, with the version of the build.
        BuildInfo = "da_build_info",
    }
}

/// How a metric is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution of seconds.
    Seconds,
}

impl Metric {
    /// How it is read.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::IngestRequests | Self::IngestEvents | Self::IngestRejections | Self::IngestFlags => Kind::Counter,
            Self::IngestUnknownFields | Self::IngestThrottled | Self::Records | Self::Emitted => Kind::Counter,
            Self::DeadLetters | Self::DedupeHits | Self::CommitErrors | Self::EdgeGap | Self::EdgeDup => Kind::Counter,
            Self::Batches | Self::Rows | Self::Statements | Self::Notes => Kind::Counter,
            Self::TxnSuspect | Self::Rebalances => Kind::Counter,
            Self::RegistryRequests | Self::SchemaRecords | Self::TraceSpans => Kind::Counter,
            Self::IngestInflight | Self::LagRecords | Self::LagSeconds | Self::LastProgress => Kind::Gauge,
            Self::OutboxBlobs | Self::OutboxOldest | Self::CacheBytes | Self::BuildInfo => Kind::Gauge,
            Self::IngestAck | Self::BatchTime => Kind::Seconds,
        }
    }

    /// The labels it carries, in this order.
    #[must_use]
    pub const fn labels(self) -> &'static [Label] {
        match self {
            Self::IngestRequests | Self::TraceSpans => &[Label::Status],
            Self::IngestEvents => &[Label::Partner, Label::Verdict],
            Self::IngestRejections => &[Label::Partner, Label::Code],
            Self::IngestFlags => &[Label::Partner, Label::Flag],
            Self::IngestUnknownFields => &[Label::Partner, Label::Field],
            Self::IngestThrottled => &[Label::Partner, Label::Limit],
            Self::IngestAck | Self::IngestInflight | Self::CacheBytes => &[],
            Self::Records => &[Label::Service, Label::Topic, Label::Outcome],
            Self::Emitted | Self::EdgeGap | Self::EdgeDup => &[Label::Service, Label::Topic],
            Self::DeadLetters => &[Label::Service, Label::Handler, Label::Reason],
            Self::DedupeHits | Self::Batches | Self::Rows => &[Label::Service],
            Self::TxnSuspect | Self::Rebalances | Self::OutboxBlobs | Self::OutboxOldest => &[Label::Service],
            Self::BatchTime => &[Label::Service, Label::Step],
            Self::CommitErrors | Self::Statements => &[Label::Protocol],
            Self::Notes => &[Label::Service, Label::Note],
            Self::LagRecords | Self::LagSeconds | Self::LastProgress => &[Label::Group, Label::Topic, Label::Partition],
            Self::RegistryRequests => &[Label::Operation, Label::Status],
            Self::SchemaRecords => &[Label::Subject, Label::SchemaId],
            Self::BuildInfo => &[Label::Version],
        }
    }
}

codes! {
    /// A label of a metric.
    Label {
        /// HTTP status; of requests to the registry also `unreachable`, of spans `sent` or `lost`.
        Status = "status",
        /// Partner of the credential; beyond 200 of them `other`.
        Partner = "partner",
        /// Verdict of an event.
        Verdict = "verdict",
        /// Code of a rejection.
        Code = "code",
        /// Flag of an accepted event.
        Flag = "flag",
        /// Name of an unknown field; beyond 200 of them `other`.
        Field = "field",
        /// `events` or `bytes`.
        Limit = "limit",
        /// gep, demux or dep.
        Service = "service",
        /// Topic without the prefix.
        Topic = "topic",
        /// Outcome of a record.
        Outcome = "outcome",
        /// Handler of a service.
        Handler = "handler",
        /// Reason of a dead letter.
        Reason = "reason",
        /// Commit protocol.
        Protocol = "protocol",
        /// Group of consumers.
        Group = "group",
        /// Partition number.
        Partition = "partition",
        /// Step of a batch.
        Step = "step",
        /// What was asked of the registry.
        Operation = "operation",
        /// Subject of the registry: `<topic>-value`.
        Subject = "subject",
        /// Id of a schema in the registry.
        SchemaId = "schema_id",
        /// Version of the build.
        Version = "version",
        /// Which fact.
        Note = "note",
        /// Of a span: how many records.
        Records = "records",
        /// Of a span: which records were read, `topic/partition@first..end`, as the lineage of what follows names them.
        Positions = "positions",
    }
}

codes! {
    /// A log line, by what happened.
    LogEvent {
        /// A listener takes connections.
        Listening = "listening",
        /// Everything runs; readiness is on.
        Started = "started",
        /// A stop was asked for; readiness goes off.
        StopAsked = "stop_asked",
        /// New requests are refused, those in flight are answered.
        Draining = "draining",
        /// The process ends; says whether everything was finished.
        Stopped = "stopped",
        /// A request was refused as a whole; with code and hash of the body, never the body.
        RequestRefused = "request_refused",
        /// The acknowledgement of the log did not come in time; the client was told to repeat.
        AckLate = "ack_late",
        /// The log refused or lost an append; the client was told to repeat.
        AppendFailed = "append_failed",
        /// The list of keys was read anew.
        KeysRead = "keys_read",
        /// The list of keys cannot be read; the last good list stays in force.
        KeysUnreadable = "keys_unreadable",
        /// A connection could not be accepted.
        AcceptFailed = "accept_failed",
        /// A metric was offered with a label that it does not carry: a fault of ours.
        MetricMisused = "metric_misused",
        /// A batch failed for a passing reason and is tried again.
        BatchRetried = "batch_retried",
        /// The breaker stopped a partition: too many records of ours failed.
        BreakerOpen = "breaker_open",
        /// Records of an edge are missing.
        EdgeGapSeen = "edge_gap_seen",
        /// Records became dead letters.
        DeadLettered = "dead_lettered",
        /// Something that the start needs does not answer; it is tried again.
        WaitingForStart = "waiting_for_start",
        /// The process ends by a fault.
        Ended = "ended",
        /// The registry does not answer: what is kept of it is used, records of unknown schemas wait.
        RegistryAway = "registry_away",
        /// The ids of the registry changed since the last start: what was kept of it is forgotten.
        RegistryRebuilt = "registry_rebuilt",
        /// What is known of the registry cannot be kept on disk: a start needs the registry.
        RegistryCacheBad = "registry_cache_bad",
        /// A collector did not take spans: they are lost, and nothing else is.
        TracesLost = "traces_lost",
        /// Spans cannot be sent to the collector that the settings name; everything else works.
        TracesOff = "traces_off",
    }
}

codes! {
    /// A span of a trace.
    Span {
        /// A request at the public listener, to the end of its answer; in the caller's trace where `traceparent` names
        /// one.
        Request = "request",
        /// A batch of a stage: decode, read, decide, commit. A trace of its own, joined to others by its positions.
        Batch = "batch",
        /// The rows a batch wants, read from the store; inside a batch.
        Read = "read",
        /// Rows, outputs and offsets of a batch, kept; inside a batch.
        Commit = "commit",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_the_rules_of_the_exposition_format() {
        for metric in Metric::ALL {
            let name = metric.code();
            assert!(name.starts_with("da_"), "{name}");
            assert_eq!(name.ends_with("_total"), metric.kind() == Kind::Counter, "{name}");
            assert_eq!(
                name.ends_with("_seconds") && metric.kind() != Kind::Gauge,
                metric.kind() == Kind::Seconds,
                "{name}"
            );
        }
    }
}
