//! B8 bad_bytes_preserved: what was refused is kept byte for byte, with its hash and the place it came from.

use da_model::event::RejectionSource;
use da_model::ids::Offset;
use tests::dsl::T0;
use tests::stack::{Form, PARTNER_TOPIC};

use super::a21_poison::poison;

both! { b08_bytes_hash_and_place }

fn b08_bytes_hash_and_place(form: Form) {
    let stack = form.start();
    stack.send(poison(), T0 + 30_000);
    let rejected = stack.topic("gep.rejected");
    let refused = rejected[1].rejected();
    assert_eq!(refused.reasons[0].reason.code(), "bad_utf8");
    assert_eq!(refused.original, [0x7b, 0x22, 0xff, 0x22, 0x7d]);
    assert_eq!(refused.original_sha256, "b76c1b3ffcb6d63c567fba20ed967bdd4339cf673f441c836641d7c224159ae4");
    assert_eq!(refused.original_length, 5);
    let RejectionSource::Kafka { topic, partition, offset, .. } = &refused.source else { panic!("{refused:?}") };
    assert_eq!((topic.as_ref(), partition.0, *offset), (PARTNER_TOPIC.0, 0, Offset(1)));
}
