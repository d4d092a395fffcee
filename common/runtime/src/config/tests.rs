//! Mistakes in settings are named with their place; what is right arrives with its unit and origin.

use super::checked::Processors;
use super::*;

fn of(text: &str, environment: &[(&str, &str)]) -> Result<Loaded, Vec<String>> {
    let file = (!text.is_empty()).then(|| ("da.yaml".to_owned(), text.to_owned()));
    let environment = environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    read(&Sources { file, environment }).map_err(|found| found.iter().map(ToString::to_string).collect())
}

fn errors(text: &str, environment: &[(&str, &str)]) -> Vec<String> {
    of(text, environment).map(|_| Vec::new()).unwrap_or_else(|found| found)
}

#[test]
fn nothing_written_gives_the_documented_defaults() {
    let loaded = of("", &[]).unwrap();
    let settings = &loaded.settings;
    assert_eq!(settings.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.admin_listen.to_string(), "127.0.0.1:8081");
    assert_eq!(settings.http.body.body_bytes, 5_242_880);
    assert_eq!(settings.http.body.decompressed_bytes, 20_971_520);
    assert_eq!((settings.http.body.ratio, settings.http.events.max_events), (100, 1_000));
    assert_eq!((settings.http.events.max_event_bytes, settings.http.events.max_depth), (262_144, 64));
    assert_eq!((settings.http.events.max_keys, settings.http.events.max_string_bytes), (2_000, 65_536));
    assert_eq!((settings.http.server.header_bytes, settings.http.server.header.as_secs()), (16_384, 5));
    assert_eq!((settings.http.body.idle.as_secs(), settings.http.body.total.as_secs()), (5, 30));
    assert_eq!(settings.http.ack_deadline.as_millis(), 8_000);
    assert_eq!((settings.cache_bytes, settings.visit_cap_ms), (268_435_456, 7_200_000));
    assert_eq!((settings.partitions, settings.provisional), (1, false));
    assert_eq!(settings.dep_groups.get("dep"), Some(&Processors::All));
    assert!(loaded.warnings.is_empty());
    assert!(of("# only words\n", &[]).is_ok());
}

#[test]
fn an_unknown_key_is_named_with_line_column_and_near_miss() {
    let found = errors("http:\n  lisen: 127.0.0.1:1\n", &[]);
    assert_eq!(found, ["da.yaml:2:3  error E102 unknown setting `lisen`; did you mean `listen`?"]);
    let found = errors("htpp:\n  listen: 127.0.0.1:1\n", &[]);
    assert_eq!(found, ["da.yaml:1:1  error E102 unknown setting `htpp`; did you mean `http`?"]);
}

#[test]
fn settings_of_later_features_are_refused_in_plain_words() {
    for (text, word) in
        [("parking:\n  rows: 1\n", "parking"), ("outbound: x\n", "outbound"), ("headers: cloudevents\n", "cloudevents")]
    {
        let found = errors(text, &[]);
        assert!(
            found.len() == 1
                && found[0].contains("E104")
                && found[0].contains(&format!("`{word}` comes with a later release")),
            "{found:?}"
        );
    }
    let found = errors("", &[("DA__PARKING__ROWS", "1")]);
    assert!(
        found[0].starts_with("env DA__PARKING__ROWS  error E104 `parking` comes with a later release"),
        "{found:?}"
    );
}

#[test]
fn a_wrong_value_is_named_with_its_place() {
    let found = errors("http:\n  max_events: many\n", &[]);
    assert!(found[0].starts_with("da.yaml:2:15  error E103"), "{found:?}");
    let found = errors("cache:\n  bytes: 5 MB\n", &[]);
    assert!(found[0].starts_with("da.yaml:2:3  error E103") && found[0].contains("64 KiB"), "{found:?}");
    let found = errors("telemetry:\n  log:\n    format: xml\n", &[]);
    assert!(found[0].contains("`xml` is not one of text, json"), "{found:?}");
    let found = errors("http: [\n", &[]);
    assert!(found[0].starts_with("da.yaml:") && found[0].contains("E103"), "{found:?}");
}

