//! Every file in `schemas/*/examples` is a test case: apache-avro's bytes are read and written back by hand.

use std::fs;
use std::path::{Path, PathBuf};

use da_model::schema::codec::{decode, decode_usage, encode, encode_usage_body};
use da_model::schema::json::event_to_json;
use da_model::schema::{SCHEMAS, Schemas};
use da_model::time::Timestamp;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::plain;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas")
}

pub fn examples(name: &str) -> Vec<(PathBuf, Json)> {
    let files = fs::read_dir(folder().join(name).join("examples")).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    paths.map(|path| (path.clone(), serde_json::from_slice(&fs::read(path).unwrap()).unwrap())).collect()
}

#[test]
fn every_example_is_written_and_read_alike() {
    let schemas = Schemas::embedded();
    for (name, id) in SCHEMAS {
        let schema = plain::schema(name);
        for (path, json) in examples(name) {
            let mut value = vec![0];
            value.extend(id.to_be_bytes());
            value.extend(plain::datum(&schema, &json));
            let (lineage, event) = decode(&value, &schemas).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let mut again = Vec::new();
            encode(&event, &lineage, &schemas, &mut again);
            assert_eq!(again, value, "{}", path.display());
            let mut shown = event_to_json(&event, &lineage);
            shown["lineage"] = plain::lineage(&lineage);
            assert_eq!(shown, json, "{}", path.display());
        }
    }
}

#[test]
fn the_fingerprints_of_the_examples_are_true() {
    let schema = plain::schema("accepted");
    for (path, json) in examples("accepted") {
        let mut value = vec![0, 0, 0, 0, 1];
        value.extend(plain::datum(&schema, &json));
        let mut event = decode_usage(&value, &Schemas::embedded()).unwrap();
        let said = std::mem::take(&mut event.fingerprint);
        event.received_at = Timestamp(0);
        event.flags.clear();
        let mut body = Vec::new();
        encode_usage_body(&event, &mut body);
        let found: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(said, found, "{}", path.display());
    }
}

#[test]
fn every_schema_has_two_examples() {
    for (name, _) in SCHEMAS {
        assert!(examples(name).len() >= 2, "{name}");
    }
}

#[test]
fn every_field_of_every_schema_is_documented() {
    for (name, _) in SCHEMAS {
        let text = da_model::schema::schema_text(name).unwrap();
        undocumented(name, &serde_json::from_str(text).unwrap());
    }
}

fn undocumented(at: &str, json: &Json) {
    match json {
        Json::Object(map) => {
            if map.contains_key("name") {
                assert!(map.get("doc").and_then(Json::as_str).is_some_and(|d| !d.is_empty()), "{at}: {map:?}");
            }
            for (key, inner) in map {
                undocumented(&format!("{at}.{key}"), inner);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| undocumented(at, item)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

#[test]
fn the_known_ids_of_the_domain_document_stand_in_the_examples() {
    let all: String = SCHEMAS.iter().flat_map(|(name, _)| examples(name)).map(|(_, json)| json.to_string()).collect();
    for id in [
        "3ee71aae-f246-56cb-8415-32d62a27017f",
        "7a0c939c-7452-5016-bc8e-8d5a43407b91",
        "2f67f593-2073-5c79-9b66-924dbcb12035",
        "137fa5ea-2d07-52bf-a08d-5159df9684f2",
        "1429e5e5-dade-5037-adf6-5208b8816d35",
        "e2eb6296-d038-5e65-a225-c0227c2849d7",
        "ea24c629-7c90-5663-a697-4dbe2bbc81da",
    ] {
        assert!(all.contains(id), "{id}");
    }
}
