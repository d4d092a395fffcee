//! The closed lists of what can become of an event: verdicts, reason codes, flags, outcomes.
//!
//! Place: the vocabulary of answers, rejected records and dead letters (domain.md §2.6). Codes are stored, so a code
//! is never renamed or reused.

/// Declares a closed list of stable text codes.
macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of the document.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// Its position in the document's order, which is also its Avro enum index where it is one.
            #[must_use]
            pub const fn index(self) -> usize {
                self as usize
            }

            /// The value of a code; `None` for any other text.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}
pub(crate) use codes;

codes! {
    /// What a partner is told about one event.
    Verdict {
        /// Durable; counts exactly once.
        Accepted = "accepted",
        /// The first copy is known to be durable; this one was not stored.
        Duplicate = "duplicate",
        /// Refused with reasons; the bytes are kept in `gep.rejected`.
        Rejected = "rejected",
    }
}

codes! {
    /// Why an event or record was refused.
    Reason {
        /// The record has no value.
        Empty = "empty",
        /// The bytes are no UTF-8.
        BadUtf8 = "bad_utf8",
        /// The text is no JSON.
        BadJson = "bad_json",
        /// The JSON is no object.
        NotAnObject = "not_an_object",
        /// The event is larger than the limit.
        TooLarge = "too_large",
        /// Nesting depth, number of keys or length of a string is over the limit.
        TooDeep = "too_deep",
        /// U+0000 or a lone surrogate.
        BadCharacter = "bad_character",
        /// An identity field occurs twice.
        DuplicateField = "duplicate_field",
        /// A required field is absent.
        MissingField = "missing_field",
        /// A field has the wrong JSON type.
        BadType = "bad_type",
        /// An id is too long or has control characters.
        BadId = "bad_id",
        /// A time cannot be read.
        BadTime = "bad_time",
        /// A number is not finite or out of range.
        BadNumber = "bad_number",
        /// A text is none of the allowed words.
        BadEnum = "bad_enum",
        /// The event name is not known.
        UnknownEvent = "unknown_event",
        /// The type of the play is not known.
        UnknownType = "unknown_type",
        /// The reaction is a number outside 0–5.
        ReactionRange = "reaction_range",
        /// max ≤ 0, score < 0 or > max, or only one of the two given.
        ScoreRange = "score_range",
        /// The learner is anonymous and the partner's policy does not accept that.
        AnonymousUser = "anonymous_user",
        /// The credential may not write for this tenant.
        TenantForbidden = "tenant_forbidden",
        /// A panic was caught while reading this event.
        Internal = "internal",
        /// Same event key, other content than the event that was applied first.
        IdConflict = "id_conflict",
        /// The content metadata did not arrive within the deadline.
        MetadataTimeout = "metadata_timeout",
        /// The chain is longer than 16 hops.
        HopLimit = "hop_limit",
        /// No schema is known under the record's schema id.
        SchemaUnknown = "schema_unknown",
        /// The bytes do not decode with their schema.
        Undecodable = "undecodable",
        /// The handler, metric or processor failed on this record.
        HandlerFailed = "handler_failed",
        /// The process died three times at this record.
        ProcessKiller = "process_killer",
    }
}

impl Reason {
    /// Whether the breaker of internal topics counts it (delivery.md §8: only failures of ours).
    #[must_use]
    pub const fn is_ours(self) -> bool {
        matches!(self, Self::Undecodable | Self::SchemaUnknown | Self::HandlerFailed)
    }
}

codes! {
    /// What was corrected in an accepted event (domain.md §2.6).
    Flag {
        /// Times came in seconds.
        Seconds = "seconds",
        /// A stop without startTime.
        StartUnknown = "start_unknown",
        /// A reaction without times: the receipt time was taken.
        TimeMissing = "time_missing",
        /// end < start: end was set to start.
        EndBeforeStart = "end_before_start",
        /// end > receipt + 10 min: both were shifted so that end = receipt.
        ClockAhead = "clock_ahead",
        /// end is older than 400 days.
        ClockBehind = "clock_behind",
        /// end is older than 14 days.
        Late = "late",
        /// The zone is no IANA name: UTC was taken.
        TimezoneUnknown = "timezone_unknown",
        /// An unlisted contentSource, carried as it is.
        ContentSourceUnknown = "content_source_unknown",
        /// An unknown pathType was dropped.
        PathTypeDropped = "path_type_dropped",
        /// additionalContext could not be decoded and was dropped.
        AdditionalContextBad = "additional_context_bad",
        /// A question stop without attemptStatus: attempted was taken.
        StatusMissing = "status_missing",
        /// The counted time was cut at the visit cap.
        Capped = "capped",
        /// A score had more than four decimals.
        Rounded = "rounded",
    }
}

codes! {
    /// What became of a record in a handler; the shell counts these.
    Outcome {
        /// State or output changed.
        Applied = "applied",
        /// Known already; nothing changed.
        Duplicate = "duplicate",
        /// Valid, but of no concern to this handler.
        Ignored = "ignored",
        /// Accepted at the intake.
        Accepted = "accepted",
        /// Refused at the intake; kept in `gep.rejected`.
        Rejected = "rejected",
        /// Refused after acceptance; kept as a dead letter.
        DeadLettered = "dead_lettered",
    }
}