#[test]
fn all_broken_rules_are_told_at_once() {
    let found = errors("http:\n  max_events: 0\n  listen: here\nembedded:\n  partitions: 99\n", &[]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().any(|f| f.starts_with("da.yaml:2:3  error E201 http.max_events")), "{found:?}");
    assert!(found.iter().any(|f| f.starts_with("da.yaml:5:3  error E201 embedded.partitions")), "{found:?}");
    assert!(
        found.iter().any(|f| f.starts_with("da.yaml:3:3  error E202 http.listen `here` is no address")),
        "{found:?}"
    );
}

#[test]
fn rules_between_values_hold() {
    let both = "http: {listen: '127.0.0.1:9000'}\nadmin: {listen: '127.0.0.1:9000'}\n";
    assert!(errors(both, &[])[0].contains("the two must be apart"));
    let rate = errors("http:\n  rate:\n    events_per_second: 10\n", &[]);
    assert!(rate[0].contains("a full request could never pass"), "{rate:?}");
    let twice = errors("dep:\n  groups:\n    a: [lesson_score]\n    b: [lesson_score]\n", &[]);
    assert!(twice[0].contains("`lesson_score` is in two groups"), "{twice:?}");
    let ours = errors("partner_topics:\n  - {topic: gep.accepted, partner: p, tenant: t}\n", &[]);
    assert!(ours[0].contains("is a topic of ours"), "{ours:?}");
}

#[test]
fn the_environment_overrides_the_file_and_is_named_when_wrong() {
    let file = "http:\n  max_events: 10\n";
    let loaded = of(file, &[("DA__HTTP__MAX_EVENTS", "20"), ("DA__CACHE__BYTES", "8 MiB")]).unwrap();
    assert_eq!((loaded.settings.http.events.max_events, loaded.settings.cache_bytes), (20, 8 << 20));
    let found = errors(file, &[("DA__HTTP__MAX_EVENTS", "many")]);
    assert!(found[0].starts_with("env DA__HTTP__MAX_EVENTS  error E103"), "{found:?}");
    let found = errors("", &[("DA__HTTP__MAX_EVENTS", "0")]);
    assert!(found[0].starts_with("env DA__HTTP__MAX_EVENTS  error E201 http.max_events"), "{found:?}");
    let loaded = of("", &[("DA__SERVICE__SLOT", "0"), ("DA__HTTP__MAX_EVENTS", "30")]).unwrap();
    assert_eq!((loaded.settings.cluster.service.slot.as_str(), loaded.settings.http.events.max_events), ("0", 30));
}

#[test]
fn an_unknown_variable_is_a_warning_with_a_near_miss() {
    let loaded = of("", &[("DA__HTPP__LISTEN", "127.0.0.1:1"), ("DA__HTTP__LISEN", "x")]).unwrap();
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "env DA__HTPP__LISTEN  warning W031 names no setting; did you mean `http`?",
            "env DA__HTTP__LISEN  warning W031 names no setting; did you mean `listen`?",
        ]
    );
}

#[test]
fn partners_and_groups_have_free_names() {
    let text = "partners:\n  quizlab: {anonymous: accept, tenants: [t-south]}\n";
    let loaded = of(text, &[("DA__PARTNERS__OTHER__EXTENSIONS", "true"), ("DA__DEP__GROUPS__DEP", "[a, b]")]).unwrap();
    let quizlab = loaded.settings.partners.get("quizlab").unwrap();
    assert!(quizlab.accept_anonymous && !quizlab.extensions && quizlab.tenants == ["t-south"]);
    assert!(loaded.settings.partners.get("other").unwrap().extensions);
    let named = Processors::Named(vec!["a".to_owned(), "b".to_owned()]);
    assert_eq!(loaded.settings.dep_groups.get("dep"), Some(&named));
}

