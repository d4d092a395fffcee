//! What the audit of a cluster is told of positions in the database, of outputs that wait, and of open transactions.
//!
//! Place: beside the mutation tests of the checker (cli, `audit`), which show what it makes of them.

use std::time::Duration;

use da_model::ids::{Offset, Partition, TopicName};
use da_runtime::io::kafka::reader::KafkaReader;
use da_runtime::io::sql::postgres::reading::TableReader;
use da_runtime::reading::KeptPosition;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use tests::cluster::broker::Broker;
use tests::cluster::database::Database;
use tests::process::{deadline, pause};

#[test]
fn the_database_tells_positions_what_waits_in_the_outbox_and_what_is_open() {
    let Some(database) = Database::migrated("positions of a database") else { return };
    let mut reader = TableReader::new(database.settings()).unwrap();
    assert_eq!(reader.kept().unwrap(), []);
    let mut writer = database.connection();
    writer.texts("INSERT INTO position VALUES ('gep', 'gep.accepted', 3, 1, 'r0', 17, '', 9)").unwrap();
    for (part, end) in [(3, 12), (3, 17), (4, 5)] {
        let blob = format!("INSERT INTO outbox VALUES ('gep', 'gep.accepted', {part}, 1, {end}, '', now(), {end})");
        writer.texts(&blob).unwrap();
    }
    let kept = |partition, next, outbox| KeptPosition {
        group: "gep".to_owned(),
        topic: "gep.accepted".to_owned(),
        partition: Partition(partition),
        next,
        outbox: Some(Offset(outbox)),
    };
    assert_eq!(reader.kept().unwrap(), [kept(3, Some(Offset(17)), 17), kept(4, None, 5)]);
    assert_eq!(reader.open_transactions().unwrap(), Vec::<String>::new());
    writer.texts("BEGIN").unwrap();
    let until = deadline(10);
    while reader.open_transactions().unwrap().is_empty() {
        assert!(!until.passed(), "nobody tells of the open transaction");
        pause(100);
    }
    writer.texts("ROLLBACK").unwrap();
    assert_eq!(reader.open_transactions().unwrap(), Vec::<String>::new());
}

#[test]
fn the_log_tells_partitions_on_which_a_transaction_is_open() {
    let Some(broker) = Broker::apart("open transactions of a log") else { return };
    let topic = TopicName("gep.usage");
    broker.admin().create_topic(topic, 2, 1).unwrap();
    let settings = broker.settings();
    let producer: ThreadedProducer<rdkafka::producer::DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", &settings.bootstrap)
        .set("transactional.id", settings.scope.group("open"))
        .create()
        .unwrap();
    let name = settings.scope.topic(topic);
    producer.init_transactions(Duration::from_secs(30)).unwrap();
    producer.begin_transaction().unwrap();
    producer.send(BaseRecord::<str, str>::to(&name).partition(1).payload("x")).map_err(|(e, _)| e).unwrap();
    producer.flush(Duration::from_secs(30)).unwrap();
    let reader = KafkaReader::open(settings).unwrap();
    let told = reader.open_transactions().unwrap();
    assert_eq!(told, [format!("{name}/1: stable up to 0, end 1")]);
    producer.abort_transaction(Duration::from_secs(30)).unwrap();
    let until = deadline(30);
    while !reader.open_transactions().unwrap().is_empty() {
        assert!(!until.passed(), "an aborted transaction is still called open");
        pause(50);
    }
}
