//! Values of older and newer writers, and of hostile ones: every example under every change that a version may bring.

use da_model::outcome::Reason;
use da_model::schema::codec::decode;
use da_model::schema::json::event_to_json;
use da_model::schema::resolve::{LONGEST_VALUE, Resolution, foreign_id};
use da_model::schema::{SCHEMAS, Schemas, schema_text};
use serde_json::{Value as Json, json};

use super::{examples, plain};

const FOREIGN: u32 = 7_001;

/// The schema of a folder of `schemas/` after a change of its fields.
fn changed(name: &str, change: impl FnOnce(&mut Vec<Json>)) -> String {
    let mut schema: Json = serde_json::from_str(schema_text(name).unwrap()).unwrap();
    change(schema["fields"].as_array_mut().unwrap());
    schema.to_string()
}

/// A value as another version of the schema writes it.
fn written(schema: &str, json: &Json) -> Vec<u8> {
    let mut value = vec![0];
    value.extend(FOREIGN.to_be_bytes());
    value.extend(plain::datum(&apache_avro::Schema::parse_str(schema).unwrap(), json));
    value
}

/// The value as we read it.
fn read(name: &'static str, schema: &str, value: &[u8]) -> Json {
    let schemas = Schemas::embedded();
    assert_eq!(foreign_id(value, &schemas), Some(FOREIGN));
    let ours = Resolution::new(schema, name).unwrap().to_ours(value, &schemas).unwrap();
    assert_eq!(foreign_id(&ours, &schemas), None);
    let (lineage, event) = decode(&ours, &schemas).unwrap();
    let mut shown = event_to_json(&event, &lineage);
    shown["lineage"] = plain::lineage(&lineage);
    shown
}

#[test]
fn a_newer_writer_has_fields_that_we_pass_over() {
    for (name, _) in SCHEMAS {
        let schema = changed(name, |fields| {
            fields.insert(1, json!({"name": "novelty", "type": "string"}));
            fields.push(json!({"name": "last", "type": ["null", "long"], "default": null}));
        });
        for (path, example) in examples::examples(name) {
            let mut newer = example.clone();
            newer["novelty"] = json!("new");
            newer["last"] = json!(7);
            assert_eq!(read(name, &schema, &written(&schema, &newer)), example, "{}", path.display());
        }
    }
}