#[test]
fn every_setting_is_shown_with_its_origin() {
    let loaded = of("http:\n  max_events: 10\n", &[("DA__CACHE__BYTES", "8 MiB")]).unwrap();
    let shown = show(&loaded.effective);
    for line in [
        "http.max_events = 10  # file\n",
        "cache.bytes = 8388608  # DA__CACHE__BYTES\n",
        "time.visit_cap_ms = 7200000  # default\n",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
}

#[test]
fn the_sample_files_load_and_the_full_one_names_every_key_with_its_default() {
    let full = include_str!("../../../../deploy/settings/full.yaml");
    let small = include_str!("../../../../deploy/settings/small.yaml");
    assert!(of(small, &[]).is_ok(), "{:?}", errors(small, &[]));
    let loaded = of(full, &[]).unwrap();
    let unset: Vec<&str> = loaded.effective.iter().filter(|e| e.origin == "default").map(|e| e.key.as_str()).collect();
    assert!(unset.is_empty(), "{unset:?}");
    assert_eq!(loaded.settings, of("", &[]).unwrap().settings);
}

#[test]
fn a_listener_for_the_world_is_a_warning() {
    let loaded = of("http:\n  listen: 0.0.0.0:8080\n", &[]).unwrap();
    assert!(
        loaded.warnings[0].to_string().starts_with("da.yaml:2:3  warning W040 http.listen"),
        "{:?}",
        loaded.warnings
    );
}

#[test]
fn rules_of_the_cluster_are_told_in_plain_words() {
    let sasl = "kafka:\n  bootstrap: broker:9093\n  security: sasl_ssl\n";
    let cases = [
        (sasl.to_owned(), "kafka.sasl.mechanism is missing: security is sasl, and GSSAPI, the client's default"),
        (format!("{sasl}  sasl: {{mechanism: OAUTHBEARER}}\n"), "`OAUTHBEARER` is not built in; use SCRAM-SHA-512"),
        (format!("{sasl}  sasl: {{mechanism: SCRAM-SHA-512}}\n"), "kafka.sasl needs username and password_file"),
        ("kafka: {bootstrap: 'broker:9092'}\n".to_owned(), "kafka.security is plain text to another machine"),
        ("kafka: {sasl: {mechanism: PLAIN}}\n".to_owned(), "set kafka.security: sasl_ssl"),
        ("kafka: {tls: {key_file: k.pem}}\n".to_owned(), "certificate_file and key_file belong together"),
        ("kafka: {transaction_timeout_ms: 9000}\n".to_owned(), "must be above 10000"),
        ("postgres: {url: 'mysql://x'}\n".to_owned(), "postgres.url must read postgres://"),
        ("registry: {url: 'registry:8085'}\n".to_owned(), "registry.url must begin with http"),
        ("registry: {url: 'http://registry:8085/x'}\n".to_owned(), "registry.url is plain text to another machine"),
        ("kafka: {boostrap: x}\n".to_owned(), "unknown setting `boostrap`; did you mean `bootstrap`?"),
    ];
    for (text, expected) in cases {
        let found = errors(&text, &[]);
        assert!(found.iter().any(|f| f.contains(expected)), "{text}: {found:?}");
    }
    let near = of("kafka: {bootstrap: '127.0.0.1:9092,localhost:9093'}\nservice: {slot: gep-1}\n", &[]).unwrap();
    assert_eq!(near.settings.cluster.service.slot, "gep-1");
    let trial = "kafka: {bootstrap: 'broker:9092'}\nregistry: {url: 'http://registry:8085'}\nservice: {dev: true}\n";
    assert!(of(trial, &[]).is_ok());
    for url in ["http://127.0.0.1:8085/x", "http://localhost/x", "http://[::1]:8085", "https://registry/x"] {
        assert!(of(&format!("registry: {{url: '{url}'}}\n"), &[]).is_ok(), "{url}");
    }
}
