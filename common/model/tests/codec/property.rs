//! Any event: hand-written bytes are apache-avro's, and come back; no bytes make the decoder panic.

use da_model::event::{Event, SignalView};
use da_model::outcome::Reason;
use da_model::schema::codec::{
    decode, decode_discrete, decode_impact, decode_lineage, decode_signal_view, decode_usage, encode,
    encode_usage_body, schema_name,
};
use da_model::schema::json::event_to_json;
use da_model::schema::{SCHEMAS, Schemas};
use proptest::prelude::*;

use super::dice::Dice;
use super::plain;

fn entropy() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..1_500)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_are_those_of_apache_avro(bytes in entropy()) {
        let mut dice = Dice::new(&bytes);
        let (event, lineage) = (dice.event(), dice.lineage());
        let schemas = Schemas::embedded();
        let mut out = vec![9];
        encode(&event, &lineage, &schemas, &mut out);

        let name = schema_name(&event);
        let mut json = event_to_json(&event, &lineage);
        json["lineage"] = plain::lineage(&lineage);
        let mut expected = vec![9, 0];
        expected.extend(schemas.id_of(name).to_be_bytes());
        expected.extend(plain::datum(&plain::schema(name), &json));
        prop_assert_eq!(&out, &expected, "{} {:?}", name, event);
    }

    #[test]
    fn events_come_back(bytes in entropy()) {
        let mut dice = Dice::new(&bytes);
        let (event, lineage) = (dice.event(), dice.lineage());
        let schemas = Schemas::embedded();
        let mut out = Vec::new();
        encode(&event, &lineage, &schemas, &mut out);

        prop_assert_eq!(decode_lineage(&out, &schemas), Ok(lineage.clone()));
        prop_assert_eq!(decode(&out, &schemas), Ok((lineage, event.clone())));
        prop_assert_eq!(decode_usage(&out, &schemas).ok(), usage_of(&event));
        prop_assert_eq!(decode_impact(&out, &schemas).ok(), impact_of(&event));
        prop_assert_eq!(decode_signal_view(&out, &schemas).ok(), impact_of(&event).map(SignalView::from));
        prop_assert_eq!(decode_discrete(&out, &schemas).ok(), discrete_of(&event));
    }

    #[test]
    fn a_usage_event_has_one_body_everywhere(bytes in entropy()) {
        let mut dice = Dice::new(&bytes);
        let (event, lineage) = (dice.usage(), dice.lineage());
        let (mut body, mut whole) = (Vec::new(), Vec::new());
        encode_usage_body(&event, &mut body);
        encode(&Event::Usage(Box::new(event)), &lineage, &Schemas::embedded(), &mut whole);
        prop_assert!(whole.ends_with(&body));
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut value in proptest::collection::vec(any::<u8>(), 0..600), id in 0..14_u32) {
        let schemas = Schemas::embedded();
        let _ = decode(&value, &schemas);
        value.splice(0..0, id.to_be_bytes());
        value.insert(0, 0);
        match decode(&value, &schemas) {
            Ok(_) => prop_assert!(schemas.name_of(id).is_some()),
            Err(rejection) => {
                let reason = if schemas.name_of(id).is_some() { Reason::Undecodable } else { Reason::SchemaUnknown };
                prop_assert_eq!(rejection.reason, reason);
            }
        }
    }

    #[test]
    fn damaged_bytes_are_read_or_refused(bytes in entropy(), at in any::<prop::sample::Index>(), mask in 1..=255_u8) {
        let mut dice = Dice::new(&bytes);
        let (event, lineage) = (dice.event(), dice.lineage());
        let schemas = Schemas::embedded();
        let mut out = Vec::new();
        encode(&event, &lineage, &schemas, &mut out);

        let cut = at.index(out.len());
        prop_assert!(decode(&out[..cut], &schemas).is_err(), "cut at {}", cut);
        let mut longer = out.clone();
        longer.push(0);
        prop_assert!(decode(&longer, &schemas).is_err());
        out[cut] ^= mask;
        if let Ok((lineage, event)) = decode(&out, &schemas) {
            let mut again = Vec::new();
            encode(&event, &lineage, &schemas, &mut again);
            prop_assert_eq!(decode(&again, &schemas), Ok((lineage, event)));
        }
    }
}

fn usage_of<'a>(event: &Event<'a>) -> Option<da_model::event::UsageEvent<'a>> {
    if let Event::Usage(usage) = event { Some((**usage).clone()) } else { None }
}

fn impact_of<'a>(event: &Event<'a>) -> Option<da_model::event::ImpactSignal<'a>> {
    if let Event::Impact(impact) = event { Some((**impact).clone()) } else { None }
}

fn discrete_of<'a>(event: &Event<'a>) -> Option<da_model::event::DiscreteEvent<'a>> {
    if let Event::Discrete(discrete) = event { Some((**discrete).clone()) } else { None }
}

#[test]
fn all_schemas_are_drawn() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..2_000_u32 {
        let bytes: Vec<u8> =
            (0..64_u32).map(|n| (seed.wrapping_mul(2_654_435_761).rotate_left(n) >> 8) as u8).collect();
        seen.insert(schema_name(&Dice::new(&bytes).event()));
    }
    let all: std::collections::BTreeSet<_> = SCHEMAS.iter().map(|(name, _)| *name).collect();
    assert_eq!(seen, all);
}
