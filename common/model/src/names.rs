//! Every metric, label and log-event name: an operator finds here what a dashboard, an alert or a log line means.
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
        /// Records per batch, by service.
        BatchRecords = "da_batch_records",
        /// Time of one step of a batch, by service and step.
        BatchTime = "da_batch_seconds",
        /// Time of a commit, by service and protocol.
        CommitTime = "da_commit_seconds",
        /// Failed commits, by service and class of fault.
        CommitErrors = "da_commit_errors_total",
        /// Records not read yet, by group, topic and partition.
        LagRecords = "da_lag_records",
        /// Age of the oldest record not read yet, by group, topic and partition.
        LagTime = "da_lag_seconds",
        /// When a partition last moved, by group, topic and partition.
        LastProgress = "da_last_progress_timestamp_seconds",
        /// Time from the receipt of an event to the commit of a record made from it, by topic.
        EndToEnd = "da_end_to_end_seconds",
        /// Length of the chain of a record, by topic.
        ChainHops = "da_chain_hops",
        /// Records missing on an edge, by service and topic; the target is 0 for ever.
        EdgeGap = "da_edge_gap_total",
        /// Records repeated on an edge and dropped, by service and topic; the target is 0 for ever.
        EdgeDup = "da_edge_dup_total",
        /// Time of a statement of the store, by statement.
        StoreTime = "da_store_seconds",
        /// Rows found in the row cache, by table.
        CacheHits = "da_cache_hits_total",
        /// Rows that had to be loaded, by table.
        CacheMisses = "da_cache_misses_total",
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
    /// A distribution of whole numbers.
    Numbers,
}

impl Metric {
    /// How it is read.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::IngestRequests | Self::IngestEvents | Self::IngestRejections | Self::IngestFlags => Kind::Counter,
            Self::IngestUnknownFields | Self::IngestThrottled | Self::Records | Self::Emitted => Kind::Counter,
            Self::DeadLetters | Self::DedupeHits | Self::CommitErrors | Self::EdgeGap => Kind::Counter,
            Self::EdgeDup | Self::CacheHits | Self::CacheMisses => Kind::Counter,
            Self::IngestInflight | Self::LagRecords | Self::LagTime | Self::LastProgress => Kind::Gauge,
            Self::BuildInfo => Kind::Gauge,
            Self::IngestAck | Self::BatchTime | Self::CommitTime | Self::EndToEnd | Self::StoreTime => Kind::Seconds,
            Self::BatchRecords | Self::ChainHops => Kind::Numbers,
        }
    }

    /// The labels it carries, in this order.
    #[must_use]
    pub const fn labels(self) -> &'static [Label] {
        match self {
            Self::IngestRequests => &[Label::Status],
            Self::IngestEvents => &[Label::Partner, Label::Verdict],
            Self::IngestRejections => &[Label::Partner, Label::Code],
            Self::IngestFlags => &[Label::Partner, Label::Flag],
            Self::IngestUnknownFields => &[Label::Partner, Label::Field],
            Self::IngestThrottled => &[Label::Partner, Label::Limit],
            Self::IngestAck | Self::IngestInflight => &[],
            Self::Records => &[Label::Service, Label::Topic, Label::Outcome],
            Self::Emitted | Self::EdgeGap | Self::EdgeDup => &[Label::Service, Label::Topic],
            Self::DeadLetters => &[Label::Service, Label::Handler, Label::Reason],
            Self::DedupeHits | Self::BatchRecords => &[Label::Service],
            Self::BatchTime => &[Label::Service, Label::Step],
            Self::CommitTime => &[Label::Service, Label::Protocol],
            Self::CommitErrors => &[Label::Service, Label::Class],
            Self::LagRecords | Self::LagTime | Self::LastProgress => &[Label::Group, Label::Topic, Label::Partition],
            Self::EndToEnd | Self::ChainHops => &[Label::Topic],
            Self::StoreTime => &[Label::Statement],
            Self::CacheHits | Self::CacheMisses => &[Label::Table],
            Self::BuildInfo => &[Label::Version],
        }
    }
}

codes! {
    /// A label of a metric.
    Label {
        /// HTTP status.
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
        /// Step of a batch.
        Step = "step",
        /// Commit protocol.
        Protocol = "protocol",
        /// Class of a fault: transient, refused, fenced or fatal.
        Class = "class",
        /// Group of consumers.
        Group = "group",
        /// Partition number.
        Partition = "partition",
        /// Kind of statement.
        Statement = "statement",
        /// Table of the state store.
        Table = "table",
        /// Version of the build.
        Version = "version",
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
        /// A worker of the pipeline began.
        WorkerStarted = "worker_started",
        /// A worker of the pipeline ended.
        WorkerStopped = "worker_stopped",
        /// A batch failed for a passing reason and is tried again.
        BatchRetried = "batch_retried",
        /// A batch was refused by the store and is split.
        BatchSplit = "batch_split",
        /// A fault that stops the process.
        Fatal = "fatal",
        /// The breaker stopped a partition: too many records of ours failed.
        BreakerOpen = "breaker_open",
        /// Records of an edge are missing.
        EdgeGapSeen = "edge_gap_seen",
        /// Records became dead letters.
        DeadLettered = "dead_lettered",
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