#[test]
fn what_an_older_writer_lacks_has_its_default() {
    let mut tried = 0;
    for (name, _) in SCHEMAS {
        let text: Json = serde_json::from_str(schema_text(name).unwrap()).unwrap();
        for field in text["fields"].as_array().unwrap().iter().filter(|field| field.get("default").is_some()) {
            let missing = field["name"].as_str().unwrap();
            let schema =
                changed(name, |fields| fields.retain(|f| f["name"] != field["name"] || f["name"] == "lineage"));
            for (path, example) in examples::examples(name) {
                let (mut older, mut expected) = (example.clone(), example);
                older.as_object_mut().unwrap().remove(missing);
                expected[missing] = field["default"].clone();
                assert_eq!(read(name, &schema, &written(&schema, &older)), expected, "{} {missing}", path.display());
                tried += 1;
            }
        }
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn a_number_that_grew_is_read() {
    let mut schema: Json = serde_json::from_str(schema_text("de.view").unwrap()).unwrap();
    narrowed(&mut schema);
    let schema = schema.to_string();
    for (_, example) in examples::examples("de.view") {
        assert_eq!(read("de.view", &schema, &written(&schema, &example)), example);
    }
}

/// Every plain `long` of the value record becomes an `int`.
fn narrowed(schema: &mut Json) {
    if schema.get("name").is_some() && schema.get("type") == Some(&json!("long")) {
        schema["type"] = json!("int");
    }
    if let Some(within) = schema.as_object_mut() {
        within.values_mut().for_each(narrowed);
    } else if let Some(within) = schema.as_array_mut() {
        within.iter_mut().for_each(narrowed);
    }
}

#[test]
fn a_value_cut_anywhere_is_refused() {
    let schema = changed("de.view", |fields| {
        fields.push(json!({"name": "last", "type": ["null", "string"], "default": null}));
        fields.push(json!({"name": "very_last", "type": "string", "default": ""}));
    });
    let resolution = Resolution::new(&schema, "de.view").unwrap();
    for (_, mut example) in examples::examples("de.view") {
        example["last"] = json!("x");
        example["very_last"] = json!("end");
        let value = written(&schema, &example);
        for cut in 5..value.len() {
            let refused = resolution.to_ours(&value[..cut], &Schemas::embedded()).unwrap_err();
            assert_eq!(refused.reason, Reason::Undecodable, "cut at {cut} of {}", value.len());
        }
        let mut longer = value.clone();
        longer.push(0);
        assert_eq!(resolution.to_ours(&longer, &Schemas::embedded()).unwrap_err().reason, Reason::Undecodable);
        assert!(resolution.to_ours(&value, &Schemas::embedded()).is_ok());
    }
    let endless = vec![0; LONGEST_VALUE + 1];
    assert_eq!(resolution.to_ours(&endless, &Schemas::embedded()).unwrap_err().reason, Reason::Undecodable);
}

#[test]
fn only_a_value_with_a_prefix_and_an_id_of_others_is_foreign() {
    let schemas = Schemas::embedded();
    let cases: &[(&[u8], Option<u32>)] = &[
        (&[], None),
        (&[0, 0, 0, 0], None),
        (&[1, 0, 0, 0, 99, 5], None),
        (&[0, 0, 0, 0, 4, 5], None),
        (&[0, 0, 0, 0, 99], Some(99)),
    ];
    for (value, expected) in cases {
        assert_eq!(foreign_id(value, &schemas), *expected, "{value:?}");
    }
    let two = Schemas::of(vec![("de.view", 50), ("de.view", 51)]);
    assert_eq!((two.id_of("de.view"), foreign_id(&[0, 0, 0, 0, 51], &two)), (50, None));
}

#[test]
fn a_schema_that_ours_cannot_read_names_the_field() {
    let gone = changed("de.view", |fields| fields.retain(|field| field["name"] != "eventId"));
    let told = Resolution::new(&gone, "de.view").unwrap_err().to_string();
    assert!(told.contains("`eventId`"), "{told}");
    let other = schema_text("usage").unwrap();
    assert!(Resolution::new(other, "de.view").is_err());
    assert!(Resolution::new("{", "de.view").is_err());
    assert!(Resolution::new(other, "no.such").is_err());
}

#[test]
fn schemas_whose_values_have_no_bound_are_refused() {
    let with = |field: Json| changed("de.view", |fields| fields.push(json!({"name": "extra", "type": field})));
    let mut deep = json!("int");
    for n in 0..40 {
        deep = json!({"type": "record", "name": format!("R{n}"), "fields": [{"name": "inner", "type": deep}]});
    }
    let node = json!({"type": "record", "name": "Node", "fields": [
        {"name": "n", "type": "int"}, {"name": "next", "type": ["null", "Node"]}]});
    let hostile = [
        (json!({"type": "array", "items": "null"}), "always null"),
        (json!({"type": "array", "items": {"type": "record", "name": "E", "fields": []}}), "without fields"),
        (json!({"type": "fixed", "name": "F", "size": 0}), "no bytes"),
        (json!({"type": "fixed", "name": "F", "size": 1_000_000_000_000_u64}), "more than a value may have"),
        (node, "within itself"),
        (deep, "nested too deep"),
    ];
    for (field, expected) in hostile {
        let told = Resolution::new(&with(field), "de.view").unwrap_err().to_string();
        assert!(told.contains(expected), "{expected}: {told}");
    }
    for (name, _) in SCHEMAS {
        assert!(Resolution::new(schema_text(name).unwrap(), name).is_ok(), "{name}");
    }
}

#[test]
fn decimals_of_another_scale_are_no_scores() {
    let schema = schema_text("de.score").unwrap().replace(r#""scale": 2"#, r#""scale": 3"#);
    assert_ne!(schema, schema_text("de.score").unwrap());
    match Resolution::new(&schema, "de.score") {
        Err(told) => assert!(told.to_string().contains("score"), "{told}"),
        Ok(resolution) => {
            let mut refused = 0;
            for (_, example) in examples::examples("de.score") {
                let mut value = vec![0];
                value.extend(FOREIGN.to_be_bytes());
                value.extend(plain::datum(&plain::schema("de.score"), &example));
                match resolution.to_ours(&value, &Schemas::embedded()) {
                    Err(told) => refused += usize::from(told.detail.contains("scale")),
                    Ok(_) => assert!(example["result"]["score"].is_null(), "{example}"),
                }
            }
            assert!(refused > 0);
        }
    }
}

#[test]
fn a_metric_stays_the_metric_it_is() {
    let schema = changed("usage", |fields| fields.push(json!({"name": "last", "type": "int"})));
    let mut seen = std::collections::BTreeSet::new();
    let (_, example) = examples::examples("usage").into_iter().find(|(_, e)| e["changes"][0].is_object()).unwrap();
    for (kind, value) in [
        (
            "score",
            json!({"score": 50.0, "rawScore": 1, "maxScore": 2, "graded": true, "status": null, "latest": null, "count": null, "codes": []}),
        ),
        ("timespent", json!({"timeSpent": 1, "delta": 2, "wallTime": 3, "visits": 4})),
        ("reaction", json!({"reaction": 3, "count": 1})),
        ("view", json!({"views": 1, "delta": 1, "items": 2})),
    ] {
        let mut json = example.clone();
        let mut change = example["changes"][0].clone();
        change["metric"] = json!(kind);
        change["before"] = value.clone();
        change["after"] = value;
        json["changes"] = json!([change]);
        let mut newer = json.clone();
        newer["last"] = json!(1);
        assert_eq!(read("usage", &schema, &written(&schema, &newer)), json, "{kind}");
        seen.insert(kind);
    }
    assert_eq!(seen.len(), 4);
}
